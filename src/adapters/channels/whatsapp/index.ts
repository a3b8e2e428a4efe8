/**
 * WhatsApp: one number on the Cloud API. Meta calls `/hooks/whatsapp/<account>`, answers go out by the Graph API.
 * Limits: https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput
 */
import { createHash } from 'node:crypto';
import { ClankerError, invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type {
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
import type { Log } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { tryLater } from '../hook-answers.ts';
import { HookSide } from '../hook-side.ts';
import type { CommitHook, Trouble } from '../hook-side.ts';
import { field, textField } from '../json-http.ts';
import { sameSecret, verifyMeta } from '../verify.ts';
import type { Verification } from '../verify.ts';
import { type ApiFailure, WhatsAppApi } from './api.ts';
import { Echoes } from './echoes.ts';
import { translate } from './inbound.ts';
import type { Status } from './inbound.ts';
import { failedOutcome, refusalWords } from './outcome.ts';
import { messageOf } from './outgoing.ts';
import { maxCaption, maxText, measure } from './render.ts';

/** Files larger than this are not sent; documents could be larger, other files not. */
const maxFileBytes = 16_000_000;
/** Chats whose newest message is known, to show typing under it; the oldest is forgotten first. */
const maxNewest = 1000;
/** How long the status of a message is waited for whose answer was lost. */
const defaultEchoWaitMs = 5000;
/** Until Meta is asked again who we are. */
const askAgainMs = 60_000;
const askAgainAfterRefusalMs = 300_000;

export interface WhatsAppChannelOptions {
  /** `main` */
  account: string;
  accessToken: Secret;
  appSecret: Secret;
  verifyToken: Secret;
  /** The id of the number. */
  number: string;
  /** `https://graph.facebook.com/v23.0` */
  apiRoot: string;
  http: HttpClient;
  /** Default 5 s. */
  echoWaitMs?: number;
}

const whatsAppCapabilities: ChannelCapabilities = {
  text: { maxLength: maxText, maxSpans: 1000, measure },
  edit: { supported: false, directMs: 0, groupMs: 0 },
  idempotentSend: 'lookup',
  typing: { supported: true, refreshMs: 20_000 },
  files: { maxBytes: maxFileBytes, maxCaption },
  buttons: true,
  // Bursts to one person are taken and then paid back; the account's limit is 80 a second.
  pace: { accountPerSecond: 50, conversationPerSecond: 1, groupPerMinute: 20 },
};

export const createWhatsAppChannel = (options: WhatsAppChannelOptions): Channel => new WhatsAppChannel(options);

class WhatsAppChannel implements Channel {
  readonly type = 'whatsapp';
  readonly account: string;
  readonly capabilities = whatsAppCapabilities;
  readonly #options: WhatsAppChannelOptions;
  readonly #api: WhatsAppApi;
  readonly #side: HookSide;
  readonly #echoes = new Echoes();
  readonly #newest = new Map<string, string>();
  readonly #stop = new AbortController();
  #log: Log | null = null;
  /** Meta refuses us, and the last answer did not get through: the first is the worse. */
  #refused: Trouble | null = null;
  #undelivered: Trouble | null = null;

  constructor(options: WhatsAppChannelOptions) {
    const { account, http, apiRoot, number, accessToken } = options;
    this.account = account;
    this.#options = options;
    this.#api = new WhatsAppApi(http, { root: apiRoot, number, token: accessToken });
    this.#side = new HookSide({
      path: `/hooks/whatsapp/${account}`,
      verify: (request) => (request.method === 'GET' ? this.#verifyQuestion(request) : this.#verifyNews(request)),
    });
  }

  start(sink: InboundSink, context: ChannelContext): void {
    this.#log = context.log;
    this.#side.start(sink, context);
    if (context.signal.aborted) this.#stop.abort();
    else context.signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    void this.#introduce(context);
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    return this.#side.stop(deadlineMs);
  }

  health(): ChannelHealth {
    return this.#side.health;
  }

  hook(request: HookRequest): Promise<HookResponse> {
    return this.#side.receive(request, (commit, malformed) =>
      request.method === 'GET'
        ? Promise.resolve(answerTo(request.query.get('hub.challenge')))
        : this.#take(request.body, commit, malformed),
    );
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { file, body } = part;
    let media: string | undefined;
    if (file !== undefined && body.file !== undefined) {
      const { name = 'file', mimeType } = body.file;
      const stored = await this.#api.upload({ name, mimeType, bytes: file }, signal);
      media = stored.ok ? textField(stored.json, 'id') : undefined;
      // Nothing was sent yet, whatever became of the upload.
      if (!stored.ok) return certainly(this.#failed(stored));
      if (media === undefined) return { ok: false, kind: 'transient', detail: 'Meta took the file without an id.' };
    }
    const answer = await this.#api.post(messageOf(part, callbackOf(part), media), signal);
    if (!answer.ok) return this.#failed(answer);
    this.#show({ refused: null });
    const messages = field(answer.json, 'messages');
    const ref = textField(Array.isArray(messages) ? messages[0] : undefined, 'id');
    if (ref !== undefined && ref !== '') return { ok: true, ref };
    return { ok: false, kind: 'ambiguous', detail: 'Meta took the message without telling its id.' };
  }

  findSent(part: OutboundPart, signal: AbortSignal): Promise<string | null> {
    const ending = AbortSignal.any([signal, this.#stop.signal]);
    return this.#echoes.find(callbackOf(part), this.#options.echoWaitMs ?? defaultEchoWaitMs, ending);
  }

  /** Shown under the newest message of the person, which is thereby marked as read. */
  async typing({ native }: ConversationRef, signal: AbortSignal): Promise<void> {
    const newest = this.#newest.get(native);
    if (newest === undefined) return;
    await this.#api.post({ status: 'read', message_id: newest, typing_indicator: { type: 'text' } }, signal);
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const gone = (why: string): ClankerError =>
      new ClankerError('channel', 'attachment', `The file is not to be had: ${why}.`);
    const found = await this.#api.media(attachment.native ?? '', signal);
    if (!found.ok) throw gone(found.description);
    const download = this.#api.download(textField(found.json, 'url') ?? '', signal);
    if (download === null) throw gone('its address is none of Meta');
    const response = await download;
    if (response.status !== 200) throw gone(`HTTP ${response.status}`);
    yield* response.body;
  }

  conversation(target: string, thread?: string): ConversationRef {
    const number = target.replace(/^\+/, '').replaceAll(/[ ()-]/g, '');
    const isUserId = /^[A-Z]{2}\.[A-Za-z0-9.]{1,140}$/.test(target);
    if (!/^[1-9]\d{4,19}$/.test(number) && !isUserId) {
      throw invalidInput(
        'bad_channel_id',
        `"${target.slice(0, 40)}" is no WhatsApp number: give it in international form, such as 491701234567.`,
      );
    }
    if (thread !== undefined) throw invalidInput('bad_thread', 'WhatsApp has no threads.');
    return { channel: this.type, account: this.account, native: isUserId ? target : number };
  }

  chatType(): 'direct' {
    return 'direct';
  }

  #verifyNews(request: HookRequest): Verification {
    return verifyMeta(request, this.#options.appSecret);
  }

  #verifyQuestion({ query }: HookRequest): Verification {
    if (
      query.get('hub.mode') === 'subscribe' &&
      sameSecret(query.get('hub.verify_token'), this.#options.verifyToken.reveal())
    )
      return { ok: true };
    return { ok: false, reason: 'its verify token is not the one of the configuration' };
  }

  async #take(body: Uint8Array, commit: CommitHook, malformed: (detail: string) => void): Promise<HookResponse> {
    const { account, number } = this.#options;
    const news = translate(parsed(body), { account, number });
    for (const detail of news.malformed) malformed(detail);
    if (news.events.length > 0) {
      if ((await commit(news.events)) === null) return tryLater;
      for (const { kind, conversation, native } of news.events) {
        if (kind === 'message') this.#remember(conversation.native, native);
      }
    }
    for (const status of news.statuses) this.#hear(status);
    // What is not understood is not worth another delivery: it will not be understood then.
    return { status: 200 };
  }

  #failed(failure: ApiFailure): Exclude<SendOutcome, { ok: true }> {
    const outcome = failedOutcome(failure);
    if (outcome.kind === 'refused' && outcome.code === 'bad_token') {
      this.#show({ refused: { state: 'fatal', detail: refusedWords(outcome.code, outcome.detail) } });
    }
    return outcome;
  }

  #show({
    refused = this.#refused,
    undelivered = this.#undelivered,
  }: {
    refused?: Trouble | null;
    undelivered?: Trouble | null;
  }): void {
    this.#refused = refused;
    this.#undelivered = undelivered;
    this.#side.trouble(refused ?? undelivered);
  }

  #remember(chat: string, message: string): void {
    this.#newest.delete(chat);
    this.#newest.set(chat, message);
    const oldest = this.#newest.keys().next().value;
    if (this.#newest.size > maxNewest && oldest !== undefined) this.#newest.delete(oldest);
  }

  #hear({ id, status, callback, error }: Status): void {
    if (callback !== null) this.#echoes.heard(callback, id);
    if (status !== 'failed') {
      if (status === 'delivered' || status === 'read') this.#show({ undelivered: null });
      return;
    }
    // The send had succeeded: only now WhatsApp says that it came to nothing.
    const words = error === null ? 'no reason was given' : refusalWords(error.code, error.words);
    this.#log?.warn('WhatsApp took a message and could not deliver it', { ref: id, code: error?.code, reason: words });
    const detail = `The last answer was taken and not delivered: ${words}`;
    this.#show({ undelivered: { state: 'connected', detail } });
  }

  /** Learns how the number is called, which shows at once whether the token is good. */
  async #introduce({ clock, log }: ChannelContext): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const answer = await this.#api.number(signal).catch((error: unknown) => {
        log.error('asking Meta for the number failed', { error });
        return null;
      });
      if (answer?.ok === true) {
        const shown = textField(answer.json, 'display_phone_number') ?? '';
        const name = textField(answer.json, 'verified_name') ?? '';
        this.#side.identity = `${shown} ${name}`.trim();
        this.#show({ refused: null });
        return;
      }
      const outcome = answer === null ? null : failedOutcome(answer);
      const isRefused = outcome?.kind === 'refused';
      if (isRefused) this.#show({ refused: { state: 'fatal', detail: refusedWords(outcome.code, outcome.detail) } });
      await clock.sleep(isRefused ? askAgainAfterRefusalMs : askAgainMs, signal).catch(() => undefined);
    }
  }
}

/** A send that did not come to its last step cannot have arrived. */
const certainly = (outcome: Exclude<SendOutcome, { ok: true }>): SendOutcome =>
  outcome.kind === 'ambiguous' ? { ok: false, kind: 'transient', detail: outcome.detail } : outcome;

/** Comes back with every status of the message, and tells nothing to who reads it. */
const callbackOf = ({ idempotencyKey }: OutboundPart): string =>
  createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 40);

const refusedWords = (code: string, detail: string): string =>
  code === 'bad_token'
    ? 'Meta does not accept the access token: make a new one for the system user and set access_token.'
    : `Meta does not show this number (${detail}): check phone_number_id and the permissions of the system user.`;

/** Meta proves by it that the address is ours; only what it sends is sent back. */
function answerTo(challenge: string | null): HookResponse {
  if (challenge === null || !/^[\w.-]{1,256}$/.test(challenge)) return { status: 400 };
  return { status: 200, body: challenge, contentType: 'text/plain; charset=utf-8' };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}
