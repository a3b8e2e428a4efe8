import { headBytes } from '../../core/file-type.ts';

/** The first bytes of a stream, and the stream as if nobody had looked; who does not read it must `close` it. */
export interface Peeked {
  /** At most `headBytes`; empty for an empty stream. */
  head: Uint8Array;
  whole: AsyncIterable<Uint8Array>;
  close: () => Promise<void>;
}

export async function peek(body: AsyncIterable<Uint8Array>): Promise<Peeked> {
  const source = body[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let size = 0;
  while (size < headBytes) {
    const { done, value } = await source.next();
    if (done === true) break;
    seen.push(value);
    size += value.length;
  }
  const close = async (): Promise<void> => void (await source.return?.());
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* seen;
      seen.length = 0;
      for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
    } finally {
      await close();
    }
  }
  return { head: joined(seen).subarray(0, headBytes), whole: whole(), close };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
