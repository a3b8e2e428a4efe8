import type { Clock } from '../../src/core/ports/system.ts';
import { afterSleep } from './after-sleep.ts';

/**
 * A clock whose hands are moved: time passes (both clocks go on, and who sleeps wakes on the way), or somebody sets the
 * clock on the wall. Who works in between is waited for: `idle` tells when all that was woken sleeps again.
 */
export class JumpClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #sleepers: { at: number; wake: () => void }[] = [];
  #hear: (() => void) | null = null;

  constructor(wall: number) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, wake: () => void): () => void {
    return afterSleep(this, ms, wake);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      };
      const sleeper = {
        at: this.#monotonic + ms,
        wake: () => {
          leave();
          resolve();
        },
      };
      const aborted = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted, { once: true });
      this.#sleepers.push(sleeper);
      this.#hear?.();
    });
  }

  /** Resolves once somebody sleeps, or `over` settles. */
  async idle(over: Promise<unknown>): Promise<void> {
    if (this.#sleepers.length > 0) return;
    const slept = new Promise<void>((resolve) => (this.#hear = resolve));
    await Promise.race([slept, over]);
    this.#hear = null;
  }

  /** Lets time pass; `over`: who sleeps here is done. */
  async pass(ms: number, over: Promise<unknown>): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.at - b.at)[0];
      const at = next === undefined ? end : Math.max(this.#monotonic, Math.min(end, next.at));
      this.#wall += at - this.#monotonic;
      this.#monotonic = at;
      if (next === undefined || next.at > end) return;
      next.wake();
      await Promise.resolve();
      await this.idle(over);
    }
  }

  /** Somebody sets the clock on the wall. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}
