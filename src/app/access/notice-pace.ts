import { fullBucket, takeIfThere, type Bucket, type Rate } from '../../core/pace.ts';
import type { Clock } from '../../core/ports/system.ts';

/** Ten an hour: who wants to fill an owner's chat by asking under many names stands in the list, not in the chat. */
const rate: Rate = { perSecond: 10 / 3600, burst: 10 };

/** How often owners are told of strangers. */
export class NoticePace {
  readonly #clock: Clock;
  readonly #bucket: Bucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bucket = fullBucket(rate, clock.monotonic());
  }

  take(): boolean {
    return takeIfThere(this.#bucket, rate, this.#clock.monotonic());
  }
}
