import type { Pace } from './pace.ts';

/** Cuts what a server writes into lines without ever holding more of one than is allowed. */

/** Of a line that is too long only this much of both ends is kept: enough to see which request it answers. */
const keptChars = 256;

export type Line = { text: string } | { tooLong: { head: string; tail: string } };

/**
 * Lines end with `\n`; a `\r` before it does not belong to them. What is left at the end of the stream is no line.
 * Reads no faster than the pace allows, so that the writer is held up.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number, pace: Pace): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    await pace.take(chunk.length);
    let from = 0;
    while (from < chunk.length) {
      const end = chunk.indexOf(10, from);
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      from = end === -1 ? chunk.length : end + 1;
      size += part.length;
      parts.push(part);
      if (size > maxBytes && parts.length > 2) {
        // All but the ends of it can go.
        const whole = Buffer.concat(parts);
        parts = [Buffer.from(whole.subarray(0, keptChars)), Buffer.from(whole.subarray(-keptChars))];
      }
      if (end === -1) continue;
      await pace.take(0);
      const bytes = Buffer.concat(parts);
      parts = [];
      if (size <= maxBytes) yield { text: bytes.toString('utf8').replace(/\r$/, '') };
      else {
        const [head, tail] = [bytes.subarray(0, keptChars), bytes.subarray(-keptChars)];
        yield { tooLong: { head: head.toString('latin1'), tail: tail.toString('latin1').trimEnd() } };
      }
      size = 0;
    }
  }
}
