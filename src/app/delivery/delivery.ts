import { plainText, type RichText } from '../../core/rich-text.ts';
import type { ConversationRef } from '../../core/message.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { Channel, OutboundPart, SendOutcome } from '../../core/ports/channel.ts';
import type { OutboxRow, SendRecord, Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Histogram, Log, LogFields, Metrics } from '../../core/ports/system.ts';
import { recordOf, repeatOnce } from '../../core/send-rules.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { Pacer } from './pacer.ts';

const maxParallel = 64;
const dueBatch = 256;
/** A longer wait is left to the timer, so that slow chats do not hold the parallel places. */
const maxWaitInPlaceMs = 2000;
const resentMark = '\n\n(sent again after an interruption)';

/** One account as the delivery sees it. */
interface Lane {
  channel: Channel;
  pacer: Pacer;
  signal: AbortSignal;
}

/** Where to send and which pace holds there. */
interface Target {
  conversation: ConversationRef;
  group: boolean;
}

const laneKey = (of: { channel: string; account: string }): string => `${of.channel}:${of.account}`;
const conversationKey = (c: ConversationRef): string => `${laneKey(c)}:${c.native}:${c.thread ?? ''}`;

/**
 * Takes outbox rows to their platforms: one at a time per conversation, many conversations at once, head of line per
 * conversation only. A row is marked `sending` before its one attempt and gets its outcome right after, so that what a
 * crash leaves behind is known to be ambiguous.
 */
export class Delivery {
  readonly #deps: { store: Store; bus: Bus; clock: Clock; log: Log; crash: CrashPoint };
  readonly #lanes = new Map<string, Lane>();
  readonly #draining = new Map<string, { again: boolean }>();
  readonly #waiting = new Map<string, Target>();
  readonly #settled = new Map<string, Set<(row: OutboxRow) => void>>();
  readonly #work = new Set<Promise<void>>();
  readonly #sends: Counter;
  readonly #retries: Counter;
  readonly #settledCount: Counter;
  readonly #seconds: Histogram;
  #timer: { cancel(): void; at: number } | null = null;
  #stopping = false;

  constructor(deps: { store: Store; bus: Bus; clock: Clock; log: Log; metrics: Metrics; crash: CrashPoint }) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'delivery' }) };
    this.#sends = deps.metrics.counter('sends_total', 'Delivery attempts, by channel and outcome.');
    this.#retries = deps.metrics.counter('send_retries_total', 'Messages that will be sent again, by channel.');
    this.#settledCount = deps.metrics.counter(
      'deliveries_total',
      'Messages whose delivery ended, by channel and outcome (sent, uncertain, dead).',
    );
    this.#seconds = deps.metrics.histogram('send_seconds', 'Duration of one delivery attempt, by channel.');
    deps.metrics.observe('delivery_active', 'Conversations being delivered to.', () => this.#draining.size);
  }

  /** Judges what a crash left in the air. Before any channel is attached. */
  async start(): Promise<void> {
    const { store, clock, log } = this.#deps;
    for (const row of await store.interruptedSends()) {
      if (row.state === 'streaming') {
        // It stays open: its run is answered again, and the end of the reply is a marked repeat.
        await store.setStreamRef(row.id, null);
        log.warn('a reply may have begun before a crash; its end is marked as a repeat', fieldsOf(row));
        continue;
      }
      const record =
        row.ref === null
          ? repeatOnce(row, clock.now(), 'The gateway stopped while this was being sent.')
          : ({ state: 'retry', at: clock.now(), error: 'The gateway stopped during an edit.' } as const);
      log.warn('a send was cut by a crash', { ...fieldsOf(row), becomes: record.state });
      this.#announce(await store.recordSend(row.id, record), record);
    }
  }

  /** Sends through a channel from now on, beginning with what is planned for it. */
  attach(channel: Channel, signal: AbortSignal): void {
    const key = laneKey({ channel: channel.type, account: channel.account });
    this.#lanes.set(key, { channel, pacer: new Pacer(this.#deps.clock, channel.capabilities.pace), signal });
    signal.addEventListener('abort', () => this.#lanes.get(key)?.channel === channel && this.#lanes.delete(key), {
      once: true,
    });
    this.#track(this.#scan());
  }

  /** The pacer of a conversation's account, for streams and typing; null when the account is not attached. */
  lane(conversation: ConversationRef): { channel: Channel; pacer: Pacer; signal: AbortSignal } | null {
    return this.#lanes.get(laneKey(conversation)) ?? null;
  }

  /** There are planned rows for this conversation. */
  wake(conversation: ConversationRef, chatType: 'direct' | 'group'): void {
    this.#wake({ conversation, group: chatType === 'group' });
  }

  /** Resolves with the row once it is sent, uncertain or dead. */
  async settled(id: string): Promise<OutboxRow> {
    const listeners = this.#settled.get(id) ?? new Set();
    this.#settled.set(id, listeners);
    const later = new Promise<OutboxRow>((resolve) => listeners.add(resolve));
    const row = await this.#deps.store.outbound(id);
    if (row !== null && ['sent', 'uncertain', 'dead'].includes(row.state)) this.#tell(row);
    return later;
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    const deadline = new AbortController();
    await Promise.race([
      Promise.allSettled(this.#work),
      this.#deps.clock.sleep(deadlineMs, deadline.signal).catch(() => undefined),
    ]);
    deadline.abort(new Error('drained'));
  }

  #wake(target: Target): void {
    if (this.#stopping || this.lane(target.conversation) === null) return;
    const key = conversationKey(target.conversation);
    const running = this.#draining.get(key);
    if (running !== undefined) running.again = true;
    else if (this.#draining.size < maxParallel) this.#begin(key, target);
    else if (this.#waiting.size < dueBatch) this.#waiting.set(key, target);
    else this.#arm(this.#deps.clock.now() + 1000); // the store knows them all: look there again
  }

  #begin(key: string, target: Target): void {
    const state = { again: false };
    this.#draining.set(key, state);
    this.#track(
      this.#drain(state, target).finally(() => {
        this.#draining.delete(key);
        // What was planned while the drain looked for its next due time would else wait for a stranger's wake.
        if (state.again) this.#wake(target);
        const [next] = this.#waiting;
        if (next === undefined) return;
        this.#waiting.delete(next[0]);
        this.#wake(next[1]);
      }),
    );
  }

  async #drain(state: { again: boolean }, target: Target): Promise<void> {
    const { conversation } = target;
    let more = true;
    while (more && !this.#stopping) {
      const lane = this.lane(conversation);
      if (lane === null) return;
      state.again = false;
      more = (await this.#sendNext(lane, target)) || state.again;
    }
    const [next] = await this.#deps.store.dueConversations(conversation.channel, conversation.account, 1);
    if (next !== undefined) this.#arm(next.dueAt);
  }

  /** False when nothing can be sent at the head of the line now. */
  async #sendNext(lane: Lane, { conversation, group }: Target): Promise<boolean> {
    const { store, clock, log, crash } = this.#deps;
    // The pace is waited for before the row is claimed: a row marked `sending` really is on its way.
    const waitMs = lane.pacer.reserve(conversation, group);
    if (waitMs > maxWaitInPlaceMs) {
      lane.pacer.giveBack(conversation, group);
      this.#arm(clock.now() + waitMs);
      return false;
    }
    if (waitMs > 0) {
      const stopped = await clock.sleep(waitMs, lane.signal).then(
        () => false,
        () => true,
      );
      if (stopped) return false;
    }
    const row = await store.claimSend(conversation, clock.now());
    if (row === null) {
      lane.pacer.giveBack(conversation, group);
      return false;
    }
    if (row.expiresAt < clock.now()) {
      await this.#record(row, { state: 'dead', at: clock.now(), error: 'It became too old to be sent.' });
      return true;
    }
    log.debug('a message is sent', { ...fieldsOf(row), part: row.part, attempt: row.attempts });
    crash('before_send');
    const startedAt = clock.monotonic();
    const outcome = await this.#attempt(lane, row);
    this.#seconds.observe((clock.monotonic() - startedAt) / 1000, { channel: conversation.channel });
    this.#sends.add(1, { channel: conversation.channel, outcome: outcome.ok ? 'ok' : outcome.kind });
    crash('after_send');
    if (!outcome.ok) {
      const { kind, detail } = outcome;
      log.warn('a send did not succeed', { ...fieldsOf(row), kind, detail, attempt: row.attempts });
      if (kind === 'rate_limited') lane.pacer.block(conversation, group, outcome.scope, outcome.retryAfterMs);
      if (kind === 'moved') return this.#follow(row, { ...conversation, native: outcome.native }, detail);
    }
    crash('before_mark');
    await this.#record(row, recordOf(row, outcome, lane.channel.capabilities.idempotentSend, clock.now()));
    return true;
  }

  /** The chat has a new id: the row and all that waits behind it go there. */
  async #follow(row: OutboxRow, to: ConversationRef, error: string): Promise<boolean> {
    const { store, clock } = this.#deps;
    await this.#record(row, { state: 'retry', at: clock.now(), error, uncounted: true });
    await store.moveConversation(row.conversation, to);
    this.#wake({ conversation: to, group: row.chatType === 'group' });
    return false;
  }

  async #attempt({ channel, signal }: Lane, row: OutboxRow): Promise<SendOutcome> {
    const body = bodyOf(row, channel.capabilities.text.maxLength);
    const part: OutboundPart = {
      idempotencyKey: row.idempotencyKey,
      conversation: row.conversation,
      body,
      ...(row.replyTo === null ? {} : { replyTo: row.replyTo }),
    };
    try {
      if (row.ref !== null && channel.edit !== undefined) {
        return await channel.edit({ conversation: row.conversation, native: row.ref }, body, signal);
      }
      if (row.resent && channel.capabilities.idempotentSend === 'lookup') {
        const found = await channel.findSent?.(part, signal);
        if (typeof found === 'string') return { ok: true, ref: found };
      }
      return await channel.send(part, signal);
    } catch (error) {
      // A channel that throws has a bug; whether the bytes left is unknown.
      this.#deps.log.error('a channel failed in an unexpected way', { ...fieldsOf(row), error });
      return { ok: false, kind: 'ambiguous', detail: 'The channel failed in an unexpected way.' };
    }
  }

  async #record(row: OutboxRow, record: SendRecord): Promise<void> {
    this.#announce(await this.#deps.store.recordSend(row.id, record), record);
  }

  #announce(row: OutboxRow, record: SendRecord): void {
    const { bus, log } = this.#deps;
    const { channel } = row.conversation;
    if (record.state === 'retry') {
      this.#retries.add(1, { channel });
      return;
    }
    this.#settledCount.add(1, { channel, outcome: record.state });
    const about = {
      outboxId: row.id,
      channel: laneKey(row.conversation),
      person: row.owner,
      correlation: row.correlation,
      ...(row.sessionKey === null ? {} : { sessionKey: row.sessionKey }),
    };
    if (record.state === 'sent') {
      log.debug('a message was delivered', { ...fieldsOf(row), part: row.part });
      bus.publish({ type: 'delivery.sent', ...about });
    } else {
      const words =
        record.state === 'dead' ? 'a message could not be delivered' : 'a message may or may not have arrived';
      log.warn(words, { ...fieldsOf(row), detail: record.error });
      bus.publish({ type: `delivery.${record.state}`, ...about, detail: record.error });
    }
    this.#tell(row);
  }

  #tell(row: OutboxRow): void {
    for (const resolve of this.#settled.get(row.id) ?? []) resolve(row);
    this.#settled.delete(row.id);
  }

  #arm(at: number): void {
    if (this.#stopping || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = new AbortController();
    this.#timer = { at, cancel: () => cancel.abort(new Error('rescheduled')) };
    const waitMs = Math.min(60_000, Math.max(50, at - this.#deps.clock.now()));
    this.#deps.clock.sleep(waitMs, cancel.signal).then(
      () => {
        this.#timer = null;
        this.#track(this.#scan());
      },
      () => undefined,
    );
  }

  /** Wakes every conversation that is due and arms the timer for the first that is not yet. */
  async #scan(): Promise<void> {
    for (const { channel } of this.#lanes.values()) {
      const now = this.#deps.clock.now();
      const due = await this.#deps.store.dueConversations(channel.type, channel.account, dueBatch);
      for (const { conversation, chatType, dueAt } of due) {
        if (dueAt <= now) this.wake(conversation, chatType);
        else this.#arm(dueAt);
      }
      if (due.length === dueBatch) this.#arm(now + 1000);
    }
  }

  #track(work: Promise<void>): void {
    const safe = work.catch((error: unknown) => {
      this.#deps.log.error('delivery was interrupted and will try again', { error });
      this.#arm(this.#deps.clock.now() + 2000);
    });
    this.#work.add(safe);
    void safe.finally(() => this.#work.delete(safe));
  }
}

/** What every line about a row says. */
const fieldsOf = (row: OutboxRow): LogFields => ({
  correlation_id: row.correlation,
  session: row.sessionKey ?? undefined,
  channel: laneKey(row.conversation),
  outbox_id: row.id,
});

/** The body as it goes out now: without formatting when that was refused, marked when it may be a repeat. */
function bodyOf(row: OutboxRow, maxLength: number): RichText {
  const body = row.plain ? plainText(row.body.text) : row.body;
  const marked = row.resent && row.ref === null && body.text.length + resentMark.length <= maxLength;
  return marked ? { ...body, text: body.text + resentMark } : body;
}
