import { noLongerNeeded } from '../../core/abort.ts';
import type { ConversationRef } from '../../core/message.ts';
import type { NewOutbound, OutboxRow } from '../../core/ports/outbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { showsNothing, type Markdown, type RichText } from '../../core/rich-text.ts';
import { splitRich } from '../../core/split.ts';
import { withRoomForMark } from './repeat-mark.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import type { Delivery } from './delivery.ts';

/** What a reader sees first: enough to be worth a message, or whatever there is after a moment. */
const firstLength = 24;
const firstMs = 700;

/** Whether a reply shows while it is written: not, as one message that grows, or as a draft in private chats. */
export type StreamMode = boolean | 'draft';

/**
 * A reply that grows on the platform by editing one message. Its outbox row (state `streaming`) is committed before
 * the first send and the platform's id right after, so that a crash anywhere continues the same message. One mutation
 * at a time; what comes meanwhile is merged into the next, so nothing stale is ever sent after something newer. Edits
 * may be dropped (the pace of the chat rules); the final text is the delivery's, after `settle`.
 *
 * With drafts nothing is a message before its end: no row is opened, and the reply is then planned like any other. A
 * draft that is refused, and a reply that an earlier start began as a message, are shown by edits.
 */
export class ReplyStream {
  readonly #deps: { store: Store; clock: Clock; log: Log; markdown: Markdown; delivery: Delivery; crash: CrashPoint };
  readonly #row: NewOutbound;
  readonly #stop = new AbortController();
  #ref: string | null;
  #opened: boolean;
  #tried = false;
  #text = '';
  /** Shown while there is no text. */
  #working = '';
  #shown = '';
  #notBefore: number | null = null;
  #busy: Promise<void> | null = null;
  #drafts: boolean;
  /** True once something may stand on the platform: from then on the reply cannot be begun anew unseen. */
  visible: boolean;

  constructor(
    deps: { store: Store; clock: Clock; log: Log; markdown: Markdown; delivery: Delivery; crash: CrashPoint },
    row: NewOutbound,
    /** What an earlier start of the run left open; its message is continued. */
    left: OutboxRow | null,
    drafts = false,
  ) {
    this.#deps = deps;
    this.#row = row;
    this.#ref = left?.ref ?? null;
    this.#opened = left !== null;
    this.#drafts = drafts && left === null && row.chatType === 'direct';
    // Continuing an old message by an edit is harmless to repeat; one of unknown fate must not be sent twice.
    if (left !== null && left.ref === null) this.#stop.abort(noLongerNeeded);
    this.visible = false;
  }

  push(text: string): void {
    this.#text += text;
    this.#notBefore ??= this.#deps.clock.monotonic() + firstMs;
    this.#pump();
  }

  /** Words that stand there until the first text comes; they are no part of the reply. */
  working(words: string): void {
    this.#working = words;
    this.#pump();
  }

  /** A message of this reply stands on the platform and waits for its end. */
  get open(): boolean {
    return this.#ref !== null;
  }

  get #current(): string {
    return this.#text === '' ? this.#working : this.#text;
  }

  /** What was pushed so far is void: another attempt begins. Only while nothing is visible. */
  restart(): void {
    this.#text = '';
  }

  /** No mutation begins any more; resolves when the last one is over. The shown text is returned for a failing run. */
  async settle(): Promise<string> {
    this.#stop.abort(noLongerNeeded);
    await this.#busy;
    return this.visible ? this.#text : '';
  }

  #pump(): void {
    if (this.#busy !== null || this.#stop.signal.aborted || showsNothing(this.#current)) return;
    const lane = this.#deps.delivery.lane(this.#row.conversation);
    if (lane === null || lane.channel.edit === undefined || !lane.channel.capabilities.edit.supported) return;
    const now = this.#deps.clock.monotonic();
    const waitMs = (this.#notBefore ?? now) - now;
    // Only the first time: what is tried again without a pause, because the pace forbids it, would stop everything else.
    const early = !this.#tried && this.#current.length >= firstLength;
    this.#busy = (async () => {
      if (waitMs > 0 && !early) await this.#deps.clock.sleep(waitMs, this.#stop.signal);
      await this.#mutate(lane);
    })()
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted)
          this.#deps.log.warn('a reply stream stopped early; its end is still delivered', {
            correlation_id: this.#row.correlation,
            session: this.#row.sessionKey,
            error,
          });
        this.#stop.abort(noLongerNeeded);
      })
      .finally(() => {
        this.#busy = null;
        if (this.#shown !== this.#current) this.#pump();
      });
  }

  async #mutate(lane: NonNullable<ReturnType<Delivery['lane']>>): Promise<void> {
    const { store, clock, crash } = this.#deps;
    const { channel, pacer, signal } = lane;
    const { conversation, chatType } = this.#row;
    const group = chatType === 'group';
    const { edit } = channel.capabilities;
    const paceMs = group ? edit.groupMs : edit.directMs;
    this.#tried = true;
    this.#notBefore = clock.monotonic() + paceMs;
    const text = this.#current;
    const real = this.#text !== '';
    const body = this.#firstPart(text, withRoomForMark(channel.capabilities.text));
    if (body === null) {
      this.#shown = text;
      return;
    }
    if (!pacer.spare(conversation, group)) return;
    if (this.#drafts && channel.draft !== undefined) return this.#draft(lane, text, body);
    if (this.#ref === null) {
      if (!this.#opened) {
        const row = await store.openStream({ ...this.#row, body });
        // What waits in this chat goes first; meanwhile the reply grows unseen.
        if (row === null) return pacer.giveBack(conversation, group);
        this.#opened = true;
        this.#ref = row.ref;
      }
      // Meanwhile the attempt this text came from may have become void, or the reply may be over.
      if (this.#stop.signal.aborted || !this.#current.startsWith(text)) return;
    }
    const ref = this.#ref;
    if (ref === null) crash('before_send');
    this.visible ||= real;
    const part = { idempotencyKey: this.#row.idempotencyKey, conversation, body, growing: true };
    const outcome =
      ref === null
        ? await channel.send({ ...part, ...(this.#row.replyTo === null ? {} : { replyTo: this.#row.replyTo }) }, signal)
        : await channel.edit?.({ conversation, native: ref }, { body, final: false }, signal);
    if (outcome === undefined) return;
    if (outcome.ok) {
      this.#shown = text;
      if (ref !== null) return;
      crash('after_send');
      this.#ref = outcome.ref;
      crash('before_mark');
      await store.setStreamRef(this.#row.id, outcome.ref);
      const { correlation, sessionKey, id } = this.#row;
      const fields = { component: 'delivery', correlation_id: correlation, session: sessionKey, outbox_id: id };
      this.#deps.log.debug('a reply began to show', fields);
      return;
    }
    if (ref === null && outcome.kind === 'ambiguous') await store.setStreamRef(this.#row.id, null);
    else if (ref === null) this.visible = false;
    if (outcome.kind === 'rate_limited') {
      pacer.block(conversation, group, outcome.scope, outcome.retryAfterMs);
      this.#notBefore = clock.monotonic() + outcome.retryAfterMs;
      return;
    }
    // A lost edit is made good by the next; a first send that failed is the delivery's to judge, with the whole text.
    if (ref === null || outcome.kind === 'refused') this.#stop.abort(noLongerNeeded);
  }

  async #draft(lane: NonNullable<ReturnType<Delivery['lane']>>, text: string, body: RichText): Promise<void> {
    const { conversation, idempotencyKey } = this.#row;
    const outcome = await lane.channel.draft?.({ idempotencyKey, conversation, body, growing: true }, lane.signal);
    if (outcome === undefined) return;
    if (outcome.ok) {
      this.#shown = text;
      this.visible ||= this.#text !== '';
    } else if (outcome.kind === 'rate_limited') {
      lane.pacer.block(conversation, false, outcome.scope, outcome.retryAfterMs);
      this.#notBefore = this.#deps.clock.monotonic() + outcome.retryAfterMs;
    } else if (outcome.kind === 'refused' || outcome.kind === 'bad_format') this.#drafts = false;
  }

  /** Null when there is nothing new to show: the message is full, or the change is not visible. */
  #firstPart(text: string, limits: { maxLength: number; maxSpans: number }): RichText | null {
    const [part] = splitRich(this.#deps.markdown.parse(text), limits);
    const before = this.#shown === '' ? undefined : splitRich(this.#deps.markdown.parse(this.#shown), limits)[0];
    return part === undefined || part.text === before?.text ? null : part;
  }
}

const maxTypingMs = 120_000;

/** Shows "typing…" until the signal aborts or two minutes have passed, whichever comes first. */
export async function typingLease(
  delivery: Delivery,
  clock: Clock,
  target: { conversation: ConversationRef; group: boolean },
  signal: AbortSignal,
): Promise<void> {
  const lane = delivery.lane(target.conversation);
  if (lane?.channel.typing === undefined || !lane.channel.capabilities.typing.supported) return;
  const until = clock.monotonic() + maxTypingMs;
  while (!signal.aborted && !lane.signal.aborted && clock.monotonic() < until) {
    await lane.channel.typing(target.conversation, signal).catch(() => undefined);
    await clock.sleep(lane.channel.capabilities.typing.refreshMs, signal).catch(() => undefined);
  }
}
