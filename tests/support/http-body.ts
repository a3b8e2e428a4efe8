import type { HttpBody } from '../../src/core/ports/http-client.ts';

/** The body of an answer that nobody sent: the same chunks by both ways of reading. */
export function httpBody(chunks: AsyncGenerator<Uint8Array>): HttpBody {
  return {
    [Symbol.asyncIterator]: () => chunks,
    async read(take) {
      for (let step = await chunks.next(); step.done !== true; step = await chunks.next())
        if (!take(step.value)) return;
    },
    close: () => void chunks.return(undefined),
  };
}
