import { fullBucket, takeIfThere, type Bucket, type Rate } from '../../core/pace.ts';
import type { Clock } from '../../core/ports/system.ts';

/** Wrong codes of one who tries: five, and one more every two minutes. */
const ownRate: Rate = { perSecond: 5 / 600, burst: 5 };
/** Of all who can come under ever new names, together. */
const crowdRate: Rate = { perSecond: 100 / 600, burst: 100 };
const maxRemembered = 10_000;

/** `crowd`: strangers, and guests, whom anybody can become. */
export type Guesser = 'known' | 'crowd';

/** Bounds how many codes can be guessed: an attempt is taken before a code is looked up, and given back when it was right. */
export class Attempts {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();
  readonly #crowd: Bucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#crowd = fullBucket(crowdRate, clock.monotonic());
  }

  /** False when there is none left. */
  take(who: string, kind: Guesser): boolean {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(who) ?? fullBucket(ownRate, now);
    this.#buckets.delete(who);
    this.#buckets.set(who, bucket);
    if (this.#buckets.size > maxRemembered) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    if (!takeIfThere(bucket, ownRate, now)) return false;
    return kind === 'known' || takeIfThere(this.#crowd, crowdRate, now);
  }

  giveBack(who: string, kind: Guesser): void {
    const bucket = this.#buckets.get(who);
    if (bucket !== undefined) bucket.tokens = Math.min(ownRate.burst, bucket.tokens + 1);
    if (kind === 'crowd') this.#crowd.tokens = Math.min(crowdRate.burst, this.#crowd.tokens + 1);
  }
}
