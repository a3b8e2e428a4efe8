/** Signal: one number, through the HTTP daemon of signal-cli. https://github.com/AsamK/signal-cli */
import { ClankerError, invalidInput } from '../../../core/errors.ts';
import type { Attachment, ConversationRef } from '../../../core/message.ts';
import type {
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
import { countField, textField } from '../json-http.ts';
import { Receiving } from '../receiving.ts';
import { SignalApi } from './api.ts';
import { isGroupId, isNumber, isUuid } from './inbound.ts';
import { Listening } from './listen.ts';
import { failedOutcome } from './outcome.ts';
import { maxBytes, measure, render } from './render.ts';

/** One attempt to send may take this long before its outcome is unknown; the daemon talks to Signal meanwhile. */
const sendTimeoutMs = 60_000;
/** Files cross to the daemon and back as Base64 in one piece. */
const maxFileBytes = 20_000_000;
const maxFileAnswerBytes = 30_000_000;

export interface SignalChannelOptions {
  /** `main` */
  account: string;
  /** `http://127.0.0.1:8080` */
  apiRoot: string;
  /** `+491701234567` */
  number: string;
  /** Ids in the lists: a number that stands there is how its owner is known, all others are known by account id. */
  listed: ReadonlySet<string>;
  http: HttpClient;
  random: Random;
}

export const signalCapabilities: ChannelCapabilities = {
  text: { maxLength: maxBytes, maxSpans: 100, measure },
  // A message can be changed ten times and every change rings: no way to show an answer while it is written.
  edit: { supported: false, directMs: 0, groupMs: 0 },
  // The daemon mints the time by which Signal tells messages apart, so a repeat is another message.
  idempotentSend: 'none',
  // Clients show it for 15 seconds.
  typing: { supported: true, refreshMs: 10_000 },
  files: { maxBytes: maxFileBytes },
  buttons: false,
  pace: { accountPerSecond: 5, conversationPerSecond: 1, groupPerMinute: 20 },
};

export const createSignalChannel = (options: SignalChannelOptions): Channel => new SignalChannel(options);

class SignalChannel implements Channel {
  readonly type = 'signal';
  readonly account: string;
  readonly capabilities = signalCapabilities;
  readonly #options: SignalChannelOptions;
  readonly #api: SignalApi;
  readonly #receiving: Receiving;

  constructor(options: SignalChannelOptions) {
    this.account = options.account;
    this.#options = options;
    this.#api = new SignalApi(options.http, options.apiRoot, options.number);
    this.#receiving = new Receiving('Signal', options.random);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    this.#receiving.start(context, (own) => {
      const listening = new Listening(this.#api, this.#receiving, sink, own, this.#options);
      return () => listening.step();
    });
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#receiving.stop(deadlineMs);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { conversation, body, file, replyTo } = part;
    const { message, textStyle } = render(body);
    const params = {
      ...recipient(conversation),
      message,
      ...(textStyle.length === 0 ? {} : { textStyle }),
      ...(body.file === undefined || file === undefined ? {} : { attachments: [dataUrl(body.file, file)] }),
      ...quote(replyTo),
    };
    const answer = await this.#api.call('send', params, signal, { timeoutMs: sendTimeoutMs });
    if (!answer.ok) return failedOutcome(answer);
    const timestamp = countField(answer.result, 'timestamp');
    if (timestamp !== undefined) return { ok: true, ref: String(timestamp) };
    return { ok: false, kind: 'ambiguous', detail: 'signal-cli took the message without telling its time.' };
  }

  async typing(conversation: ConversationRef, signal: AbortSignal): Promise<void> {
    await this.#api.call('sendTyping', recipient(conversation), signal, { timeoutMs: sendTimeoutMs });
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const [id = '', place = ''] = (attachment.native ?? '').split(' ');
    const params = { id: decodeURIComponent(id), ...(isGroupId(place) ? { groupId: place } : { recipient: place }) };
    const limits = { timeoutMs: sendTimeoutMs, maxBytes: maxFileAnswerBytes };
    const answer = await this.#api.call('getAttachment', params, signal, limits);
    if (!answer.ok) throw new ClankerError('channel', 'attachment', `The file is not to be had: ${answer.words}`);
    const { result } = answer;
    yield Buffer.from(typeof result === 'string' ? result : (textField(result, 'data') ?? ''), 'base64');
  }

  conversation(target: string, thread?: string): ConversationRef {
    if (!isNumber(target) && !isUuid(target) && !isGroupId(target)) {
      throw invalidInput(
        'bad_channel_id',
        `"${target.slice(0, 60)}" is nobody on Signal: give a number such as +491701234567, an account id, or the id of ` +
          'a group (signal-cli listGroups).',
      );
    }
    if (thread !== undefined) throw invalidInput('bad_thread', 'Signal has no threads.');
    return { channel: this.type, account: this.account, native: target };
  }

  chatType({ native }: ConversationRef): 'direct' | 'group' {
    return isNumber(native) || isUuid(native) ? 'direct' : 'group';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }
}

const recipient = ({ native }: ConversationRef): object =>
  isNumber(native) || isUuid(native) ? { recipient: [native] } : { groupId: native };

/** What is answered, by its time and author; clients that have it show its words. */
function quote(replyTo: string | undefined): object {
  const [, timestamp, author] = /^(\d{1,16}):(.+)$/s.exec(replyTo ?? '') ?? [];
  return timestamp === undefined ? {} : { quoteTimestamp: Number(timestamp), quoteAuthor: author };
}

/** RFC 2397, as signal-cli takes it in place of a path. */
function dataUrl({ mimeType, name }: NonNullable<OutboundPart['body']['file']>, bytes: Uint8Array): string {
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream';
  const named = name === undefined ? '' : `;filename=${name.toWellFormed().replaceAll(/[\s;,%"]/g, '_')}`;
  return `data:${type}${named};base64,${Buffer.from(bytes).toString('base64')}`;
}
