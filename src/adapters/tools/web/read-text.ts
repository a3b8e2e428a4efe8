/** What there is to read in an HTTP answer. */
import { setImmediate } from 'node:timers/promises';
import { headBytes, isTextType, judgeType, typeOfBytes } from '../../../core/file-type.ts';
import type { PublicResponse } from '../../../core/ports/public-http.ts';
import { readable } from './readable.ts';

const anyType = 'application/octet-stream';
/** Parsing and writing it again takes a few milliseconds; a longer one is shown as it came. */
const maxCompacted = 256 * 1024;
/** What `<meta charset>` may stand in: https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding */
const prescanBytes = 1024;

/** `bytes`: it is no text, and its body was not read yet. `cut`: why something is missing, in words. */
export type ReadAnswer =
  | { kind: 'nothing' }
  | { kind: 'text'; type: string; title: string; text: string; cut: string | null }
  | { kind: 'bytes'; type: string; body: AsyncIterable<Uint8Array> };

export const declaredType = (headers: Readonly<Record<string, string>>): string =>
  (/^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/.exec(headers['content-type'] ?? '')?.[1] ?? anyType).toLowerCase();

/** Pages come as what a person would read of them. */
export async function readText(
  { url, headers, body: stream }: PublicResponse,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  const type = declaredType(headers);
  const body = stream[Symbol.asyncIterator]();
  const begun = await beginOf(body);
  const head = joined(begun);
  if (head.length === 0) return { kind: 'nothing' };
  const charset = /;\s*charset\s*=\s*"?([\w:.+-]{1,40})/i.exec(headers['content-type'] ?? '')?.[1];
  const text = textType(type, head, charset);
  const whole = withRest(begun, body);
  if (text === null) return { kind: 'bytes', type: judgeType(type, head).type, body: whole };
  const chunks: Uint8Array[] = [];
  for await (const chunk of whole) chunks.push(chunk);
  const html = text === 'text/html' || text === 'application/xhtml+xml';
  const decoder = decoderFor(charset, html ? head.subarray(0, prescanBytes) : new Uint8Array(), head);
  if (html) {
    const { pageText } = await import('./page-text.ts');
    const page = await pageText(chunks, decoder, url, signal);
    return { kind: 'text', type, title: page.title, text: page.text || '(no text)', cut: page.cut };
  }
  const plain = readable(decoder.decode(joined(chunks)));
  await setImmediate();
  const shown = /[/+]json$/.test(text) ? compacted(plain) : plain;
  return { kind: 'text', type, title: '', text: shown, cut: null };
}

/** The first bytes, enough to know what they are; fewer when there are no more. */
async function beginOf(body: AsyncIterator<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (let size = 0; size < headBytes;) {
    const { done, value } = await body.next();
    if (done === true) break;
    chunks.push(value);
    size += value.length;
  }
  return chunks;
}

async function* withRest(begun: readonly Uint8Array[], body: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* begun;
    for (let step = await body.next(); step.done !== true; step = await body.next()) yield step.value;
  } finally {
    await body.return?.();
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** The type of text that an answer is, by what was said and by what its bytes show; null when it is no text. */
function textType(declared: string, head: Uint8Array, charset = ''): string | null {
  const shown = typeOfBytes(head.subarray(0, headBytes));
  if (declared === anyType) return shown !== null && isTextType(shown) ? shown : null;
  if (!isTextType(declared)) return null;
  // Text in another encoding than UTF-8 shows nothing; only UTF-16 has zeros in it.
  if (shown === null) return !head.includes(0) || /^utf-?16/i.test(charset) ? declared : null;
  return isTextType(shown) ? declared : null;
}

function decoderFor(charset: string | undefined, prescanned: Uint8Array, head: Uint8Array): TextDecoder {
  const meta = /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w:.+-]{1,40})/i.exec(
    Buffer.from(prescanned).toString('latin1'),
  );
  for (const label of [charset, meta?.[1]]) {
    if (label === undefined) continue;
    try {
      return new TextDecoder(label);
    } catch {
      // No encoding of that name: as if nothing had been said.
    }
  }
  return new TextDecoder(typeOfBytes(head.subarray(0, headBytes)) === null ? 'windows-1252' : 'utf-8');
}

function compacted(json: string): string {
  if (json.length > maxCompacted) return json;
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return json;
  }
}
