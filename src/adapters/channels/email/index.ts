/** E-mail: one mailbox, read by IMAP and answered by SMTP. What a person writes under one subject is one thread. */
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
import type { Clock, Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { withDeadline } from '../deadline.ts';
import { Receiving } from '../receiving.ts';
import { domainOf, plainAddress } from './address.ts';
import type { Endpoint } from './endpoint.ts';
import { messageIds } from './headers.ts';
import { ImapConnection, ImapFailure } from './imap.ts';
import type { ImapSettings } from './imap.ts';
import { attachmentPlace } from './inbound.ts';
import { composeMail } from './message.ts';
import { failedOutcome } from './outcome.ts';
import { Receiver } from './receiver.ts';
import { handIn } from './smtp.ts';
import { ownMessageId, ThreadMemory } from './threads.ts';
import type { Answered } from './threads.ts';

/** One attempt to send may take this long before its outcome is unknown. */
const sendTimeoutMs = 60_000;
/** Reading the thread of an answer from the mailbox; without it the answer goes out all the same. */
const threadTimeoutMs = 10_000;
const lookUpTimeoutMs = 30_000;

export interface EmailChannelOptions {
  /** `main` */
  account: string;
  /** Ours, `bot@example.org`. */
  address: string;
  imap: Endpoint;
  smtp: Endpoint;
  /** Of both servers. */
  user: string;
  password: Secret;
  /** Where mail arrives. */
  folder: string;
  /** Where the server itself keeps what it sent; null when it keeps nothing. */
  sentFolder: string | null;
  /** Whether a sender the server does not vouch for is turned away. */
  requireAuthentication: boolean;
  /** The name of the server whose Authentication-Results count; null: whoever wrote the topmost. */
  authservId: string | null;
  /** How often the mailbox is looked at when the server tells nothing. */
  pollMs: number;
  random: Random;
  clock: Clock;
}

/** A mail is built in memory, where base64 adds a third to its file; most servers take 25 MB. */
const capabilities: Omit<ChannelCapabilities, 'idempotentSend'> = {
  text: { maxLength: 100_000, maxSpans: 10_000 },
  edit: { supported: false, directMs: 0, groupMs: 0 },
  typing: { supported: false, refreshMs: 0 },
  files: { maxBytes: 10_000_000 },
  buttons: false,
  correlates: true,
  pace: { accountPerSecond: 2, conversationPerSecond: 1, groupPerMinute: 60 },
};

export const createEmailChannel = (options: EmailChannelOptions): Channel => new EmailChannel(options);

class EmailChannel implements Channel {
  readonly type = 'email';
  readonly account: string;
  readonly capabilities: ChannelCapabilities;
  readonly #options: EmailChannelOptions;
  readonly #receiving: Receiving;
  readonly #threads = new ThreadMemory();
  #receiver: Receiver | null = null;

  constructor(options: EmailChannelOptions) {
    this.account = options.account;
    // SMTP knows no repeats: whether a mail arrived can at most be looked up where the server files what it sent.
    this.capabilities = { ...capabilities, idempotentSend: options.sentFolder === null ? 'none' : 'lookup' };
    this.#options = options;
    this.#receiving = new Receiving('e-mail', options.random);
  }

  start(sink: InboundSink, context: ChannelContext): void {
    const { account, address, requireAuthentication, authservId, pollMs, folder } = this.#options;
    this.#receiving.start(context, (own) => {
      const receiver = new Receiver(this.#receiving, sink, own, {
        account,
        address,
        imap: this.#imap(folder),
        rules: { believeAll: !requireAuthentication, trusted: authservId },
        pollMs,
        threads: this.#threads,
      });
      this.#receiver = receiver;
      return () => receiver.step();
    });
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#receiving.stop(deadlineMs);
  }

  async send(part: OutboundPart, signal: AbortSignal): Promise<SendOutcome> {
    const { address, smtp, user, password, clock } = this.#options;
    const { conversation } = part;
    const to = plainAddress(conversation.native);
    if (to === null) return { ok: false, kind: 'refused', code: 'bad_address', detail: 'This is no e-mail address.' };
    const messageId = this.#messageId(part);
    const answered = answeredBy(await this.#lastMail(conversation, signal), part.replyTo);
    const mail = await composeMail(part, { from: address, messageId, answered, now: clock.now() });
    const result = await withDeadline(signal, sendTimeoutMs, (limited) =>
      handIn({ endpoint: smtp, user, password }, { from: address, to }, mail, limited),
    );
    return result.ok ? { ok: true, ref: messageId } : failedOutcome(result);
  }

  /** Searches where the server files what it sent, on a connection of its own. */
  async findSent(part: OutboundPart, signal: AbortSignal): Promise<string | null> {
    const { sentFolder } = this.#options;
    if (sentFolder === null) return null;
    const messageId = this.#messageId(part);
    try {
      return await withDeadline(signal, lookUpTimeoutMs, async (limited) => {
        const connection = await ImapConnection.open(this.#imap(sentFolder), limited);
        const end = (): void => connection.close();
        limited.addEventListener('abort', end, { once: true });
        try {
          return (await connection.holdsMessageId(messageId)) ? messageId : null;
        } finally {
          limited.removeEventListener('abort', end);
          await connection.leave();
        }
      });
    } catch (error) {
      if (error instanceof ImapFailure) return null;
      throw error;
    }
  }

  async *fetchAttachment(attachment: Attachment, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const place = attachmentPlace(attachment.native);
    const connection = this.#receiver?.connection ?? null;
    if (connection === null) throw notToBeHad('the mailbox cannot be reached at the moment', true);
    if (place?.uidValidity !== connection.uidValidity) throw notToBeHad('the mailbox was numbered anew', false);
    try {
      yield* connection.attachment(place.uid, place.part, signal);
    } catch (error) {
      if (error instanceof ImapFailure) throw notToBeHad(error.message, error.kind === 'network');
      throw error;
    }
  }

  conversation(target: string, thread?: string): ConversationRef {
    const native = plainAddress(target);
    if (native === null) {
      throw invalidInput('bad_channel_id', `"${target.slice(0, 80)}" is no e-mail address such as anna@example.org.`);
    }
    if (thread !== undefined && !/^[0-9a-f]{16}$/.test(thread)) {
      throw invalidInput('bad_thread', 'An e-mail thread is named by the 16 characters its session shows.');
    }
    return { channel: this.type, account: this.account, native, ...(thread === undefined ? {} : { thread }) };
  }

  chatType(): 'direct' {
    return 'direct';
  }

  health(): ChannelHealth {
    return this.#receiving.health;
  }

  #imap(folder: string): ImapSettings {
    const { imap: endpoint, user, password } = this.#options;
    return { endpoint, user, password, folder };
  }

  #messageId({ idempotencyKey, conversation }: OutboundPart): string {
    const { address, account } = this.#options;
    return ownMessageId(`${account} ${idempotencyKey}`, conversation.thread, domainOf(address));
  }

  /** The last mail of the thread: known from when it came, or found in the mailbox. */
  async #lastMail(conversation: ConversationRef, signal: AbortSignal): Promise<Answered | null> {
    if (conversation.thread === undefined) return null;
    const known = this.#threads.find(conversation);
    const receiver = this.#receiver;
    if (known !== null || receiver === null) return known;
    const found = await withDeadline(signal, threadTimeoutMs, (limited) => {
      const ended = new Promise<null>((resolve) => {
        limited.addEventListener('abort', () => resolve(null), { once: true });
      });
      return Promise.race([ended, receiver.lastMail(conversation).catch(() => null)]);
    });
    if (found !== null) this.#threads.remember(conversation, found);
    return found;
  }
}

/** An answer names the very mail it answers, though others may have come meanwhile. */
function answeredBy(last: Answered | null, replyTo: string | undefined): Answered | null {
  const [messageId] = messageIds(replyTo);
  if (messageId === undefined || messageId === last?.messageId) return last;
  const { references = [], subject = '' } = last ?? {};
  return { messageId, references: references.filter((id) => id !== messageId), subject };
}

const notToBeHad = (why: string, retryable: boolean): ClankerError =>
  new ClankerError('channel', 'attachment', `The file is not to be had: ${why}.`, { retryable });
