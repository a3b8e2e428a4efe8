/**
 * Replies that grow by Slack's own streaming: text is appended where an edit only adds, and the stream is ended by the
 * last edit. Whatever streaming cannot do, or is not allowed to, is left to plain messages and `chat.update`.
 * https://docs.slack.dev/reference/methods/chat.startStream
 */
import type { MessageRef } from '../../../core/message.ts';
import type { Change, OutboundPart, SendOutcome } from '../../../core/ports/channel.ts';
import type { ApiFailure, SlackApi } from './api.ts';
import { isDirect } from './inbound.ts';
import { settledText, wholeText } from './markdown.ts';
import { failedOutcome, isTokenError } from './outcome.ts';
import { Recent } from './recent.ts';
import { metadataOf } from './sent-mark.ts';

/** Messages whose way of growing is remembered. */
const maxMessages = 500;
/** Conversations in which streaming was refused. */
const maxRefused = 200;

/** `shown`: what Slack has, as Markdown; null when it is not sure. */
interface Growing {
  key: string;
  shown: string | null;
}

/** For whom a reply in a channel is streamed: the others there see it when it is whole. */
export interface Recipient {
  user: string;
  team: string;
}

export class Streams {
  readonly #api: SlackApi;
  /** By channel and ts; null for a message that does not grow by streaming. */
  readonly #messages = new Recent<Growing | null>(maxMessages);
  readonly #refused = new Recent<true>(maxRefused);

  constructor(api: SlackApi) {
    this.#api = api;
  }

  /** Null when there is no stream to be had here: the part is to be posted. Certain refusals have left nothing behind. */
  async begin(part: OutboundPart, recipient: Recipient | null, signal: AbortSignal): Promise<SendOutcome | null> {
    const { native: channel, thread } = part.conversation;
    if (thread === undefined || (recipient === null && !isDirect(channel)) || this.#refused.has(channel)) return null;
    const { markdown } = settledText(part.body);
    if (markdown.trim() === '' || (part.body.buttons ?? []).length > 0) return null;
    const answer = await this.#api.call<{ ts?: unknown }>(
      'chat.startStream',
      {
        channel,
        thread_ts: thread,
        markdown_text: markdown,
        recipient_user_id: recipient?.user,
        recipient_team_id: recipient?.team,
      },
      signal,
    );
    if (answer.ok) {
      const { ts } = answer.result;
      if (typeof ts !== 'string')
        return { ok: false, kind: 'ambiguous', detail: 'Slack began a stream without its ts.' };
      this.#messages.set(keyOf(channel, ts), { key: part.idempotencyKey, shown: markdown });
      return { ok: true, ref: ts };
    }
    if (!isRefusal(answer)) return failedOutcome(answer, 'send');
    this.#refused.set(channel, true);
    return null;
  }

  /** This message was posted whole. */
  posted(channel: string, ts: string): void {
    this.#messages.set(keyOf(channel, ts), null);
  }

  /** Null when the message is to be replaced by `chat.update`; it is then no stream any more. */
  async edit(message: MessageRef, change: Change, signal: AbortSignal): Promise<SendOutcome | null> {
    const { native: channel, thread } = message.conversation;
    const ts = message.native;
    const key = keyOf(channel, ts);
    const growing = this.#messages.get(key);
    if (growing === null || thread === undefined) return null;
    // Of an earlier process, perhaps in the middle of its stream.
    if (growing === undefined) return this.#leave(channel, ts, signal);
    const { body, final } = change;
    const { markdown, exact } = final ? wholeText(body) : settledText(body);
    if (growing.shown === null || !markdown.startsWith(growing.shown)) return this.#leave(channel, ts, signal);
    const more = markdown.slice(growing.shown.length);
    if (!final && more === '') return { ok: true, ref: ts };
    const text = more === '' ? {} : { markdown_text: more };
    const answer = final
      ? await this.#api.call('chat.stopStream', { channel, ts, ...text, metadata: metadataOf(growing.key) }, signal)
      : await this.#api.call('chat.appendStream', { channel, ts, ...text }, signal);
    if (!answer.ok) return this.#broken(key, growing, answer);
    if (!final) {
      growing.shown = markdown;
      return { ok: true, ref: ts };
    }
    this.#messages.set(key, null);
    return exact && (body.buttons ?? []).length === 0 ? { ok: true, ref: ts } : null;
  }

  /** Ends a stream without a word; one that is over already is left alone. */
  async #leave(channel: string, ts: string, signal: AbortSignal): Promise<SendOutcome | null> {
    const answer = await this.#api.call('chat.stopStream', { channel, ts }, signal);
    if (!answer.ok && !isRefusal(answer)) return failedOutcome(answer, 'edit');
    this.#messages.set(keyOf(channel, ts), null);
    return null;
  }

  #broken(key: string, growing: Growing, failure: ApiFailure): SendOutcome | null {
    if (isRefusal(failure)) {
      // Slack ends streams by itself after some minutes; the message stands and can be replaced.
      this.#messages.set(key, null);
      return null;
    }
    // Whether the words were appended is unknown, so nothing can be appended any more.
    if (failure.accepted === 'maybe') growing.shown = null;
    return failedOutcome(failure, 'edit');
  }
}

const keyOf = (channel: string, ts: string): string => `${channel}:${ts}`;

/** Slack understood and said no, for a reason that another way of sending may not meet. */
const isRefusal = (failure: ApiFailure): boolean =>
  failure.accepted === 'no' &&
  failure.error !== 'ratelimited' &&
  failure.error !== 'no_answer' &&
  !isTokenError(failure) &&
  !failure.error.startsWith('http_');
