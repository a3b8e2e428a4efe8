import { noLongerNeeded } from '../../core/abort.ts';
import type { Clock } from '../../core/ports/system.ts';

const maxTrailingBytes = 16 * 1024;
const patienceMs = 250;

/**
 * After the terminal event only the end of the message is left. Reading it returns the socket to the pool; a server
 * that goes on talking or keeps the message open loses its connection instead.
 */
export async function readEnd(body: AsyncIterator<Uint8Array>, clock: Clock): Promise<void> {
  const waiting = new AbortController();
  const tooLong = clock.sleep(patienceMs, waiting.signal).then(
    () => body.return?.(),
    () => undefined,
  );
  try {
    let bytes = 0;
    for (let step = await body.next(); step.done !== true; step = await body.next()) {
      bytes += step.value.length;
      if (bytes > maxTrailingBytes) await body.return?.();
    }
  } catch {
    // The answer is whole already: how its connection ends changes nothing.
  }
  waiting.abort(noLongerNeeded);
  await tooLong;
}
