import type { Clock } from '../../core/ports/system.ts';
import { RateLimiter, RecentMap } from './bounded.ts';
import { HttpError } from './errors.ts';

/** Requests a second to one hook from all who have not proved themselves, with a burst of the second. */
const strangersPerSecond = 20;
const strangersBurst = 100;
/** Requests under way at once, each of which may hold a body in memory. */
export const maxStrangersAtOnce = 32;
export const maxCallersAtOnce = 128;

/**
 * How much of `/hooks` anybody may use. Nobody there shows a token, so a caller is a stranger until a request from its
 * address passed the hook's verification. Strangers share what is set aside for them, and a flood of theirs does not
 * keep out those who are known.
 */
export class HookLimits {
  readonly #strangers: RateLimiter;
  readonly #callers: RateLimiter;
  readonly #known = new RecentMap<true>();
  #strangersNow = 0;
  #callersNow = 0;

  constructor(clock: Clock, callers: RateLimiter) {
    this.#strangers = new RateLimiter({ perSecond: strangersPerSecond, burst: strangersBurst }, clock);
    this.#callers = callers;
  }

  /** Begins a request; 429 or 503 as `HttpError` when there is no room. `end` says whether it passed verification. */
  begin(hook: string, address: string): { end: (passed: boolean) => void } {
    const caller = `hook ${hook} ${address}`;
    const known = this.#known.get(caller) === true;
    const [limiter, key] = known ? [this.#callers, caller] : [this.#strangers, hook];
    if (!limiter.allows(key)) {
      const seconds = Math.max(1, Math.ceil(limiter.waitMs(key) / 1000));
      throw new HttpError(429, 'rate_limited', 'Too many requests to this hook.', {
        headers: { 'Retry-After': String(seconds) },
      });
    }
    if (known ? this.#callersNow >= maxCallersAtOnce : this.#strangersNow >= maxStrangersAtOnce) {
      throw new HttpError(503, 'busy', 'Too many requests to hooks are under way.', {
        headers: { 'Retry-After': '1' },
      });
    }
    if (known) this.#callersNow += 1;
    else this.#strangersNow += 1;
    return {
      end: (passed) => {
        if (known) this.#callersNow -= 1;
        else this.#strangersNow -= 1;
        if (passed) this.#known.set(caller, true);
      },
    };
  }
}
