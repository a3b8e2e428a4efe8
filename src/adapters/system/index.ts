import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, NextLocal, Random } from '../../core/ports/system.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, wake) => {
    const timer = setTimeout(wake, ms).unref();
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      timer.unref();
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** Randomness is drawn in pools: asking the system for each id costs more than the id. No byte is given out twice. */
const poolBytes = 4096;
let pool = new Uint8Array(0);

function drawn(count: number): Uint8Array {
  if (count > poolBytes) return randomBytes(count);
  if (pool.length < count) pool = randomBytes(poolBytes);
  const bytes = pool.slice(0, count);
  pool = pool.subarray(count);
  return bytes;
}

export const systemRandom: Random = {
  bytes: drawn,
  unit: () => Math.random(),
};

export const nextLocal: NextLocal = (hour, minute, after) => {
  const at = new Date(after);
  at.setHours(hour, minute, 0, 0);
  if (at.getTime() <= after) at.setDate(at.getDate() + 1);
  return at.getTime();
};
