import type { IncomingMessage } from 'node:http';
import type { Gateway } from '../../core/ports/gateway.ts';
import type { Clock, Counter } from '../../core/ports/system.ts';
import type { Principal } from '../../core/principal.ts';
import { RateLimiter, RecentMap } from './bounded.ts';
import { HttpError } from './errors.ts';

/** Wrong tokens one address may offer per minute; the loopback address is no exception. */
export const wrongTokensPerMinute = 10;
const maxTokenLength = 512;
const tokenForm = /^[\u0021-\u007e]+$/;
/** As the gateway makes them, with 256 random bits: who shows one that is valid has not guessed it. */
const madeToken = /^oc_[A-Za-z0-9_-]{43}$/;

const unauthorized = (message: string): HttpError =>
  new HttpError(401, 'unauthorized', message, { headers: { 'WWW-Authenticate': 'Bearer' } });

/**
 * Turns bearer tokens into principals and slows guessing. An address that spent its budget of wrong tokens gets 429
 * for whatever could be a guess: a forgotten script with an old token must not lock the operator out of the same
 * machine. No guess are the tokens that the gateway made, nor one that a person chose and that was shown there before.
 */
export class Authenticator {
  readonly #gateway: Gateway;
  readonly #budget: RateLimiter;
  readonly #known = new RecentMap<true>();
  readonly #failures: Counter;

  constructor(gateway: Gateway, clock: Clock, failures: Counter) {
    this.#gateway = gateway;
    this.#budget = new RateLimiter({ perSecond: wrongTokensPerMinute / 60, burst: wrongTokensPerMinute }, clock);
    this.#failures = failures;
  }

  /** Rejects with 401, or 429 while the address is locked. */
  async request(request: IncomingMessage, address: string): Promise<Principal> {
    const header = request.headers.authorization;
    if (header === undefined) {
      throw unauthorized('Send the header "Authorization: Bearer TOKEN"; the token is in the data directory.');
    }
    const match = /^Bearer +(\S+) *$/i.exec(header);
    return this.token(match?.[1] ?? '', address);
  }

  async token(token: string, address: string): Promise<Principal> {
    const wellFormed = token.length <= maxTokenLength && tokenForm.test(token);
    const principal = wellFormed ? await this.#gateway.authenticate(token) : null;
    const waitMs = this.#budget.waitMs(address);
    const caller = principal === null ? '' : `${address} ${principal.id}`;
    if (principal !== null && (waitMs === 0 || madeToken.test(token) || this.#known.get(caller) === true)) {
      this.#known.set(caller, true);
      return principal;
    }
    if (waitMs > 0) {
      this.#failures.add(1, { reason: 'locked' });
      throw new HttpError(429, 'too_many_attempts', 'Too many wrong tokens came from this address; wait.', {
        headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
      });
    }
    this.#budget.spend(address);
    this.#failures.add(1, { reason: 'wrong_token' });
    throw unauthorized('The token is not valid here.');
  }
}
