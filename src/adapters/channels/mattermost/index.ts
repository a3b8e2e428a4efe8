/** Mattermost: one bot account, by WebSocket and REST. https://developers.mattermost.com/integrate/reference/bot-accounts/ */
import { ClankerError, invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef, MessageRef } from '../../../core/message.ts';
import type {
  Change,
  Channel,
  ChannelCapabilities,
  ChannelContext,
  ChannelHealth,
  InboundSink,
  OutboundPart,
  SendOutcome,
} from '../../../core/ports/channel.ts';
import type { HttpClient } from '../../../core/ports/http-client.ts';
import type { Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { field, textField } from '../json-http.ts';
import { multipart } from '../multipart.ts';
import { Receiving } from '../receiving.ts';
import { isId, isUnknownAddress, MattermostApi } from './api.ts';
import type { ApiFailure, ApiOutcome } from './api.ts';
import { Chats } from './chats.ts';
import { Listening } from './listen.ts';
import { failedOutcome } from './outcome.ts';
import { maxLength, measure, render } from './render.ts';

/** One attempt to send may take this long before its outcome is unknown. */
const sendTimeoutMs = 30_000;
const uploadTimeoutMs = 120_000;
/** Posts of a chat that are looked through for one of ours. */
const lookedThrough = 200;
/** The property of a post that holds its idempotency key. */
const keyProp = 'open_clanker_key';

export interface MattermostChannelOptions {
  /** `main` */
  account: string;
  /** `https://chat.example.org` */
  apiRoot: string;
  token: Secret;
  http: HttpClient;
  random: Random;
}

export const mattermostCapabilities: ChannelCapabilities = {
  text: { maxLength, maxSpans: 1000, measure },
  edit: { supported: true, directMs: 1000, groupMs: 2000 },
  /**
   * The server drops a repeat with the same `pending_post_id`, but only for 30 seconds and on the same node
   * (`deduplicateCreatePost` in its app/post.go); so every post also holds its key and is looked up by it.
   */
  idempotentSend: 'lookup',
  // Clients show it for five seconds.
  typing: { supported: true, refreshMs: 4000 },
  // What servers take unless told otherwise (MaxFileSize).
  files: { maxBytes: 50_000_000 },
  buttons: false,
  // The server's own limit, where it is on, is ten requests a second.
  pace: { accountPerSecond: 10, conversationPerSecond: 2, groupPerMinute: 60 },
};

export const createMattermostChannel = (options: MattermostChannelOptions): Channel => new MattermostChannel(options);

class MattermostChannel implements Channel {
  readonly type = 'mattermost';
  readonly account: string;
  readonly capabilities = mattermostCapabilities;
  readonly #api: MattermostApi;
  readonly #chats: Chats;
  readonly #receiving: Receiving;

  constructor({ account, http, apiRoot, token, random }: MattermostChannelOptions) {
    this.account = account;
    this.#api = new MattermostApi(http, apiRoot, token);
    this.#chats = new Chats(this.#api);
    this.#receiving = new Receiving('Mattermost', random);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    this.#receiving.start(context, (own) => {
      const listening = new Listening(this.#api, this.#chats, this.#receiving, sink, own, this.account);
      return () => listening.step();
    });
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#receiving.stop(deadlineMs);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { conversation, body, file, idempotencyKey } = part;
    let fileIds: string[] = [];
    if (body.file !== undefined && file !== undefined) {
      const uploaded = await this.#upload(conversation, body.file, file, signal);
      if (!Array.isArray(uploaded)) {
        const outcome = failedOutcome(uploaded, 'send');
        // Only the file may have arrived: nobody saw a post.
        return outcome.kind === 'ambiguous' ? { ...outcome, kind: 'transient' } : outcome;
      }
      fileIds = uploaded;
    }
    const post = {
      channel_id: conversation.native,
      message: render(body),
      ...(conversation.thread === undefined ? {} : { root_id: conversation.thread }),
      ...(fileIds.length === 0 ? {} : { file_ids: fileIds }),
      pending_post_id: `clanker:${idempotencyKey}`,
      // Mentions of groups are not even shown as such.
      props: { [keyProp]: idempotencyKey, disable_group_highlight: true },
    };
    const call = { method: 'POST', path: 'posts', body: post, timeoutMs: sendTimeoutMs } as const;
    const answer = await this.#api.call(call, signal);
    if (!answer.ok) return failedOutcome(answer, 'send');
    const ref = textField(answer.result, 'id');
    if (ref === undefined)
      return { ok: false, kind: 'ambiguous', detail: 'The server took the post without telling its id.' };
    this.#chats.authorship.note(ref, true);
    return { ok: true, ref };
  }

  async edit({ native }: MessageRef, { body }: Change, signal: AbortSignal): Promise<SendOutcome> {
    const message = render(body);
    let answer = await this.#put(`posts/${encodeURIComponent(native)}/patch`, { message }, signal);
    // Servers that do not know how to change a part of a post take the whole of it.
    if (!answer.ok && isUnknownAddress(answer))
      answer = await this.#put(`posts/${encodeURIComponent(native)}`, { id: native, message }, signal);
    return answer.ok ? { ok: true, ref: native } : failedOutcome(answer, 'edit');
  }

  async typing({ native, thread }: ConversationRef, signal: AbortSignal): Promise<void> {
    const body = { channel_id: native, ...(thread === undefined ? {} : { parent_id: thread }) };
    await this.#api.call({ method: 'POST', path: 'users/me/typing', body }, signal);
  }

  /** Among the newest posts of the chat: a repeat comes within minutes. */
  async findSent({ conversation, idempotencyKey }: OutboundPart, signal: AbortSignal): Promise<string | null> {
    const path = `channels/${encodeURIComponent(conversation.native)}/posts?per_page=${lookedThrough}`;
    const answer = await this.#api.call({ method: 'GET', path, timeoutMs: sendTimeoutMs }, signal);
    // When this fails so does, as a rule, the send that comes next, and the look-up is done again before it is repeated.
    if (!answer.ok) return null;
    const posts = Object.values(field(answer.result, 'posts') ?? {}) as unknown[];
    const found = posts.find((post) => field(field(post, 'props'), keyProp) === idempotencyKey);
    return textField(found, 'id') ?? null;
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const response = await this.#api.file(attachment.native ?? '', signal);
    if (response.status !== 200)
      throw new ClankerError('channel', 'attachment', `The file is not to be had: HTTP ${response.status}.`);
    yield* response.body;
  }

  conversation(target: string, thread?: string): ConversationRef {
    if (!isId(target)) {
      throw invalidInput(
        'bad_channel_id',
        `"${target.slice(0, 40)}" is no Mattermost channel: give its id of 26 letters and digits (View Info in the ` +
          "channel's menu). Names change hands and are not taken.",
      );
    }
    if (thread !== undefined && !isId(thread)) {
      throw invalidInput('bad_thread', 'A Mattermost thread is named by the id of its first post.');
    }
    return { channel: this.type, account: this.account, native: target, ...(thread === undefined ? {} : { thread }) };
  }

  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return this.#chats.typeOf(native) === 'D' ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }

  #put(path: string, body: object, signal: AbortSignal): Promise<ApiOutcome> {
    return this.#api.call({ method: 'PUT', path, body, timeoutMs: sendTimeoutMs }, signal);
  }

  async #upload(
    { native }: ConversationRef,
    { mimeType, name = 'file' }: NonNullable<OutboundPart['body']['file']>,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<ApiFailure | string[]> {
    const form = multipart({ channel_id: native }, [{ field: 'files', name, mimeType, bytes }]);
    const call = { path: 'files', body: form.body, contentType: form.contentType, timeoutMs: uploadTimeoutMs };
    const answer = await this.#api.call({ method: 'POST', ...call }, signal);
    if (!answer.ok) return answer;
    const infos = field(answer.result, 'file_infos');
    return (Array.isArray(infos) ? infos : []).map((info: unknown) => textField(info, 'id') ?? '');
  }
}
