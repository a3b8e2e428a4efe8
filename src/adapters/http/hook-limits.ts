import type { Clock } from '../../core/ports/system.ts';
import { RateLimiter, RecentMap } from './bounded.ts';
import { HttpError } from './errors.ts';

/** Requests a second to one hook from all who have not proved themselves, and the burst of them. */
const strangersPerSecond = 20;
const strangersBurst = 100;
/** Requests from one address that proved nothing, before it must wait: nobody guesses a secret at that pace. */
const wrongPerSecond = 20 / 60;
const wrongBurst = 20;
/** Requests under way at once, each of which may hold a body in memory. */
export const maxStrangersAtOnce = 32;
const places = { strangers: maxStrangersAtOnce, callers: 128 };
type Kind = keyof typeof places;
/** Requests that wait for a place, their bodies unread. */
const maxWaiting = 256;

const busy = (): HttpError =>
  new HttpError(503, 'busy', 'Too many requests to hooks are under way.', { headers: { 'Retry-After': '1' } });

/** Does nothing when there is nothing to wait for. */
function refuseFor(waitMs: number): void {
  if (waitMs <= 0) return;
  throw new HttpError(429, 'rate_limited', 'Too many requests to this hook.', {
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
  });
}

/** What a request came to: it passed the verification, it did not, or nobody learnt whether it would. */
export type HookVerdict = 'passed' | 'wrong' | 'unknown';

/**
 * How much of `/hooks` anybody may use. Nobody there shows a token, so a caller is a stranger until a request from its
 * address passed the hook's verification. Strangers share what is set aside for them, and a flood of theirs does not
 * keep out those who are known.
 */
export class HookLimits {
  readonly #strangers: RateLimiter;
  readonly #wrong: RateLimiter;
  readonly #callers: RateLimiter;
  readonly #waitMs: number;
  readonly #known = new RecentMap<true>();
  readonly #waiting = new Set<() => void>();
  readonly #underway: Record<Kind, number> = { strangers: 0, callers: 0 };

  /** `waitMs`: how long a request waits for a place before it is refused. */
  constructor(clock: Clock, callers: RateLimiter, waitMs: number) {
    this.#strangers = new RateLimiter({ perSecond: strangersPerSecond, burst: strangersBurst }, clock);
    this.#wrong = new RateLimiter({ perSecond: wrongPerSecond, burst: wrongBurst }, clock);
    this.#callers = callers;
    this.#waitMs = waitMs;
  }

  /**
   * Resolves when there is room, with what ends the request and is told its verdict; 429 or 503 as `HttpError` when
   * there is none. The first of many requests at once from a new address makes way for the others; an address of which
   * only wrong ones come soon waits, its bodies unread.
   */
  async begin(hook: string, address: string): Promise<(verdict: HookVerdict) => void> {
    const caller = `hook ${hook} ${address}`;
    if (this.#known.get(caller) !== true) refuseFor(this.#wrong.waitMs(caller));
    const kind = this.#take(caller) ?? (await this.#wait(caller));
    const [limiter, key] = kind === 'callers' ? [this.#callers, caller] : [this.#strangers, hook];
    if (!limiter.allows(key)) {
      this.#free(kind);
      refuseFor(Math.max(1, limiter.waitMs(key)));
    }
    return (verdict) => {
      if (verdict === 'wrong') this.#wrong.spend(caller);
      if (verdict === 'passed') this.#known.set(caller, true);
      this.#free(kind);
    };
  }

  /** A place, when there is one now. */
  #take(caller: string): Kind | null {
    const kind = this.#known.get(caller) === true ? 'callers' : 'strangers';
    if (this.#underway[kind] >= places[kind]) return null;
    this.#underway[kind] += 1;
    return kind;
  }

  #free(kind: Kind): void {
    this.#underway[kind] -= 1;
    for (const look of this.#waiting) look();
  }

  #wait(caller: string): Promise<Kind> {
    if (this.#waiting.size >= maxWaiting) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const kind = this.#take(caller);
        if (kind === null) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(kind);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(busy());
      }, this.#waitMs);
      this.#waiting.add(look);
    });
  }
}
