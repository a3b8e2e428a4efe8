import { write, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './writer.ts';

/** A pipe that a parent made non-blocking says EAGAIN when it is full; look again after this. */
const retryMs = 20;
const maxTriesAtExit = 100;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function writeOnce(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** Writes all bytes without ever blocking the event loop: `process.stdout` would, when it is a pipe that nobody reads. */
export async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(await writeOnce(fd, rest));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      await sleep(retryMs, undefined, { ref: false });
    }
  }
}

/** As much as can be written now; the rest is given up. */
export function writeAllNow(fd: number, bytes: Buffer): void {
  let rest = bytes;
  for (let tries = 0; rest.length > 0 && tries < maxTriesAtExit; tries++) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return;
    }
  }
}

/** An open descriptor such as 1 for stdout. A reader that went away (EPIPE) makes every later write fail at once. */
export function descriptorTarget(fd: number): Target {
  let gone = false;
  return {
    async write(lines) {
      if (gone) throw new Error('The reader of the log is gone.');
      try {
        await writeAll(fd, Buffer.from(lines));
      } catch (error) {
        gone = codeOf(error) === 'EPIPE' || codeOf(error) === 'EBADF';
        throw error;
      }
    },
    writeNow(lines) {
      if (!gone) writeAllNow(fd, Buffer.from(lines));
    },
    async close() {},
  };
}
