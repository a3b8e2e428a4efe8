import type { Clock } from '../../src/core/ports/system.ts';
import { afterSleep } from './after-sleep.ts';

/** Rounds of the event loop in which nothing but time could still make something happen. */
const quietRounds = 4;

/** A clock that stands still until everything waits for it, and then jumps to the next thing that is due. */
export class VirtualClock implements Clock {
  readonly #epoch = 1_800_000_000_000;
  #elapsed = 0;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  after(ms: number, wake: () => void): () => void {
    return afterSleep(this, ms, wake);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const leave = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        leave();
        resolve();
      };
      const sleeper = { at: this.#elapsed + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Lets everything run that needs no time to pass. */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      let round = 0;
      const turn = (): void => {
        if (round++ < quietRounds) setImmediate(turn);
        else resolve();
      };
      turn();
    });
  }

  /** Moves time on by `ms`, waking whoever is due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await this.settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.wake();
      await this.settle();
    }
    this.#elapsed = end;
  }

  /** Lets time pass as it is needed until the promise settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let pending = true;
    const settled = (): void => {
      pending = false;
    };
    promise.then(settled, settled);
    for (;;) {
      await this.settle();
      if (!pending) return promise;
      const next = this.#next();
      if (next === undefined) throw new Error('nothing is due and the promise is still pending');
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.wake();
    }
  }

  #next(): { at: number; wake: () => void } | undefined {
    let soonest: { at: number; wake: () => void } | undefined;
    for (const sleeper of this.#sleepers) if (soonest === undefined || sleeper.at < soonest.at) soonest = sleeper;
    return soonest;
  }
}
