import type { Clock } from '../../core/ports/system.ts';

/** A line costs one unit, a piece of the stream one and one more for every 16 KiB of it. */
const bytesPerUnit = 16 * 1024;
const unitsPerSecond = 500;
/** What may come at once after a quiet time. */
const maxSaved = 2000;

/** Slows the reading of a server that floods, so that it waits for us and nobody else does. */
export class Pace {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #saved = maxSaved;
  #at: number;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#at = clock.monotonic();
  }

  /** Resolves when this much more may be handled; rejects when the signal aborts first. */
  async take(bytes: number): Promise<void> {
    const now = this.#clock.monotonic();
    this.#saved = Math.min(maxSaved, this.#saved + ((now - this.#at) / 1000) * unitsPerSecond);
    this.#at = now;
    this.#saved -= 1 + Math.floor(bytes / bytesPerUnit);
    if (this.#saved >= 0) return;
    await this.#clock.sleep(Math.ceil((-this.#saved / unitsPerSecond) * 1000), this.#signal);
  }
}
