/** A mail provider in small: one mailbox, a submission server that files what it sent, and two people who write. */
import MailComposer from 'nodemailer/lib/mail-composer';
import PostalMime from 'postal-mime';
import { createEmailChannel } from '../../src/adapters/channels/email/index.ts';
import type { EmailChannelOptions } from '../../src/adapters/channels/email/index.ts';
import { digest } from '../../src/adapters/channels/email/threads.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { ImapServer } from './imap-server.ts';
import type { ImapServerOptions } from './imap-server.ts';
import { SmtpServer } from './smtp-server.ts';
import type { SmtpFault } from './smtp-server.ts';

const address = 'bot@example.org';
const password = 'correct-horse-battery';

const faults: Record<Fault, SmtpFault> = {
  rate_limited: { at: 'rcpt', reply: '450 4.2.0 greylisted, come back later' },
  server_error: { at: 'end', reply: '451 4.3.0 out of order' },
  answer_lost: { at: 'end', cut: 'taken' },
  forbidden: { at: 'rcpt', reply: '550 5.1.1 no such user' },
  bad_token: { at: 'login', reply: '535 5.7.8 Username and Password not accepted' },
};

export interface WrittenMail {
  from?: string;
  text?: string;
  html?: string;
  subject?: string;
  messageId?: string;
  references?: string[];
  inReplyTo?: string;
  headers?: Record<string, string>;
  file?: Uint8Array;
  /** Null: the server says nothing. */
  authenticated?: string | null;
  receivedAt?: Date;
}

export class EmailCounterpart implements Counterpart {
  readonly groups = false;
  readonly secrets = [password, Buffer.from(`\0${address}\0${password}`).toString('base64')];
  readonly imap: ImapServer;
  readonly smtp: SmtpServer;
  readonly #options: Partial<EmailChannelOptions>;
  #last: Buffer | null = null;
  #count = 0;
  #drops = 0;

  private constructor(imap: ImapServer, smtp: SmtpServer, options: Partial<EmailChannelOptions>) {
    this.imap = imap;
    this.smtp = smtp;
    this.#options = options;
    smtp.onMail = ({ raw }) => void imap.deliver(raw, { folder: 'Sent' });
  }

  static async start(
    options: Partial<EmailChannelOptions> = {},
    server: Partial<ImapServerOptions> = {},
  ): Promise<EmailCounterpart> {
    const login = { user: address, password, ...server };
    return new EmailCounterpart(await ImapServer.start(login), await SmtpServer.start(login), options);
  }

  channel(options: Partial<EmailChannelOptions> = {}): Promise<Channel> {
    return Promise.resolve(
      createEmailChannel({
        account: 'main',
        address,
        imap: { host: '127.0.0.1', port: this.imap.port, tls: 'none' },
        smtp: { host: '127.0.0.1', port: this.smtp.port, tls: 'none' },
        user: address,
        password: new Secret(password),
        folder: 'INBOX',
        sentFolder: 'Sent',
        requireAuthentication: true,
        authservId: null,
        pollMs: 60_000,
        random: systemRandom,
        clock: systemClock,
        ...this.#options,
        ...options,
      }),
    );
  }

  conversation({ sender = 'one' }: Place = {}): ConversationRef {
    return { channel: 'email', account: 'main', native: addressOf(sender), thread: digest(rootOf(sender)) };
  }

  async say(text: string, { sender = 'one' }: Place = {}, file?: Uint8Array): Promise<string> {
    const first = this.#count++ === 0;
    const messageId = first ? rootOf(sender) : `<${sender}.${this.#count}@people.example>`;
    await this.write({
      from: addressOf(sender),
      text,
      messageId,
      ...(first ? {} : { references: [rootOf(sender)] }),
      ...(file === undefined ? {} : { file }),
    });
    return messageId;
  }

  /** A mail arrives; what it lacks is as in an ordinary one. Resolves with its uid. */
  async write(mail: WrittenMail): Promise<number> {
    const { from = addressOf('one'), file, authenticated, receivedAt = new Date(), ...rest } = mail;
    const domain = from.slice(from.lastIndexOf('@') + 1).replace('>', '');
    const raw = await new MailComposer({
      messageId: `<generated.${++this.#count}@people.example>`,
      ...rest,
      from,
      to: address,
      ...(file === undefined ? {} : { attachments: [{ filename: 'notes.bin', content: Buffer.from(file) }] }),
    })
      .compile()
      .build();
    const verdict =
      authenticated === undefined ? `mx.example.org; dmarc=pass header.from=${domain}` : (authenticated ?? null);
    const received = 'Received: from mail.people.example by mx.example.org\r\n';
    this.#last = Buffer.concat([
      Buffer.from(`${verdict === null ? '' : `Authentication-Results: ${verdict}\r\n`}${received}`),
      raw,
    ]);
    return this.imap.deliver(this.#last, { receivedAt }).uid;
  }

  repeatLast(): Promise<void> {
    if (this.#last !== null) this.imap.deliver(this.#last);
    return Promise.resolve();
  }

  async shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    const mails = this.smtp.mails.filter(({ to }) => to.includes(native));
    return Promise.all(
      mails.map(async ({ raw }): Promise<Shown> => {
        const { text = '', messageId = '', attachments } = await PostalMime.parse(raw);
        const content = attachments[0]?.content;
        const file = content instanceof ArrayBuffer ? new Uint8Array(content) : undefined;
        return { ref: messageId, text, ...(file === undefined ? {} : { file }) };
      }),
    );
  }

  fault(kind: Fault): boolean {
    this.smtp.faults.push(faults[kind]);
    return true;
  }

  sends(): number {
    return this.smtp.transactions;
  }

  dropConnections(): Promise<void> {
    this.imap.drop(this.#drops++ % 2 === 0 ? 'reset' : 'bye');
    return Promise.resolve();
  }

  connections(): number {
    return this.imap.connections;
  }

  async close(): Promise<void> {
    await this.imap.close();
    await this.smtp.close();
  }
}

const addressOf = (sender: 'one' | 'two'): string => (sender === 'one' ? 'anna@people.example' : 'ben@people.example');
const rootOf = (sender: 'one' | 'two'): string => `<root.${sender}@people.example>`;
