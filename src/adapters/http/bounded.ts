import { type Bucket, fullBucket, type Rate, take, takeIfThere } from '../../core/pace.ts';
import type { Clock } from '../../core/ports/system.ts';

/** Callers remembered by a limiter; the one unused longest goes first, so no flood of names grows it. */
export const maxRememberedCallers = 10_000;

/** A map that forgets what was unused longest. */
export class RecentMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #limit: number;
  #newest: string | null = null;

  constructor(limit = maxRememberedCallers) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined || key === this.#newest) return value;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#newest = key;
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#newest = key;
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}

/** Token buckets by caller. */
export class RateLimiter {
  readonly #buckets = new RecentMap<Bucket>();
  readonly #clock: Clock;
  rate: Rate;

  constructor(rate: Rate, clock: Clock) {
    this.rate = rate;
    this.#clock = clock;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one when it is there. */
  allows(caller: string): boolean {
    return takeIfThere(this.#bucket(caller), this.rate, this.#clock.monotonic());
  }

  /** Takes one in any case. */
  spend(caller: string): void {
    const bucket = this.#bucket(caller);
    take(bucket, this.rate, this.#clock.monotonic());
    bucket.tokens = Math.max(0, bucket.tokens);
  }

  /** Milliseconds until one is there; 0 when it is. Takes nothing. */
  waitMs(caller: string): number {
    const bucket = this.#buckets.get(caller);
    if (bucket === undefined) return 0;
    const refill = (Math.max(0, this.#clock.monotonic() - bucket.at) / 1000) * this.rate.perSecond;
    return Math.max(0, Math.ceil(((1 - bucket.tokens - refill) / this.rate.perSecond) * 1000));
  }

  #bucket(caller: string): Bucket {
    const known = this.#buckets.get(caller);
    if (known !== undefined) return known;
    const fresh = fullBucket(this.rate, this.#clock.monotonic());
    this.#buckets.set(caller, fresh);
    return fresh;
  }
}
