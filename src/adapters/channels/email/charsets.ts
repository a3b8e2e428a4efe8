/**
 * What the IMAP library asks of two charset libraries, by what Node has. The build puts this in their place: their
 * tables cost a dozen megabytes, and TextDecoder knows every charset of the web (https://encoding.spec.whatwg.org).
 */
import { Transform } from 'node:stream';

/** Names of folders (RFC 3501, 5.1.3); everything else is UTF-8. */
const folderNames = 'utf-7-imap';

export const encode = (text: string, charset: string): Buffer =>
  Buffer.from(charset === folderNames ? encodeFolder(text) : text);

export function decode(bytes: Uint8Array, charset: string): string {
  if (charset === folderNames) return decodeFolder(Buffer.from(bytes).toString('latin1'));
  return decoderOf(charset).decode(bytes);
}

/** Of the second library: `from` any charset to a text. */
export const convert = (bytes: Uint8Array, { from }: { from: string }): string => decode(bytes, from);

/** Bytes in, UTF-8 out. */
export function decodeStream(charset: string): Transform {
  const decoder = decoderOf(charset);
  return new Transform({
    transform: (chunk: Uint8Array, _, done) => done(null, decoder.decode(chunk, { stream: true })),
    flush: (done) => done(null, decoder.decode()),
  });
}

/** Names that mail uses and the web does not. */
const aliases: Record<string, string> = { jis: 'iso-2022-jp', eucjp: 'euc-jp', sjis: 'shift_jis', cp932: 'shift_jis' };

/** Of an unknown charset at least the letters of ASCII are right. */
function decoderOf(charset: string): TextDecoder {
  const name = charset.trim().toLowerCase();
  try {
    return new TextDecoder(aliases[name] ?? name);
  } catch {
    return new TextDecoder('windows-1252');
  }
}

/** Runs of what is not printable ASCII as UTF-16 in base64, with `,` for `/` and no padding. */
const encodeFolder = (name: string): string =>
  name.replaceAll(/&|[^\u0020-\u007e]+/g, (run) => {
    if (run === '&') return '&-';
    const bytes = Buffer.from(run, 'utf16le').swap16();
    return `&${bytes.toString('base64').replaceAll('/', ',').replaceAll('=', '')}-`;
  });

const decodeFolder = (name: string): string =>
  name.replaceAll(/&([A-Za-z0-9+,]*)-/g, (_, run: string) => {
    if (run === '') return '&';
    const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64');
    return bytes
      .subarray(0, bytes.length & ~1)
      .swap16()
      .toString('utf16le');
  });
