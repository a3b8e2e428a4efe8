/**
 * An example of a whole channel: a bulletin board with a small HTTP API. docs/writing-a-channel.md walks through it;
 * tests/examples holds it to the promises of every channel.
 *
 *   GET  /posts?after=ID&wait=SECONDS  → {"posts":[{"id","author","room","direct","text","for_bot","file"?}]}
 *   POST /posts {"key","room","text"}  → {"id"}; the same key again gives the same id
 *   PUT  /posts/ID {"text"}            → {"id"}
 */
import { askJson, field, textField, type JsonAnswer } from '../../src/adapters/channels/json-http.ts';
import { Receiving, type Step } from '../../src/adapters/channels/receiving.ts';
import { retryAfterMs } from '../../src/adapters/channels/retry-after.ts';
import { invalidInput } from '../../src/core/errors.ts';
import type { ConversationRef, MessageRef } from '../../src/core/message.ts';
import type {
  Change,
  Channel,
  ChannelCapabilities,
  ChannelContext,
  ChannelHealth,
  InboundEvent,
  InboundSink,
  OutboundPart,
  SendOutcome,
} from '../../src/core/ports/channel.ts';
import type { HttpClient } from '../../src/core/ports/http-client.ts';
import type { Random } from '../../src/core/ports/system.ts';
import type { Secret } from '../../src/core/secret.ts';

const waitSeconds = 25;
const pollTimeoutMs = (waitSeconds + 10) * 1000;
const sendTimeoutMs = 30_000;
const maxAnswerBytes = 2 ** 20;
const roomPattern = /^[a-z0-9-]{1,40}$/;

export interface BoardChannelOptions {
  account: string;
  token: Secret;
  apiRoot: string;
  http: HttpClient;
  random: Random;
}

export class BoardChannel implements Channel {
  readonly type = 'board';
  readonly account: string;
  readonly capabilities: ChannelCapabilities = {
    // The board shows plain text, so a part is as long as its text.
    text: { maxLength: 2000, maxSpans: 100 },
    edit: { supported: true, directMs: 1000, groupMs: 2000 },
    // The board drops a post whose key it knows: repeating after a lost answer is harmless.
    idempotentSend: 'native',
    typing: { supported: false, refreshMs: 0 },
    files: null,
    buttons: false,
    pace: { accountPerSecond: 20, conversationPerSecond: 2, groupPerMinute: 60 },
  };
  readonly #options: BoardChannelOptions;
  readonly #receiving: Receiving;

  constructor(options: BoardChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#receiving = new Receiving('board', options.random);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    this.#receiving.start(context, (own) => this.#listen(sink, own));
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#receiving.stop(deadlineMs);
  }

  /** One poll per step. The position moves with the commit: what was not committed comes again. */
  #listen(sink: InboundSink, { cursors, signal, clock }: ChannelContext): Step {
    let after = cursors.get('after') ?? '0';
    return async () => {
      const answer = await this.#ask('GET', `/posts?after=${after}&wait=${waitSeconds}`, pollTimeoutMs, signal);
      if (answer.status === 401)
        return this.#receiving.fatal('The board refused the token; check channels.board.token.');
      const posts = field(answer.json, 'posts');
      if (answer.status !== 200 || !Array.isArray(posts)) return this.#receiving.degrade('The board does not answer.');
      this.#receiving.received(clock.now());
      const events = posts.flatMap((post: unknown) => {
        const event = this.#translate(post);
        if (event === null) sink.malformed('a post of the board could not be understood');
        return event ?? [];
      });
      const last = textField(posts.at(-1), 'id');
      try {
        if (last !== undefined) await sink.commit(events, { key: 'after', value: last });
      } catch {
        return this.#receiving.degrade('What came from the board cannot be stored.');
      }
      after = last ?? after;
      if (events.length > 0) this.#receiving.event(clock.now());
      this.#receiving.connected();
      return 0;
    };
  }

  #translate(post: unknown): InboundEvent | null {
    const id = textField(post, 'id');
    const author = textField(post, 'author');
    const room = textField(post, 'room');
    const text = textField(post, 'text');
    if (id === undefined || author === undefined || room === undefined || text === undefined) return null;
    const direct = field(post, 'direct') === true;
    return {
      dedupe: id,
      kind: 'message',
      conversation: this.conversation(room),
      native: id,
      sender: { native: author, display: author, isBot: false },
      chat: { type: direct ? 'direct' : 'group', addressed: direct || field(post, 'for_bot') === true },
      text,
      attachments: [],
      occurredAt: 0,
    };
  }

  async send({ idempotencyKey, conversation, body }: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const post = { key: idempotencyKey, room: conversation.native, text: body.text };
    return this.#outcome(await this.#ask('POST', '/posts', sendTimeoutMs, signal, post));
  }

  async edit(message: MessageRef, { body }: Change, signal: AbortSignal): Promise<SendOutcome> {
    const path = `/posts/${encodeURIComponent(message.native)}`;
    return this.#outcome(await this.#ask('PUT', path, sendTimeoutMs, signal, { text: body.text }));
  }

  conversation(target: string): ConversationRef {
    if (!roomPattern.test(target))
      throw invalidInput('bad_channel_id', 'A room of the board is named by a-z 0-9 and -.');
    return { channel: this.type, account: this.account, native: target };
  }

  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return native.startsWith('dm-') ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }

  #ask(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    timeoutMs: number,
    signal: AbortSignal,
    body?: object,
  ): Promise<JsonAnswer> {
    const { http, apiRoot, token } = this.#options;
    const headers = { authorization: `Bearer ${token.reveal()}` };
    const about = { method, url: apiRoot + path, headers, timeoutMs, maxBytes: maxAnswerBytes };
    return askJson(http, body === undefined ? about : { ...about, body }, signal);
  }

  /** Every answer has one meaning: what may be repeated, what must wait, what is over. */
  #outcome({ status, headers, json, accepted }: JsonAnswer): SendOutcome {
    const id = textField(json, 'id');
    if (status === 200 && id !== undefined) return { ok: true, ref: id };
    const detail = textField(json, 'error') ?? `The board answered ${status}.`;
    if (status === 0 || status === 200) {
      const sure = accepted === 'no';
      return { ok: false, kind: sure ? 'transient' : 'ambiguous', detail: 'No answer came from the board.' };
    }
    if (status === 429) {
      const waitMs = retryAfterMs(headers, Date.now()) ?? 1000;
      return { ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: waitMs, detail };
    }
    if (status >= 500) return { ok: false, kind: 'transient', detail };
    const code = status === 401 ? 'bad_token' : status === 404 ? 'edit_gone' : 'forbidden';
    return { ok: false, kind: 'refused', code, detail };
  }
}
