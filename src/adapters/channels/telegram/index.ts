/** Telegram: one bot account, by long polling. Limits are those of https://core.telegram.org/bots/faq and /bots/api. */
import type { BotCommand, Message } from '@grammyjs/types';
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
import { TelegramApi } from './api.ts';
import type { ApiFailure, ApiOutcome } from './api.ts';
import { failedOutcome, isUnchanged } from './outcome.ts';
import type { Attempt } from './outcome.ts';
import { Poller } from './poller.ts';
import { maxEntities, render } from './render.ts';

/** One attempt to send may take this long before its outcome is unknown. */
const sendTimeoutMs = 30_000;
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
  /** Groups are configured: health then tells when privacy mode hides messages. Default false. */
  groups?: boolean;
  /** The platform's own menu. Default none, which leaves the menu as it is. */
  commands?: readonly BotCommand[];
}

export const telegramCapabilities: ChannelCapabilities = {
  text: { maxLength: 4096, maxSpans: maxEntities },
  edit: { supported: true, directMs: 1000, groupMs: 3000 },
  idempotentSend: 'none',
  typing: { supported: true, refreshMs: 4000 },
  files: null,
  buttons: false,
  pace: { accountPerSecond: 30, conversationPerSecond: 1, groupPerMinute: 20 },
};

export const createTelegramChannel = (options: TelegramChannelOptions): Channel => new TelegramChannel(options);

class TelegramChannel implements Channel {
  readonly type = 'telegram';
  readonly account: string;
  readonly capabilities = telegramCapabilities;
  readonly #options: TelegramChannelOptions;
  readonly #api: TelegramApi;
  readonly #quiet = new QuietChats();
  #poller: Poller | null = null;
  #running: Promise<void> = Promise.resolve();
  #stop: AbortController | null = null;

  constructor(options: TelegramChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#api = new TelegramApi(options.http, options.apiRoot, options.token);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    if (this.#stop !== null) throw new Error('a Telegram channel is started once');
    const stop = new AbortController();
    this.#stop = stop;
    const onAbort = (): void => stop.abort();
    if (context.signal.aborted) stop.abort();
    context.signal.addEventListener('abort', onAbort, { once: true });
    const { account, pollTimeoutMs, random, groups = false, commands = [] } = this.#options;
    const settings = { account, pollTimeoutMs, random, groups, commands };
    this.#poller = new Poller(this.#api, sink, { ...context, signal: stop.signal }, settings);
    this.#running = this.#poller.run().finally(() => context.signal.removeEventListener('abort', onAbort));
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop?.abort();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#running, deadline]);
    clearTimeout(timer);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { conversation, replyTo } = part;
    const params = {
      ...place(conversation),
      ...render(part.body),
      link_preview_options: { is_disabled: true },
      ...(replyTo === undefined
        ? {}
        : { reply_parameters: { message_id: Number(replyTo), allow_sending_without_reply: true } }),
    };
    const answer = await this.#call<Message>('sendMessage', params, signal);
    if (!answer.ok) return this.#failed(answer, 'send', conversation);
    const id = answer.result?.message_id;
    if (Number.isSafeInteger(id)) return { ok: true, ref: String(id) };
    return { ok: false, kind: 'ambiguous', detail: 'Telegram took the message without telling its id.' };
  }

  async edit(message: MessageRef, { body }: Change, signal: AbortSignal): Promise<SendOutcome> {
    const params = {
      chat_id: chatId(message.conversation.native),
      message_id: Number(message.native),
      ...render(body),
      link_preview_options: { is_disabled: true },
    };
    const answer = await this.#call('editMessageText', params, signal);
    if (answer.ok || isUnchanged(answer)) return { ok: true, ref: message.native };
    return this.#failed(answer, 'edit', message.conversation);
  }

  async typing(conversation: ConversationRef, signal: AbortSignal): Promise<void> {
    if (this.#quiet.has(conversation.native)) return;
    const answer = await this.#call('sendChatAction', { ...place(conversation), action: 'typing' }, signal);
    if (!answer.ok && answer.code === 429) this.#quiet.add(conversation.native, answer.retryAfterMs ?? 0);
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const named = await this.#call<{ file_path?: string }>('getFile', { file_id: attachment.native }, signal);
    if (!named.ok) throw new ClankerError('channel', 'attachment', `The file is not to be had: ${named.description}`);
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
      ...(thread === undefined ? {} : { thread }),
    };
  }

  /** Telegram numbers groups and channels below zero; a name is never a private chat's. */
  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return /^\d/.test(native) ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    const unstarted = {
      state: 'starting',
      detail: '',
      lastReceiveAt: null,
      lastEventAt: null,
      identity: null,
    } as const;
    return this.#poller?.health ?? unstarted;
  }

  #failed(failure: ApiFailure, attempt: Attempt, conversation: ConversationRef): SendOutcome {
    const outcome = failedOutcome(failure, attempt);
    if (outcome.kind === 'rate_limited') this.#quiet.add(conversation.native, outcome.retryAfterMs);
    return outcome;
  }

  /** A call that ends by itself; the outcome of one that was cut short says whether it may have arrived. */
  async #call<T>(method: string, params: object, signal: AbortSignal): Promise<ApiOutcome<T>> {
    const call = new AbortController();
    const end = (): void => call.abort();
    const timer = setTimeout(end, sendTimeoutMs);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await this.#api.call<T>(method, params, call.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
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

  has(chat: string): boolean {
    const until = this.#until.get(chat);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    this.#until.delete(chat);
    return false;
  }
}

const chatId = (native: string): number | string => (native.startsWith('@') ? native : Number(native));

const place = ({ native, thread }: ConversationRef): object => ({
  chat_id: chatId(native),
  ...(thread === undefined ? {} : { message_thread_id: Number(thread) }),
});
