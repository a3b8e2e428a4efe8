import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError } from '../../core/errors.ts';
import type { ConversationRef, OutboundBody } from '../../core/message.ts';
import { wordsIn, type Words } from '../../core/notices/index.ts';
import type { Channel, OutboundPart, SendOutcome } from '../../core/ports/channel.ts';
import type { OutboxRow, SendRecord } from '../../core/ports/outbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Histogram, Log, LogFields } from '../../core/ports/system.ts';
import { badTokenMs, recordOf } from '../../core/send-rules.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { Pacer } from './pacer.ts';
import { markedAsRepeat } from './repeat-mark.ts';

/** Conversations of one account that are served at the same time. */
const maxParallel = 64;
/** Further conversations kept in mind; the store knows the rest. */
const maxWaiting = 256;
const lookAgainMs = 1000;
const afterFailureMs = 2000;
const minTimerMs = 50;
const maxTimerMs = 60_000;
/** A longer wait is left to the timer, so that slow chats do not hold the parallel places. */
const maxWaitInPlaceMs = 2000;
/** While the account is busy a file lets texts of other conversations pass, again and again, but not for ever. */
const yieldMs = 1000;
const maxYieldMs = 30_000;
/** An account whose platform cannot be reached rests as long as that has lasted, within these. */
const minRestMs = 1000;
const maxRestMs = 15_000;
const firstRecordDelayMs = 250;
const maxRecordDelayMs = 10_000;

/** Where to send and which pace holds there. */
export interface Target {
  conversation: ConversationRef;
  group: boolean;
}

export interface LaneDeps {
  store: Store;
  clock: Clock;
  log: Log;
  crash: CrashPoint;
  sends: Counter;
  seconds: Histogram;
  /** The bytes of a stored file; null when it is gone. */
  readFile: (id: string) => Promise<Uint8Array | null>;
  /** Nothing new is begun after this. */
  stopping: AbortSignal;
  /** An attempt is over and recorded. */
  recorded: (row: OutboxRow, record: SendRecord) => void;
  /** A conversation that this lane does not serve any more, or that lives on elsewhere. */
  handOver: (target: Target) => void;
}

export const accountId = (of: { channel: string; account: string }): string => `${of.channel}:${of.account}`;
const conversationKey = (c: ConversationRef): string => `${c.native}:${c.thread ?? ''}`;

/** What every line about a row says. */
export const fieldsOf = (row: OutboxRow): LogFields => ({
  correlation_id: row.correlation,
  session: row.sessionKey ?? undefined,
  channel: accountId(row.conversation),
  outbox_id: row.id,
});

/**
 * The way out of one account, with places, pace and timer of its own, so that nothing that happens here is felt by
 * another account: one row at a time per conversation, many conversations at once. The rows themselves stay in the
 * store; this holds only which conversations may have some.
 */
export class Lane {
  readonly channel: Channel;
  readonly pacer: Pacer;
  /** Aborts when the account is detached. */
  readonly signal: AbortSignal;
  readonly #deps: LaneDeps;
  readonly #draining = new Map<string, { again: boolean }>();
  readonly #waiting = new Map<string, Target>();
  readonly #work = new Set<Promise<void>>();
  /** When the platform could first not be reached; null while it can, as far as is known. */
  #awaySince: number | null = null;
  #timer: { at: number; cancel: AbortController } | null = null;

  constructor(channel: Channel, signal: AbortSignal, deps: LaneDeps) {
    this.channel = channel;
    this.pacer = new Pacer(deps.clock, channel.capabilities.pace);
    this.signal = signal;
    this.#deps = deps;
    for (const end of [signal, deps.stopping]) {
      end.addEventListener('abort', () => this.#timer?.cancel.abort(noLongerNeeded), { once: true });
    }
  }

  get active(): number {
    return this.#draining.size;
  }

  /** There may be planned rows for this conversation. */
  wake(target: Target): void {
    if (this.#over) return;
    const key = conversationKey(target.conversation);
    const running = this.#draining.get(key);
    if (running !== undefined) running.again = true;
    else if (this.#draining.size < maxParallel) this.#begin(key, target);
    else if (this.#waiting.size < maxWaiting) this.#waiting.set(key, target);
    else this.#arm(this.#deps.clock.now() + lookAgainMs);
  }

  /** Begins with what is planned already. */
  start(): void {
    this.#track(this.#scan());
  }

  /** Settles when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#work);
  }

  get #over(): boolean {
    return this.signal.aborted || this.#deps.stopping.aborted;
  }

  #begin(key: string, target: Target): void {
    const state = { again: false };
    this.#draining.set(key, state);
    this.#track(
      this.#drain(state, target).finally(() => {
        this.#draining.delete(key);
        if (this.signal.aborted) this.#deps.handOver(target);
        else if (state.again) this.wake(target);
        const [next] = this.#waiting;
        if (next === undefined) return;
        this.#waiting.delete(next[0]);
        this.wake(next[1]);
      }),
    );
  }

  async #drain(state: { again: boolean }, target: Target): Promise<void> {
    let more = true;
    while (more && !this.#over) {
      state.again = false;
      more = (await this.#sendNext(target)) || state.again;
    }
  }

  /** False when nothing can be sent at the head of the line now; the timer is set for when it can. */
  async #sendNext({ conversation, group }: Target): Promise<boolean> {
    const { store, clock, log, crash, sends, seconds } = this.#deps;
    // The pace is waited for before the row is claimed: a row marked `sending` really is on its way.
    const waitMs = this.pacer.reserve(conversation, group);
    if (waitMs > maxWaitInPlaceMs) {
      this.pacer.giveBack(conversation, group);
      this.#arm(clock.now() + waitMs);
      return false;
    }
    if (waitMs > 0) await clock.sleep(waitMs, this.signal).catch(() => undefined);
    if (this.#over) return false;
    const row = await store.claimSend(conversation, clock.now());
    if (row === null) {
      this.pacer.giveBack(conversation, group);
      return false;
    }
    if (row.expiresAt < clock.now()) {
      await this.#record(row, { state: 'dead', at: clock.now(), error: 'It became too old to be sent.' });
      return true;
    }
    if (row.body.file !== undefined && this.pacer.crowded && clock.now() - row.createdAt < maxYieldMs) {
      const error = 'A file gives way to texts.';
      await this.#record(row, { state: 'retry', at: clock.now() + yieldMs, error, uncounted: true });
      return true;
    }
    log.debug('a message is sent', { ...fieldsOf(row), part: row.part, attempt: row.attempts });
    crash('before_send');
    const startedAt = clock.monotonic();
    const outcome = await this.#attempt(row);
    seconds.observe((clock.monotonic() - startedAt) / 1000, { channel: conversation.channel });
    sends.add(1, { channel: conversation.channel, outcome: outcome.ok ? 'ok' : outcome.kind });
    crash('after_send');
    if (outcome.ok || outcome.kind !== 'unreachable') this.#awaySince = null;
    if (!outcome.ok) {
      const { kind, detail } = outcome;
      log.warn('a send did not succeed', { ...fieldsOf(row), kind, detail, attempt: row.attempts });
      if (kind === 'rate_limited') this.pacer.block(conversation, group, outcome.scope, outcome.retryAfterMs);
      if (kind === 'unreachable') this.pacer.block(conversation, group, 'account', this.#restMs());
      if (kind === 'refused' && outcome.code === 'bad_token') {
        this.pacer.block(conversation, group, 'account', badTokenMs);
      }
      if (kind === 'moved') return this.#follow(row, { ...conversation, native: outcome.native }, detail);
    }
    crash('before_mark');
    await this.#record(row, recordOf(row, outcome, this.channel.capabilities.idempotentSend, clock.now()));
    return true;
  }

  #restMs(): number {
    const now = this.#deps.clock.monotonic();
    this.#awaySince ??= now;
    return Math.min(maxRestMs, Math.max(minRestMs, now - this.#awaySince));
  }

  /** The chat has a new id: the row and all that waits behind it go there. Counted, as two chats may name each other. */
  async #follow(row: OutboxRow, to: ConversationRef, detail: string): Promise<boolean> {
    const { store, clock, handOver } = this.#deps;
    const record = recordOf(row, { ok: false, kind: 'transient', detail }, 'none', clock.now());
    await this.#record(row, record);
    if (record.state !== 'retry') return true;
    await store.moveConversation(row.conversation, to);
    handOver({ conversation: to, group: row.chatType === 'group' });
    return false;
  }

  async #attempt(row: OutboxRow): Promise<SendOutcome> {
    const { channel, signal } = this;
    const shown = row.plain ? { ...row.body, spans: [] } : row.body;
    // Where the platform itself drops a double, nobody sees one: what is sent again is the same to the letter.
    const mayDouble = row.resent && row.ref === null && channel.capabilities.idempotentSend !== 'native';
    const body = mayDouble ? markedAsRepeat(shown, channel.capabilities.text, await this.#wordsFor(row)) : shown;
    const file = body.file === undefined ? undefined : await this.#deps.readFile(body.file.id);
    if (file === null) return { ok: false, kind: 'refused', code: 'file_gone', detail: 'The file is gone.' };
    const part: OutboundPart = {
      idempotencyKey: row.idempotencyKey,
      conversation: row.conversation,
      body,
      ...(file === undefined ? {} : { file }),
      ...(row.replyTo === null ? {} : { replyTo: row.replyTo }),
    };
    try {
      if (row.ref !== null && channel.edit !== undefined) {
        return await channel.edit({ conversation: row.conversation, native: row.ref }, { body, final: true }, signal);
      }
      if (row.resent && channel.capabilities.idempotentSend === 'lookup') {
        const found = await channel.findSent?.(part, signal);
        if (typeof found === 'string') return await this.#complete(row, shown, found);
      }
      const outcome = await channel.send(part, signal);
      const mayBeOld = row.resent && row.ref === null && channel.capabilities.idempotentSend === 'native';
      return outcome.ok && mayBeOld ? await this.#complete(row, shown, outcome.ref) : outcome;
    } catch (error) {
      // A channel that throws has a bug; whether the bytes left is unknown.
      this.#deps.log.error('a channel failed in an unexpected way', { ...fieldsOf(row), error });
      return { ok: false, kind: 'ambiguous', detail: 'The channel failed in an unexpected way.' };
    }
  }

  async #wordsFor({ owner }: OutboxRow): Promise<Words> {
    const person = await this.#deps.store.person(owner).catch(() => null);
    return wordsIn(person?.language ?? null);
  }

  /**
   * What was found, or what the platform took for the same message, may be the first piece of a reply that was still
   * growing: it gets the whole text, without a mark.
   */
  async #complete({ conversation }: OutboxRow, body: OutboundBody, native: string): Promise<SendOutcome> {
    const { channel, signal } = this;
    if (channel.edit === undefined || body.file !== undefined) return { ok: true, ref: native };
    return channel.edit({ conversation, native }, { body, final: true }, signal);
  }

  /**
   * Offered until the store takes it: only this process knows what became of the send, and a row that stays `sending`
   * would hold its conversation until the next start, and then look ambiguous.
   */
  async #record(row: OutboxRow, record: SendRecord): Promise<void> {
    const { store, clock, log, stopping, recorded } = this.#deps;
    for (let failures = 0; ; failures++) {
      try {
        recorded(await store.recordSend(row.id, record), record);
        if (record.state === 'retry') this.#arm(record.at);
        return;
      } catch (error) {
        if (stopping.aborted || (error instanceof ClankerError && error.kind === 'not_found')) throw error;
        log.error('what became of a send could not be stored and is offered again', { ...fieldsOf(row), error });
        const delayMs = Math.min(maxRecordDelayMs, firstRecordDelayMs * 2 ** failures);
        await clock.sleep(delayMs, stopping).catch(() => undefined);
      }
    }
  }

  /** One timer for the account: the earliest time at which something may be due. */
  #arm(at: number): void {
    if (this.#over || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.cancel.abort(noLongerNeeded);
    const { clock } = this.#deps;
    const timer = { at, cancel: new AbortController() };
    this.#timer = timer;
    const waitMs = Math.min(maxTimerMs, Math.max(minTimerMs, at - clock.now()));
    clock.sleep(waitMs, timer.cancel.signal).then(
      () => {
        this.#timer = null;
        this.#track(this.#scan());
      },
      () => undefined,
    );
  }

  /** Wakes every conversation that is due and sets the timer for the first that is not yet. */
  async #scan(): Promise<void> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const due = await store.dueConversations(this.channel.type, this.channel.account, maxWaiting);
    for (const { conversation, chatType, dueAt } of due) {
      if (dueAt <= now) this.wake({ conversation, group: chatType === 'group' });
      else this.#arm(dueAt);
    }
    if (due.length === maxWaiting) this.#arm(now + lookAgainMs);
  }

  #track(work: Promise<void>): void {
    const safe = work.catch((error: unknown) => {
      this.#deps.log.error('delivery was interrupted and will try again', {
        channel: accountId({ channel: this.channel.type, account: this.channel.account }),
        error,
      });
      this.#arm(this.#deps.clock.now() + afterFailureMs);
    });
    this.#work.add(safe);
    void safe.finally(() => this.#work.delete(safe));
  }
}
