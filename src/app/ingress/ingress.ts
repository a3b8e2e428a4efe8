import { ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { CursorUpdate, InboundEvent, InboundReceipt, InboundSink } from '../../core/ports/channel.ts';
import type { CommitResult, InboxRow, NewInbound } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Log, Metrics } from '../../core/ports/system.ts';
import { ownerPerson } from '../../core/principal.ts';
import { conversationSessionKey } from '../../core/session-key.ts';
import { allowLine, authorize, type AccessPolicy, type Verdict } from '../access/authorize.ts';
import type { Directory } from '../access/directory.ts';
import type { Pairing } from '../access/pairing.ts';
import type { CommandRegistry } from '../commands/registry.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import type { QueueMode, RunQueue } from '../runs/queue.ts';
import { Feedback } from './feedback.ts';
import type { FloodNotice } from './flood-notice.ts';
import { passedOn, withQuote } from './quote.ts';
import { SenderLimits } from './sender-limits.ts';

const maxText = 32_768;

export interface IngressDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  runs: RunQueue;
  commands: CommandRegistry;
  crash: CrashPoint;
  policy: (channel: string, account: string) => AccessPolicy;
  directory: Directory;
  pairing: Pairing;
  flood: FloodNotice;
  queueMode: (channel: string) => QueueMode;
}

/**
 * The one way in. Whatever arrives passes here: authorized, deduplicated and committed (fsynced) before anybody is
 * told that it was accepted; then the run queue is woken.
 */
export class Ingress {
  readonly #deps: IngressDeps;
  readonly #received: Counter;
  readonly #turnedAway: Counter;
  readonly #limits: SenderLimits;
  readonly #feedback: Feedback;

  constructor(deps: IngressDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'ingress' }) };
    this.#received = deps.metrics.counter('messages_received_total', 'Messages accepted, by channel.');
    this.#turnedAway = deps.metrics.counter(
      'messages_turned_away_total',
      'Events not accepted, by channel and reason.',
    );
    this.#limits = new SenderLimits(deps.clock);
    this.#feedback = new Feedback(deps);
  }

  /** Commits what an API client sent; the caller decides what a duplicate means. */
  async accept(message: NewInbound): Promise<CommitResult['rows'][number]> {
    const { rows } = await this.#commit([message]);
    const [result] = rows;
    if (result === undefined)
      throw new ClankerError('storage', 'internal', 'The store did not answer for the message.');
    return result;
  }

  /** Where a channel account hands over its events. */
  sinkFor(channel: string, account: string): InboundSink {
    const { policy, store } = this.#deps;
    const log = this.#deps.log.with({ channel: `${channel}:${account}` });
    return {
      commit: async (batch, cursor) => {
        const rows: NewInbound[] = [];
        /** For each event the place of its row, or its receipt without one. */
        const places: (number | InboundReceipt)[] = [];
        for (const event of batch) {
          const row = await this.#judge(event, channel, account, rows);
          places.push(row === null ? noReceipt : row === 'refused' ? refusedReceipt : rows.push(row) - 1);
        }
        if (rows.length === 0 && cursor === undefined)
          return places.map((place) => (typeof place === 'number' ? noReceipt : place));
        const at = cursor === undefined ? undefined : { ...cursor, channel, account };
        const stored = (await this.#commit(rows, at)).rows;
        for (const event of batch) {
          const { movedTo, conversation } = event;
          // Harmless to repeat, so it needs no row of its own: an event that is seen again moves nothing.
          if (movedTo === undefined || authorize(policy(channel, account), event, null).verdict !== 'admitted')
            continue;
          await store.moveConversation(conversation, { ...conversation, native: movedTo });
          log.warn('a group has a new id; put it into allowed_chat_ids', { was: conversation.native, is: movedTo });
        }
        this.#deps.crash('before_ack');
        return places.map((place) => (typeof place === 'number' ? receiptOf(stored[place]?.row) : place));
      },
      malformed: (detail) => {
        this.#turnedAway.add(1, { channel, reason: 'malformed' });
        log.warn('an event could not be understood and was skipped', { detail });
      },
    };
  }

  /**
   * The row an event becomes, or null when it leaves no trace; `refused` for what is refused again so soon that it gets
   * no row of its own. `before`: rows of the same batch.
   */
  async #judge(
    event: InboundEvent,
    channel: string,
    account: string,
    before: NewInbound[],
  ): Promise<NewInbound | 'refused' | null> {
    const { mintId, log, commands, pairing, directory } = this.#deps;
    const verdict = await this.#admit(event, channel, account);
    const drop = (reason: string): null => {
      this.#turnedAway.add(1, { channel, reason });
      return null;
    };
    if (verdict.verdict === 'ignored') return drop('ignored');
    const id = mintId('msg');
    const base = {
      id,
      runId: mintId('run'),
      channel,
      account,
      dedupe: event.dedupe,
      sessionKey: conversationSessionKey(event.conversation),
      conversation: event.conversation,
      native: event.native,
      sender: { native: event.sender.native, display: event.sender.display },
      chatType: event.chat.type,
      bodyHash: event.bodyHash ?? null,
      agent: null,
      model: null,
      correlation: id,
      receivedAt: this.#deps.clock.now(),
    };
    if (verdict.verdict === 'refused') {
      if (event.kind === 'reaction') return drop('refused');
      this.#turnedAway.add(1, { channel, reason: 'refused' });
      const asks = verdict.mayPair && event.kind === 'message';
      if (asks && this.#limits.maySpeakOfRefusal(`${channel}:${account}:${event.sender.native}:ask`)) {
        await pairing.ask(event);
      }
      if (!this.#limits.maySpeakOfRefusal(`${channel}:${account}:${event.sender.native}`)) return 'refused';
      const { reason } = verdict;
      const sender = event.sender.native;
      const about = { channel, account, sender, conversation: event.conversation.native, reason };
      log.warn('a message was refused', {
        correlation_id: id,
        session: base.sessionKey,
        channel: `${channel}:${account}`,
        sender,
        reason,
        to_allow: allowLine(this.#deps.policy(channel, account), about),
      });
      // What strangers write is not kept, only that they did.
      return {
        ...base,
        kind: 'message',
        owner: ownerPerson,
        parents: event.chat.parents ?? [],
        text: '',
        attachments: [],
        outside: null,
        state: 'refused',
        reason,
      };
    }
    if (event.kind === 'lifecycle') return drop(event.kind);
    if (event.kind === 'reaction') {
      // Of its own kind, so that who reacts much is heard when they write.
      if (this.#limits.take(`${channel}:${account}:${event.sender.native}:reactions`) !== 'ok') return drop('flood');
      await this.#feedback.take(event);
      return null;
    }
    const text = event.text.slice(0, maxText).toWellFormed();
    const command = event.forwarded === true ? null : commands.match(text);
    // A button says nothing but what a command says.
    if (event.kind === 'action' && command === null) return drop(event.kind);
    if (event.text.trim() === '' && event.attachments.length === 0) return drop('empty');
    const person = await directory.meet(event, verdict.role);
    const owner = event.chat.type === 'group' ? ownerPerson : person;
    const flood = this.#limits.take(`${channel}:${account}:${event.sender.native}`);
    if (flood !== 'ok') {
      this.#turnedAway.add(1, { channel, reason: 'flood' });
      if (flood === 'silent') return 'refused';
      await this.#deps.flood.tell(event, id, person);
      return {
        ...base,
        // Whoever sends this message again later is heard.
        dedupe: `${event.dedupe}:flood`,
        kind: 'message',
        owner,
        text: '',
        attachments: [],
        outside: null,
        state: 'refused',
        reason: 'too many messages at once',
      };
    }
    if (event.kind === 'edit') {
      const waits = await this.#edit(event, text, before);
      const reason = waits ? 'an edit; the message that waits says this now' : 'an edit of what was no longer waiting';
      return { ...base, kind: 'message', owner, text, attachments: [], outside: null, state: 'handled', reason };
    }
    return {
      ...base,
      kind: command === null ? 'message' : 'command',
      owner,
      text: command === null ? withQuote({ ...event, text }) : text,
      attachments: event.attachments,
      outside: passedOn(event),
      state: 'queued',
      reason: null,
    };
  }

  /** The gate; who sends the code of somebody who is in comes in with it. */
  async #admit(event: InboundEvent, channel: string, account: string): Promise<Verdict> {
    const { policy, directory, pairing } = this.#deps;
    // Whose message a reaction stands under is known only to the store; ours were meant.
    const judged = event.kind === 'reaction' ? { ...event, chat: { ...event.chat, addressed: true } } : event;
    const identity = { channel, account, native: event.sender.native };
    const judge = async (): Promise<Verdict> =>
      authorize(policy(channel, account), judged, await directory.find(identity));
    const verdict = await judge();
    const stranger = verdict.verdict === 'refused' && verdict.mayPair && event.kind === 'message';
    return stranger && (await pairing.enter(event)) ? judge() : verdict;
  }

  /**
   * Replaces the text of a message that was not begun yet, also one of the same batch; false when it is too late. Only
   * who wrote it may: some platforms carry the edits of everybody, and leave it to us whose count.
   */
  async #edit({ conversation, native, sender }: InboundEvent, text: string, before: NewInbound[]): Promise<boolean> {
    const sessionKey = conversationSessionKey(conversation);
    const original = before.find((row) => row.sessionKey === sessionKey && row.native === native);
    if (original === undefined) return this.#deps.store.editInbound(conversation, native, sender.native, text);
    if (original.sender.native !== sender.native) return false;
    if (original.state !== 'queued' || original.kind !== 'message') return false;
    original.text = text;
    return true;
  }

  async #commit(
    batch: NewInbound[],
    cursor?: CursorUpdate & { channel: string; account: string },
  ): Promise<CommitResult> {
    const { store, runs, crash } = this.#deps;
    const committing = store.commitInbound(batch, cursor);
    // Asked right behind it, the claim of an idle session shares the transaction and its fsync. Also for a repeat: nobody
    // may have heard of the first arrival.
    for (const row of batch) if (row.state === 'queued') runs.wake(row.sessionKey);
    const result = await committing;
    crash('after_insert');
    for (const { inserted, row } of result.rows) if (inserted) this.#accepted(row);
    return result;
  }

  #accepted(row: InboxRow): void {
    const { bus, log, runs, commands, queueMode } = this.#deps;
    const about = {
      messageId: row.id,
      channel: row.channel,
      sessionKey: row.sessionKey,
      person: row.owner,
      correlation: row.correlation,
    };
    const fields = {
      correlation_id: row.correlation,
      session: row.sessionKey,
      channel: `${row.channel}:${row.account}`,
    };
    if (row.state === 'handled') return;
    if (row.state !== 'queued') {
      bus.publish({ type: 'message.refused', ...about, reason: row.reason ?? '' });
      return;
    }
    this.#received.add(1, { channel: row.channel });
    log.debug('a message was received', { ...fields, kind: row.kind, run_id: row.runId });
    bus.publish({ type: 'message.received', ...about });
    if (row.kind === 'command') commands.match(row.text)?.command.now?.(row);
    else if (queueMode(row.channel) === 'interrupt') runs.interrupt(row.sessionKey, row.seq);
  }
}

const noReceipt: InboundReceipt = { messageId: null, bodyHash: null };
const refusedReceipt: InboundReceipt = { ...noReceipt, refused: true };
const receiptOf = (row: InboxRow | undefined): InboundReceipt =>
  row === undefined
    ? noReceipt
    : { messageId: row.id, bodyHash: row.bodyHash, ...(row.state === 'refused' ? { refused: true } : {}) };
