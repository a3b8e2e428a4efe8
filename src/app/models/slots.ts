import { ClankerError } from '../../core/errors.ts';

/** Calls that may wait for one provider before further ones are turned away. */
export const maxWaiting = 1000;

/** How many calls of one provider run at once: first come, first served, and a bounded queue. */
export class Slots {
  readonly #provider: string;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #active = 0;

  constructor(provider: string, limit: number) {
    this.#provider = provider;
    this.#limit = limit;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes effect at once for those who wait; calls that run are left alone. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
  }

  /** A slot that is free now, as the function that gives it back (once; later calls do nothing), or null. */
  take(): (() => void) | null {
    if (this.#active >= this.#limit || this.#waiting.length > 0) return null;
    this.#active += 1;
    return this.#held();
  }

  /**
   * Waits for a slot where none is free. Rejects with the signal's reason when it aborts first, and with
   * `rate_limited` when too many wait already.
   */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const free = this.take();
    if (free !== null) return free;
    await this.#wait(signal);
    return this.#held();
  }

  #held(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#active -= 1;
      this.#admit();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= maxWaiting) {
      const message = `Provider "${this.#provider}" is busy and ${maxWaiting} requests wait for it; try again later.`;
      throw new ClankerError('rate_limited', 'rate_limited', message, { retryable: true, retryAfterMs: 5000 });
    }
    return new Promise((resolve, reject) => {
      const admitted = (): void => {
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(admitted), 1);
        reject(signal.reason);
      };
      this.#waiting.push(admitted);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  #admit(): void {
    while (this.#active < this.#limit && this.#waiting.length > 0) {
      this.#active += 1;
      this.#waiting.shift()?.();
    }
  }
}
