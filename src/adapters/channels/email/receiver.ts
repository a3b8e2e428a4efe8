/**
 * Receiving from one folder: one connection that is told of new mail (IMAP IDLE) and looks for itself every so often,
 * as servers forget to tell. The cursor moves only in the commit that holds the mails behind it; `\Seen` is for people
 * who look into the mailbox and decides nothing.
 */
import { noLongerNeeded } from '../../../core/abort.ts';
import type { ConversationRef } from '../../../core/message.ts';
import type { ChannelContext, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import type { Receiving } from '../receiving.ts';
import { SenderBreaker } from './automatic.ts';
import { advance, cursorKey, readCursor, writeCursor } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { ImapConnection, ImapFailure } from './imap.ts';
import type { ImapSettings, Mail } from './imap.ts';
import { eventOf, open } from './inbound.ts';
import type { Mailbox, SenderRules } from './inbound.ts';
import type { Answered, ThreadMemory } from './threads.ts';

const batchSize = 20;
/** Mails looked at when a mailbox was numbered anew; older ones are passed over. */
const maxRescan = 5000;
/** Mails of a sender that are looked at for the thread of an answer. */
const maxThreadSearch = 30;
/** A mail on which the connection breaks so often is passed over. */
const maxStrikes = 3;
/** One step of talking to the server; one that takes longer hangs. */
const stepTimeoutMs = 90_000;

export interface ReceiverOptions {
  account: string;
  /** Ours, plain. */
  address: string;
  imap: ImapSettings;
  rules: SenderRules;
  pollMs: number;
  threads: ThreadMemory;
}

/** The store could not take what was read. */
class NotStored extends Error {}

const uncheckedNotice =
  'The mail server does not say whether senders are genuine (no Authentication-Results): a forged one is believed.';

interface Read {
  mail: Mail;
  /** Null for what is not for us: our own, old, forged. */
  event: InboundEvent | null;
  writer: string | null;
}

export class Receiver {
  readonly #receiving: Receiving;
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  readonly #options: ReceiverOptions;
  readonly #breaker = new SenderBreaker();
  #connection: ImapConnection | null = null;
  #cursor: Cursor;
  #batch = batchSize;
  /** Failures while this mail was the only one to be read. */
  #strikes = { uid: 0, count: 0 };
  /** A mail came about whose sender the server says nothing. */
  #unchecked = false;

  constructor(receiving: Receiving, sink: InboundSink, context: ChannelContext, options: ReceiverOptions) {
    this.#receiving = receiving;
    this.#sink = sink;
    this.#context = context;
    this.#options = options;
    this.#cursor = readCursor(context.cursors.get(cursorKey), context.clock.now());
    receiving.identity = options.address;
    context.signal.addEventListener('abort', () => void this.#connection?.leave(), { once: true });
  }

  /** The open connection to the folder; null while there is none. */
  get connection(): ImapConnection | null {
    return this.#connection?.closed === false ? this.#connection : null;
  }

  /** Connects if need be, takes what is there, and waits for more. */
  async step(): Promise<number> {
    const { signal, clock } = this.#context;
    const { imap, pollMs } = this.#options;
    try {
      this.#connection ??= await this.#within(stepTimeoutMs, (end) => ImapConnection.open(imap, end));
      const connection = this.#connection;
      connection.listen();
      await this.#catchUp(connection);
      this.#receiving.received(clock.now());
      this.#receiving.connected(this.#unchecked ? uncheckedNotice : '');
      const wait = new AbortController();
      await Promise.race([connection.news, clock.sleep(pollMs, wait.signal).catch(() => undefined)]);
      wait.abort(noLongerNeeded);
      if (connection.closed) throw new ImapFailure('network', 'the connection was lost');
      return 0;
    } catch (error) {
      if (error instanceof NotStored) {
        return this.#receiving.degrade('Mail is received but cannot be stored; check the disk and the log.');
      }
      this.#connection?.close();
      this.#connection = null;
      if (signal.aborted) return 0;
      if (error instanceof ImapFailure) return this.#failed(error);
      throw error;
    }
  }

  /** The last mail of a conversation, read from the mailbox; null when it is not there or cannot be asked. */
  async lastMail(conversation: ConversationRef): Promise<Answered | null> {
    const connection = this.connection;
    if (connection === null) return null;
    const uids = (await connection.uidsFrom(conversation.native)).slice(-maxThreadSearch);
    const mailbox = this.#mailbox(connection);
    for (const mail of (await connection.read(uids)).reverse()) {
      const opened = open(mail, mailbox, this.#options.rules);
      if (!opened.take || opened.sender.native !== conversation.native) continue;
      if (opened.threading.thread === conversation.thread) return opened.threading;
    }
    return null;
  }

  async #catchUp(connection: ImapConnection): Promise<void> {
    const uids = await this.#guarded(connection, () => this.#waiting(connection));
    for (let from = 0; from < uids.length;) {
      if (this.#context.signal.aborted) return;
      const batch = uids.slice(from, from + this.#batch);
      await this.#take(connection, batch);
      from += batch.length;
    }
    if (this.#cursor.uidValidity === connection.uidValidity) return;
    // Nothing to answer in this numbering yet; from here on its numbers count.
    const last = { uid: Math.max(0, connection.uidNext - 1, ...uids), receivedAt: 0 };
    await this.#commit([], advance(this.#cursor, connection.uidValidity, [last], this.#context.clock.now()));
  }

  /** The numbers of what has not been looked at, ascending. */
  async #waiting(connection: ImapConnection): Promise<number[]> {
    const { uidValidity, uid, since } = this.#cursor;
    if (uidValidity === connection.uidValidity) return connection.uidsAfter(uid);
    if (uidValidity !== '') this.#context.log.info('the mailbox was numbered anew and is read again', { uidValidity });
    const uids = (await connection.uidsSince(since)).slice(-maxRescan);
    const times = await connection.receivedAt(uids);
    return uids.filter((found) => (times.get(found) ?? 0) >= since);
  }

  async #take(connection: ImapConnection, uids: readonly number[]): Promise<void> {
    const { clock, log } = this.#context;
    const read: Read[] = [];
    try {
      for (const mail of await this.#guarded(connection, () => connection.read(uids))) {
        read.push(await this.#guarded(connection, () => this.#translate(connection, mail)));
      }
    } catch (error) {
      await this.#strike(connection, uids[0] ?? 0);
      throw error;
    }
    const events = read.flatMap(({ event }) => event ?? []);
    const done = [...read.map(({ mail }) => mail), ...uids.map((uid) => ({ uid, receivedAt: 0 }))];
    await this.#commit(events, advance(this.#cursor, connection.uidValidity, done, clock.now()));
    this.#batch = batchSize;
    if (events.length > 0) this.#receiving.event(clock.now());
    for (const { writer } of read) if (writer !== null) this.#breaker.note(writer, clock.now());
    const taken = read.filter(({ event }) => event?.sender.isBot === false).map(({ mail }) => mail.uid);
    if (taken.length === 0) return;
    await this.#guarded(connection, () => connection.markSeen(taken)).catch((error: unknown) =>
      log.debug('mails could not be marked as seen', { error }),
    );
  }

  /** From the first failure on mails are read one by one; one that breaks the connection again and again is passed. */
  async #strike(connection: ImapConnection, uid: number): Promise<void> {
    if (this.#context.signal.aborted) return;
    const alone = this.#batch === 1;
    this.#batch = 1;
    if (!alone) return;
    this.#strikes = { uid, count: this.#strikes.uid === uid ? this.#strikes.count + 1 : 1 };
    if (this.#strikes.count < maxStrikes) return;
    this.#sink.malformed(`mail ${uid} cannot be read and is passed over`);
    const passed = [{ uid, receivedAt: 0 }];
    await this.#commit([], advance(this.#cursor, connection.uidValidity, passed, this.#context.clock.now()));
  }

  async #translate(connection: ImapConnection, mail: Mail): Promise<Read> {
    const { rules, threads } = this.#options;
    const { clock, log } = this.#context;
    const nothing = { mail, event: null, writer: null };
    if (mail.receivedAt < this.#cursor.since && this.#cursor.uidValidity === connection.uidValidity) return nothing;
    const mailbox = this.#mailbox(connection);
    const opened = open(mail, mailbox, rules);
    if (!opened.take) {
      if (opened.detail !== null) this.#sink.malformed(opened.detail);
      return nothing;
    }
    const { sender, threading, checked } = opened;
    const writer = sender.native;
    // What a program wrote is told as such and dropped at the gate; its words are not even fetched.
    if (sender.isBot) return { mail, writer, event: eventOf(mail, opened, mailbox, { text: '', files: [] }) };
    if (this.#breaker.isOpen(writer, clock.now())) {
      log.warn('a sender writes too much to be a person and is not answered for a while', { sender: writer });
      return { mail, writer, event: null };
    }
    if (!checked) this.#noteUnchecked();
    const event = eventOf(mail, opened, mailbox, { text: await connection.text(mail), files: mail.files });
    threads.remember(event.conversation, threading);
    return { mail, writer, event };
  }

  async #commit(events: InboundEvent[], cursor: Cursor): Promise<void> {
    try {
      await this.#sink.commit(events, { key: cursorKey, value: writeCursor(cursor) });
    } catch (error) {
      this.#context.log.warn('mail could not be stored yet; it is read again', { error });
      throw new NotStored();
    }
    this.#cursor = cursor;
  }

  #mailbox({ uidValidity }: ImapConnection): Mailbox {
    const { account, address } = this.#options;
    return { account, address, uidValidity };
  }

  #noteUnchecked(): void {
    if (this.#unchecked) return;
    this.#unchecked = true;
    this.#context.log.warn(
      'the mail server does not say whether senders are genuine, so a forged one would be believed',
    );
  }

  #failed({ kind, message }: ImapFailure): number {
    const { host, port } = this.#options.imap.endpoint;
    switch (kind) {
      case 'auth':
        return this.#receiving.fatal(
          `The mail server refused the login (${message}). Check user and password; where two-factor login is on ` +
            '(Gmail, iCloud, Yahoo, Outlook) make an app password and put that into password.',
        );
      case 'folder':
        return this.#receiving.fatal(`On the mail server ${message}. Check folder.`);
      case 'tls':
        return this.#receiving.degrade(
          `The connection to ${host}:${port} cannot be protected (${message}). The certificate must be valid for the ` +
            'name in imap_url; one of your own authority is named by NODE_EXTRA_CA_CERTS.',
        );
      case 'network':
        return this.#receiving.degrade(`The mail server ${host}:${port} cannot be reached: ${message}`);
    }
  }

  /** A step that hangs ends with its connection. */
  #guarded<T>(connection: ImapConnection, step: () => Promise<T>): Promise<T> {
    return this.#within(stepTimeoutMs, (end) => {
      end.addEventListener('abort', () => connection.close(), { once: true });
      return step();
    });
  }

  async #within<T>(ms: number, step: (end: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, signal } = this.#context;
    const end = new AbortController();
    const watch = new AbortController();
    const stop = (): void => end.abort(noLongerNeeded);
    signal.addEventListener('abort', stop, { once: true });
    let hung = false;
    clock.sleep(ms, watch.signal).then(
      () => {
        hung = true;
        stop();
      },
      () => undefined,
    );
    try {
      return await step(end.signal);
    } catch (error) {
      throw hung ? new ImapFailure('network', `it was silent for ${ms / 1000} s and given up`) : error;
    } finally {
      signal.removeEventListener('abort', stop);
      watch.abort(noLongerNeeded);
    }
  }
}
