/** Telegram: one bot account, by long polling or webhook. Limits are those of https://core.telegram.org/bots/faq and /bots/api. */
import { createHmac } from 'node:crypto';
import type { Message } from '@grammyjs/types';
import { ClankerError, invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef, MessageRef } from '../../../core/message.ts';
import type {
  Change,
  Channel,
  ChannelCapabilities,
  ChannelContext,
  ChannelHealth,
  HookRequest,
  HookResponse,
  InboundSink,
  OutboundPart,
  SendOutcome,
} from '../../../core/ports/channel.ts';
import type { HttpClient } from '../../../core/ports/http-client.ts';
import type { Random } from '../../../core/ports/system.ts';
import { Secret } from '../../../core/secret.ts';
import { withDeadline } from '../deadline.ts';
import { Receiving } from '../receiving.ts';
import { AlbumShelf } from './album-shelf.ts';
import { TelegramApi } from './api.ts';
import type { ApiFailure, ApiOutcome } from './api.ts';
import { failedOutcome, isNoPhoto, isUnchanged } from './outcome.ts';
import type { Attempt } from './outcome.ts';
import {
  asDocument,
  draftRequest,
  editRequest,
  generalTopic,
  maxCaption,
  maxFileBytes,
  placeOf,
  sendRequest,
} from './outgoing.ts';
import type { BotRequest } from './outgoing.ts';
import { Poller } from './poller.ts';
import { Reception } from './reception.ts';
import type { MenuEntry } from './reception.ts';
import { maxEntities } from './render.ts';
import { WebhookReceiver } from './webhook.ts';

/** One attempt may take this long before its outcome is unknown. */
const sendTimeoutMs = 30_000;
const uploadTimeoutMs = 180_000;
/** Chats that are told apart while they must stay quiet; the oldest is forgotten first. */
const maxQuietChats = 1000;

export interface TelegramChannelOptions {
  /** `main` */
  account: string;
  token: Secret;
  /** `https://api.telegram.org`, or a Bot API server of one's own. */
  apiRoot: string;
  /** How long the server holds a poll; whole seconds, at most 50. */
  pollTimeoutMs: number;
  http: HttpClient;
  random: Random;
  /** Receive by webhook and not by polling. */
  webhook?: {
    /** Where Telegram reaches this gateway; without a path the channel's own is added. */
    url: string;
    /** 1 to 256 of `A-Z a-z 0-9 _ -`. Default: made from the token. */
    secret?: Secret;
  };
  /** Groups are configured: health then tells when privacy mode hides messages. Default false. */
  groups?: boolean;
  /** The platform's own menu. Default none, which leaves the menu as it is. */
  commands?: readonly MenuEntry[];
}

export const telegramCapabilities: ChannelCapabilities = {
  text: { maxLength: 4096, maxSpans: maxEntities },
  edit: { supported: true, directMs: 1000, groupMs: 3000 },
  idempotentSend: 'none',
  typing: { supported: true, refreshMs: 4000 },
  files: { maxBytes: maxFileBytes, maxCaption },
  buttons: true,
  pace: { accountPerSecond: 30, conversationPerSecond: 1, groupPerMinute: 20 },
};

export const createTelegramChannel = (options: TelegramChannelOptions): Channel => new TelegramChannel(options);

class TelegramChannel implements Channel {
  readonly type = 'telegram';
  readonly account: string;
  readonly capabilities = telegramCapabilities;
  readonly #options: TelegramChannelOptions;
  readonly #api: TelegramApi;
  readonly #receiving: Receiving;
  readonly #quiet = new QuietChats();
  /** Limits that typing met: delivery has not heard of them. */
  readonly #limited = new QuietChats();
  #webhook: WebhookReceiver | null = null;

  constructor(options: TelegramChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#api = new TelegramApi(options.http, options.apiRoot, options.token);
    this.#receiving = new Receiving('Telegram', options.random);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    const { account, pollTimeoutMs, groups = false, commands = [], webhook, token } = this.#options;
    this.#receiving.start(context, (own) => {
      const reception = new Reception(this.#api, this.#receiving, own, { account, groups, commands });
      // Also while polling: what a webhook left unfinished is told.
      const albums = new AlbumShelf(sink, own);
      if (webhook === undefined) {
        const poller = new Poller(reception, sink, pollTimeoutMs);
        return () => poller.step();
      }
      const settings = { url: addressOf(webhook.url, account), secret: webhook.secret ?? secretFrom(token) };
      const receiver = new WebhookReceiver(reception, sink, albums, settings);
      this.#webhook = receiver;
      return () => receiver.step();
    });
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#receiving.stop(deadlineMs);
  }

  async hook(request: HookRequest): Promise<HookResponse> {
    return this.#webhook === null ? { status: 401 } : await this.#webhook.hook(request);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const limited = this.#limitOf(part.conversation);
    if (limited !== null) return limited;
    const request = sendRequest(part);
    let answer = await this.#ask<Message>(request, signal);
    // Refused for what it is, so certainly not shown: no second attempt, but the first that can succeed.
    if (!answer.ok && request.method === 'sendPhoto' && isNoPhoto(answer)) {
      answer = await this.#ask<Message>(asDocument(request), signal);
    }
    if (!answer.ok) return this.#failed(answer, 'send', part.conversation);
    const id = answer.result?.message_id;
    if (Number.isSafeInteger(id)) return { ok: true, ref: String(id) };
    return { ok: false, kind: 'ambiguous', detail: 'Telegram took the message without telling its id.' };
  }

  async edit(message: MessageRef, { body }: Change, signal: AbortSignal): Promise<SendOutcome> {
    const limited = this.#limitOf(message.conversation);
    if (limited !== null) return limited;
    const answer = await this.#ask(editRequest(message, body), signal);
    if (answer.ok || isUnchanged(answer)) return { ok: true, ref: message.native };
    return this.#failed(answer, 'edit', message.conversation);
  }

  /** A preview for half a minute, in private chats only: https://core.telegram.org/bots/api#sendmessagedraft */
  async draft(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    if (this.chatType(part.conversation) !== 'direct') {
      return { ok: false, kind: 'refused', code: 'not_direct', detail: 'Drafts are shown in private chats only.' };
    }
    const answer = await this.#ask(draftRequest(part), signal);
    return answer.ok ? { ok: true, ref: '' } : this.#failed(answer, 'edit', part.conversation);
  }

  async typing(conversation: ConversationRef, signal: AbortSignal): Promise<void> {
    if (this.#quiet.leftMs(conversation.native) > 0) return;
    const params = { ...placeOf(conversation), action: 'typing' };
    const answer = await this.#ask({ method: 'sendChatAction', params }, signal);
    if (answer.ok || answer.code !== 429) return;
    for (const chats of [this.#quiet, this.#limited]) chats.add(conversation.native, answer.retryAfterMs ?? 0);
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const request = { method: 'getFile', params: { file_id: attachment.native } };
    const named = await this.#ask<{ file_path?: string }>(request, signal);
    if (!named.ok) {
      // https://core.telegram.org/bots/api#getfile: bots get files of up to 20 MB.
      const code = /too big/i.test(named.description) ? 'too_large' : 'attachment';
      throw new ClankerError('channel', code, `The file is not to be had: ${named.description}`);
    }
    const response = await this.#api.file(named.result.file_path ?? '', signal);
    if (response.status !== 200)
      throw new ClankerError('channel', 'attachment', `The file is not to be had: HTTP ${response.status}.`);
    yield* response.body;
  }

  conversation(target: string, thread?: string): ConversationRef {
    const isId = /^-?[1-9]\d{0,15}$/.test(target) && Number.isSafeInteger(Number(target));
    if (!isId && !/^@[A-Za-z]\w{3,31}$/.test(target)) {
      throw invalidInput(
        'bad_channel_id',
        `"${target.slice(0, 40)}" is no Telegram chat: give its number (such as 123456789 or -1001234567890) or the ` +
          '@name of a public channel or group.',
      );
    }
    if (thread !== undefined && !/^[1-9]\d{0,9}$/.test(thread)) {
      throw invalidInput('bad_thread', 'A Telegram topic is named by its number.');
    }
    return {
      channel: this.type,
      account: this.account,
      native: target,
      ...(thread === undefined || thread === generalTopic ? {} : { thread }),
    };
  }

  /** Telegram numbers groups and channels below zero; a name is never a private chat's. */
  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return /^\d/.test(native) ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }

  /** Null when the chat may be written to, as far as typing knows. */
  #limitOf({ native }: ConversationRef): SendOutcome | null {
    const retryAfterMs = Math.ceil(this.#limited.leftMs(native));
    if (retryAfterMs === 0) return null;
    const detail = 'Telegram asked for a pause in this chat; it was not written to.';
    return { ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs, detail };
  }

  #failed(failure: ApiFailure, attempt: Attempt, conversation: ConversationRef): SendOutcome {
    if (failure.code === 404 && !failure.foreign && this.#receiving.health.state === 'connected') {
      // It is heard with the same token, so what is not known there is the method.
      const code = attempt === 'edit' ? 'edit_gone' : 'not_supported';
      return { ok: false, kind: 'refused', code, detail: `The Bot API server cannot do this: ${failure.description}` };
    }
    const outcome = failedOutcome(failure, attempt);
    if (outcome.kind === 'rate_limited') this.#quiet.add(conversation.native, outcome.retryAfterMs);
    return outcome;
  }

  /** A request that ends by itself; the outcome of one that was cut short says whether it may have arrived. */
  #ask<T>({ method, params, upload }: BotRequest, signal: AbortSignal): Promise<ApiOutcome<T>> {
    if (upload === undefined) {
      return withDeadline(signal, sendTimeoutMs, (ending) => this.#api.call<T>(method, params, ending));
    }
    return withDeadline(signal, uploadTimeoutMs, (ending) => this.#api.upload<T>(method, params, upload, ending));
  }
}

/** Chats under a limit: typing there would break it, and a pulse is worth nothing later. */
class QuietChats {
  readonly #until = new Map<string, number>();

  add(chat: string, forMs: number): void {
    this.#until.delete(chat);
    this.#until.set(chat, performance.now() + forMs);
    const oldest = this.#until.keys().next().value;
    if (this.#until.size > maxQuietChats && oldest !== undefined) this.#until.delete(oldest);
  }

  /** Milliseconds until it is over; 0 when there is none. */
  leftMs(chat: string): number {
    const left = (this.#until.get(chat) ?? 0) - performance.now();
    if (left > 0) return left;
    this.#until.delete(chat);
    return 0;
  }
}

/** `https://bot.example.org` → the address of this account's hook there; a longer one is meant as it is. */
function addressOf(url: string, account: string): string {
  const address = new URL(url);
  return address.pathname === '/' ? new URL(`/hooks/telegram/${account}`, address).href : url;
}

/** Nobody else can make it, and nobody has to think of one. */
const secretFrom = (token: Secret): Secret =>
  new Secret(createHmac('sha256', token.reveal()).update('telegram webhook').digest('hex'));
