import { createHash } from 'node:crypto';
import { ClankerError, invalidInput, notFound } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Attachment } from '../../core/message.ts';
import type { Bus, Subscription } from '../../core/ports/bus.ts';
import type { ChatAnswer, ChatRequest, ChatTicket } from '../../core/ports/gateway.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Principal } from '../../core/principal.ts';
import { clientSessionKey, defaultSession, isApiSessionKey } from '../../core/session-key.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import type { Ingress } from '../ingress/ingress.ts';
import type { ModelCaller } from '../models/caller.ts';
import type { RunQueue } from '../runs/queue.ts';
import { takeUp } from '../runs/take-up.ts';
import type { RunWaiters } from '../runs/waiters.ts';

export interface ChatDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  mintId: MintId;
  ingress: Ingress;
  runs: RunQueue;
  waiters: RunWaiters;
  models: ModelCaller;
  crash: CrashPoint;
  channelTypes: ReadonlySet<string>;
  agents: () => ReadonlySet<string>;
}

/** Chat of API clients: idempotent by key, joined while it runs, answered from the store afterwards. */
export class Chat {
  readonly #deps: ChatDeps;

  constructor(deps: ChatDeps) {
    this.#deps = deps;
  }

  async chat(principal: Principal, request: ChatRequest): Promise<ChatTicket> {
    const { waiters, ingress, crash } = this.#deps;
    const message = await this.#inbound(principal, request);
    // Subscribed and waiting before the commit, so that nothing of the run can be missed.
    const subscription = this.#subscribe(message);
    const waiter = waiters.wait(message.runId, message);
    try {
      const { inserted, row } = await ingress.accept(message);
      crash('before_ack');
      if (inserted) return this.#ticket(row, subscription, waiter, request.idempotencyKey === undefined);
      waiter.leave();
      subscription.close();
      return await this.#repeat(row, message.bodyHash);
    } catch (error) {
      subscription.close();
      waiter.leave();
      throw error;
    }
  }

  /** Aborts a run that waits for its turn; false unless this person (null: anybody) waits for it. */
  abortQueued(runId: string, owner: string | null, reason: string): boolean {
    const { runs, waiters } = this.#deps;
    const whose = waiters.ownerOf(runId);
    if (whose === null || (owner !== null && whose !== owner)) return false;
    runs.cancel(runId, 'requested', reason);
    waiters.reject(runId, new ClankerError('conflict', 'aborted', reason));
    return true;
  }

  /** An earlier request with the same key: join it, answer it from the store, or run it again after a failure. */
  async #repeat(row: InboxRow, bodyHash: string | null): Promise<ChatTicket> {
    const { waiters } = this.#deps;
    if (row.bodyHash !== bodyHash) {
      throw new ClankerError(
        'conflict',
        'idempotency_conflict',
        'This idempotency key was used with another request; use a new key.',
      );
    }
    const subscription = this.#subscribe(row);
    const waiter = waiters.wait(row.runId, row);
    try {
      await takeUp(row, this.#deps);
    } catch (error) {
      subscription.close();
      waiter.leave();
      throw error;
    }
    return { ...this.#ticket(row, subscription, waiter, false), joined: true };
  }

  #subscribe({ sessionKey, runId }: { sessionKey: string; runId: string }): Subscription {
    return this.#deps.bus.subscribe('chat', { sessions: [sessionKey], runId });
  }

  #ticket(
    { id: messageId, runId, sessionKey }: InboxRow,
    subscription: Subscription,
    waiter: { answer: Promise<ChatAnswer>; leave: () => void },
    owned: boolean,
  ): ChatTicket {
    const { runs, waiters } = this.#deps;
    let over = false;
    const end = (): void => {
      over = true;
      subscription.close();
    };
    waiter.answer.then(end, end);
    return {
      messageId,
      runId,
      sessionKey,
      joined: false,
      answer: waiter.answer,
      follow: (hear) => {
        if (subscription.overflowed) {
          subscription.close();
          throw new ClankerError('rate_limited', 'slow_consumer', 'The events were not read fast enough.');
        }
        waiters.watch(runId);
        subscription.forward(hear);
      },
      ignoreEvents: () => subscription.close(),
      leave: () => {
        subscription.close();
        waiter.leave();
        if (owned && !over) runs.cancel(runId, 'left', 'The client left before the answer was complete.');
      },
    };
  }

  async #inbound(principal: Principal, request: ChatRequest): Promise<Parameters<Ingress['accept']>[0]> {
    const { store, clock, mintId, channelTypes, agents, models } = this.#deps;
    const sessionKey = clientSessionKey(request.session ?? defaultSession, principal.person, channelTypes);
    // A key of an API client's own names its person; any other is a conversation, which must be there and theirs.
    if (!isApiSessionKey(sessionKey) && (await store.session(sessionKey, principal.person)) === null)
      throw notFound('session');
    if (request.agent !== undefined && !agents().has(request.agent)) throw notFound(`agent "${request.agent}"`);
    if (request.model !== undefined) models.resolve(request.model);
    const attachments: Attachment[] = [];
    for (const { id } of request.attachments ?? []) {
      const file = await store.file(id, principal.person);
      if (file === null) throw notFound(`file "${id}"`);
      attachments.push({ id, mimeType: file.mimeType, size: file.size });
    }
    if (request.text.trim() === '' && attachments.length === 0)
      throw invalidInput('empty_text', 'text: write something.');
    const id = mintId('msg');
    const { idempotencyKey, ...body } = request;
    return {
      id,
      runId: mintId('run'),
      kind: 'message',
      channel: 'api',
      account: principal.person,
      dedupe: idempotencyKey ?? id,
      owner: principal.person,
      sessionKey,
      conversation: null,
      native: null,
      sender: { native: principal.id, display: principal.name },
      chatType: 'direct',
      text: request.text,
      attachments,
      outside: null,
      state: 'queued',
      reason: null,
      bodyHash: idempotencyKey === undefined ? null : hashOf({ ...body, session: sessionKey }),
      agent: request.agent ?? null,
      model: request.model ?? null,
      correlation: id,
      receivedAt: clock.now(),
    };
  }
}

/** The same request gives the same hash, whatever the order of its fields. */
function hashOf(request: object): string {
  const fields = Object.entries(request)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}
