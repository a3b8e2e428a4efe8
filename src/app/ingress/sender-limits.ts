import { fullBucket, takeIfThere, type Bucket, type Rate } from '../../core/pace.ts';
import type { Clock } from '../../core/ports/system.ts';

/** What one admitted sender may queue: above any person, also after an absence of ours, below what blocks their chat. */
const messageRate: Rate = { perSecond: 5, burst: 200 };
/** A refused sender leaves one row a minute. */
const refusalRate: Rate = { perSecond: 1 / 60, burst: 1 };
const maxSenders = 10_000;

/** Floods of one sender, in bounded memory (least recently seen out). */
export class SenderLimits {
  readonly #clock: Clock;
  readonly #messages = new Map<string, { bucket: Bucket; told: boolean }>();
  readonly #refusals = new Map<string, { bucket: Bucket; told: boolean }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `notice` for the first message over the limit, `silent` for those after it. */
  take(sender: string): 'ok' | 'notice' | 'silent' {
    const entry = this.#entry(this.#messages, sender, messageRate);
    if (takeIfThere(entry.bucket, messageRate, this.#clock.monotonic())) {
      // A flood is over when half of what may be queued is free again; until then one word about it is enough.
      if (entry.bucket.tokens >= messageRate.burst / 2) entry.told = false;
      return 'ok';
    }
    const first = !entry.told;
    entry.told = true;
    return first ? 'notice' : 'silent';
  }

  maySpeakOfRefusal(sender: string): boolean {
    return takeIfThere(this.#entry(this.#refusals, sender, refusalRate).bucket, refusalRate, this.#clock.monotonic());
  }

  #entry(
    map: Map<string, { bucket: Bucket; told: boolean }>,
    sender: string,
    rate: Rate,
  ): { bucket: Bucket; told: boolean } {
    const entry = map.get(sender) ?? { bucket: fullBucket(rate, this.#clock.monotonic()), told: false };
    map.delete(sender);
    map.set(sender, entry);
    if (map.size > maxSenders) map.delete(map.keys().next().value ?? '');
    return entry;
  }
}
