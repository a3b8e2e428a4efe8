/** JSON lines, out and in. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { HttpError } from './errors.ts';
import { parseJson } from './json.ts';

const maxLineBytes = 4 * 1024 * 1024;
/** Others have their turn after this much was parsed. */
const parsedAtOnceBytes = 256 * 1024;
const lineFeed = 0x0a;

/** Writes lines as fast as the client reads. One that leaves ends them; any failure must be seen to be incomplete. */
export async function writeLines(response: ServerResponse, lines: AsyncIterable<string>): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    for await (const line of lines) {
      if (gone.signal.aborted) return;
      if (!response.write(`${line}\n`)) await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    response.destroy();
    throw error;
  }
}

/** The values of a body of JSON lines, each parsed like any body; empty lines are skipped. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator {
  let rest: Uint8Array = new Uint8Array();
  let parsed = 0;
  for await (const chunk of body) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
      const line = rest.subarray(0, end);
      rest = rest.subarray(end + 1);
      if (line.length > 0) yield parseJson(line);
      parsed += line.length;
      if (parsed < parsedAtOnceBytes) continue;
      parsed = 0;
      await setImmediate();
    }
    if (rest.length > maxLineBytes) {
      throw new HttpError(413, 'too_large', `A line may have at most ${maxLineBytes} bytes.`, { close: true });
    }
  }
  if (rest.length > 0) yield parseJson(rest);
}
