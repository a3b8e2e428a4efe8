/**
 * Discord's rate limits as it tells them with every answer; none is known beforehand.
 * https://discord.com/developers/docs/topics/rate-limits
 */

/** Routes that are remembered; the one used longest ago is forgotten first. */
const maxRoutes = 1000;
/** Discord bans an address after 10,000 refused requests in ten minutes; we stop far before. */
const maxRefusals = 5000;
const refusalWindowMs = 600_000;
/** When a 429 does not say how long. */
const defaultRetryAfterMs = 5000;

export interface Wait {
  scope: 'conversation' | 'account';
  ms: number;
}

export class RateLimits {
  /** Milliseconds, monotonic. */
  readonly #now: () => number;
  /** Until when a route is used up. */
  readonly #until = new Map<string, number>();
  #accountUntil = 0;
  #refusals = { since: 0, count: 0 };

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What forbids a request now, or null. */
  wait(route: string): Wait | null {
    const now = this.#now();
    if (this.#accountUntil > now) return { scope: 'account', ms: Math.ceil(this.#accountUntil - now) };
    const until = this.#until.get(route) ?? 0;
    return until > now ? { scope: 'conversation', ms: Math.ceil(until - now) } : null;
  }

  /** Learns from an answer; what it asks to wait when it is a 429. */
  learn(route: string, status: number, headers: Readonly<Record<string, string>>, body: unknown): Wait | null {
    const now = this.#now();
    if (status === 429) {
      const told = Number((body as { retry_after?: unknown } | null)?.retry_after ?? headers['retry-after']);
      const ms = Number.isFinite(told) && told >= 0 ? Math.ceil(told * 1000) : defaultRetryAfterMs;
      const global =
        headers['x-ratelimit-global'] === 'true' ||
        headers['x-ratelimit-scope'] === 'global' ||
        (body as { global?: unknown } | null)?.global === true;
      if (global) this.#accountUntil = Math.max(this.#accountUntil, now + ms);
      else this.#set(route, now + ms);
      if (headers['x-ratelimit-scope'] !== 'shared') this.#refused(now);
      return { scope: global ? 'account' : 'conversation', ms };
    }
    if (status === 401 || status === 403) this.#refused(now);
    const resetAfterMs = Number(headers['x-ratelimit-reset-after']) * 1000;
    if (headers['x-ratelimit-remaining'] === '0' && resetAfterMs > 0) this.#set(route, now + resetAfterMs);
    return null;
  }

  #set(route: string, until: number): void {
    this.#until.delete(route);
    this.#until.set(route, until);
    const [oldest] = this.#until.keys();
    if (this.#until.size > maxRoutes && oldest !== undefined) this.#until.delete(oldest);
  }

  #refused(now: number): void {
    if (now - this.#refusals.since > refusalWindowMs) this.#refusals = { since: now, count: 0 };
    if (++this.#refusals.count < maxRefusals) return;
    this.#accountUntil = Math.max(this.#accountUntil, this.#refusals.since + refusalWindowMs);
  }
}
