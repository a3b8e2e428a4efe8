/** What a model reads of an HTTP answer. */
import { setImmediate } from 'node:timers/promises';
import { headBytes, isTextType, judgeType, typeOfBytes } from '../../../core/file-type.ts';
import type { MintId } from '../../../core/ids.ts';
import type { FileStorage } from '../../../core/ports/files.ts';
import type { PublicResponse } from '../../../core/ports/public-http.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { ToolOutput } from '../../../core/ports/tool.ts';
import { readable } from './readable.ts';

export interface AnswerDeps {
  files: Pick<FileStorage, 'save' | 'remove'>;
  store: Pick<Store, 'saveFile'>;
  clock: Clock;
  mintId: MintId;
}

const outside = 'web page';
const anyType = 'application/octet-stream';
/** Parsing and writing it again takes a few milliseconds; a longer one is shown as it came. */
const maxCompacted = 256 * 1024;
/** What `<meta charset>` may stand in: https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding */
const prescanBytes = 1024;

/** The answer in words. What is no text becomes a stored file of the person. */
export async function answerOf(
  response: PublicResponse,
  method: string,
  person: string,
  maxBytes: number,
  signal: AbortSignal,
  deps: AnswerDeps,
): Promise<ToolOutput> {
  const { status, url, headers } = response;
  const declared = headers['content-type'] ?? '';
  const type = (/^\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/.exec(declared)?.[1] ?? anyType).toLowerCase();
  const said = (what: string, text: string): ToolOutput => ({
    text: `HTTP ${status}, ${what}, from ${url}\n\n${text}`,
    outside,
    ...(status >= 400 ? { isError: true } : {}),
  });
  if (method === 'HEAD')
    return said(
      type,
      Object.entries(headers)
        .map((header) => header.join(': '))
        .join('\n'),
    );

  const body = response.body[Symbol.asyncIterator]();
  const begun = await beginOf(body);
  const head = joined(begun);
  if (head.length === 0) return said('no content', '');
  const charset = /;\s*charset\s*=\s*"?([\w:.+-]{1,40})/i.exec(declared)?.[1];
  const text = textType(type, head, charset);
  const whole = withRest(begun, body);
  if (text === null) {
    const file = await kept(whole, judgeType(type, head).type, person, maxBytes, deps);
    return said(file.mimeType, `It is kept as the file ${file.id} (${file.size} bytes).`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of whole) chunks.push(chunk);
  const html = text === 'text/html' || text === 'application/xhtml+xml';
  const decoder = decoderFor(charset, html ? head.subarray(0, prescanBytes) : new Uint8Array(), head);
  if (html) {
    const { pageText } = await import('./page-text.ts');
    const page = await pageText(chunks, decoder, url, signal);
    const title = page.title === '' ? '' : `${page.title}\n\n`;
    return said(type, `${title}${page.text || '(no text)'}${page.cut === null ? '' : `\n(${page.cut})`}`);
  }
  const plain = readable(decoder.decode(joined(chunks)));
  await setImmediate();
  return said(type, /[/+]json$/.test(text) ? compacted(plain) : plain);
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

async function kept(
  body: AsyncIterable<Uint8Array>,
  mimeType: string,
  owner: string,
  maxBytes: number,
  { files, store, clock, mintId }: AnswerDeps,
): Promise<{ id: string; mimeType: string; size: number }> {
  const id = mintId('file');
  const { size, sha256 } = await files.save(id, body, maxBytes);
  try {
    await store.saveFile({ id, owner, mimeType, size, sha256, createdAt: clock.now() });
  } catch (error) {
    await files.remove(id);
    throw error;
  }
  return { id, mimeType, size };
}
