/** Bodies of `multipart/form-data` (RFC 7578), as channels upload files. */
import { randomBytes } from 'node:crypto';

export interface FormFile {
  /** The field it fills. */
  field: string;
  name: string;
  mimeType: string;
  bytes: Uint8Array;
}

export interface Form {
  /** The value of the header `content-type`. */
  contentType: string;
  body: Uint8Array;
}

/** Texts and files as one body, in the order given. Names may hold anything; a MIME type that is none becomes `application/octet-stream`. */
export function multipart(fields: Readonly<Record<string, string>>, files: readonly FormFile[]): Form {
  // As random as a key: no content can hold it by accident or on purpose.
  const boundary = `clanker-${randomBytes(24).toString('hex')}`;
  const pieces: Uint8Array[] = [];
  const part = (header: string, content: Uint8Array): void => {
    pieces.push(Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; ${header}\r\n\r\n`), content, lineEnd);
  };
  for (const [name, value] of Object.entries(fields)) part(`name="${quoted(name)}"`, Buffer.from(value));
  for (const { field, name, mimeType, bytes } of files) {
    const type = /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream';
    part(`name="${quoted(field)}"; filename="${quoted(name)}"\r\ncontent-type: ${type}`, bytes);
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: Buffer.concat(pieces) };
}

const lineEnd = Buffer.from('\r\n');

/** As browsers write it: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
const quoted = (name: string): string =>
  name.toWellFormed().replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
