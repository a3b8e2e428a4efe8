import type { HttpBody } from '../../core/ports/http-client.ts';
import type { Clock } from '../../core/ports/system.ts';

const maxTrailingBytes = 16 * 1024;
const patienceMs = 250;

/**
 * After the terminal event only the end of the message is left. Reading it returns the socket to the pool; a server
 * that goes on talking or keeps the message open loses its connection instead.
 */
export async function readEnd(body: HttpBody, clock: Clock): Promise<void> {
  const callOff = clock.after(patienceMs, () => body.close());
  try {
    let bytes = 0;
    await body.read((chunk) => {
      bytes += chunk.length;
      return bytes <= maxTrailingBytes;
    });
    body.close();
  } catch {
    // The answer is whole already: how its connection ends changes nothing.
  }
  callOff();
}
