import { ClankerError, notFound } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Listed, ListOptions } from '../../core/ports/listed.ts';
import type { SessionRow } from '../../core/ports/session-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { scopeIncludes, type Principal } from '../../core/principal.ts';
import { clientSessionKey } from '../../core/session-key.ts';
import type { RunQueue } from '../runs/queue.ts';
import type { RunWaiters } from '../runs/waiters.ts';

const closedAtOnce = 200;

interface SessionsDeps {
  store: Store;
  clock: Clock;
  runs: RunQueue;
  waiters: RunWaiters;
  channelTypes: ReadonlySet<string>;
}

/** Sessions as clients see them: one's own, and for an operator (`admin`) everybody's. */
export class Sessions {
  readonly #deps: SessionsDeps;

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
  }

  list(principal: Principal, options: ListOptions): Promise<Listed<SessionRow>> {
    return this.#deps.store.listSessions(seesAll(principal) ? null : principal.person, options);
  }

  async find(principal: Principal, key: string): Promise<SessionRow> {
    const { store, channelTypes } = this.#deps;
    const full =
      seesAll(principal) && key.startsWith('api:') ? key : clientSessionKey(key, principal.person, channelTypes);
    const session = await store.session(full, seesAll(principal) ? null : principal.person);
    if (session === null) throw notFound('session');
    return session;
  }

  async reset(principal: Principal, key: string): Promise<SessionRow> {
    const session = await this.find(principal, key);
    this.#deps.runs.abortSession(session.key, 'The session was reset.');
    await this.#deps.store.resetSession(session.key, this.#deps.clock.now());
    return this.find(principal, session.key);
  }

  async remove(principal: Principal, key: string): Promise<void> {
    const session = await this.find(principal, key);
    this.#deps.runs.abortSession(session.key, 'The session was deleted.');
    await this.#deps.store.deleteSession(session.key);
    this.#deps.waiters.rejectAll(new ClankerError('conflict', 'aborted', 'The session was deleted.'), session.key);
  }

  /** In steps, so that no message waits long behind it. */
  async closeStale(principal: Principal, maxAgeMs: number): Promise<number> {
    const { store, clock } = this.#deps;
    const before = clock.now() - maxAgeMs;
    let closed = 0;
    let step: number;
    do {
      step = await store.closeStale(before, seesAll(principal) ? null : principal.person, closedAtOnce);
      closed += step;
    } while (step === closedAtOnce);
    return closed;
  }

  async messages(
    principal: Principal,
    key: string,
    options: ListOptions & { before?: string },
  ): Promise<Listed<Message>> {
    const session = await this.find(principal, key);
    return this.#deps.store.listMessages(session.key, options);
  }
}

const seesAll = (principal: Principal): boolean => scopeIncludes(principal.scope, 'admin');
