/** One connection to a mailbox, as small as the channel needs it, and what its failures mean. */
import { ImapFlow } from 'imapflow';
import type { FetchMessageObject, SearchObject } from 'imapflow';
import type { Secret } from '../../../core/secret.ts';
import type { Endpoint } from './endpoint.ts';
import { maxHeaderBytes, readHeaders } from './headers.ts';
import { decodeText, maxTextBytes } from './inbound.ts';
import type { MailFacts } from './inbound.ts';
import { contentsOf } from './structure.ts';
import type { FilePart, Outline, TextPart } from './structure.ts';

const connectTimeoutMs = 30_000;
const greetingTimeoutMs = 15_000;
/** Silence on a connection that idles; the loop looks more often than this anyway. */
const socketTimeoutMs = 300_000;
const maxIdleMs = 600_000;
const leaveTimeoutMs = 300;
/** After the last command the connection begins to listen. */
const idleDelayMs = 150;
/** One line of an answer; the outline of a mail is one line. */
const maxLineBytes = 1_048_576;
const maxLiteralBytes = 2_097_152;
const chunkBytes = 65_536;

export interface ImapSettings {
  endpoint: Endpoint;
  user: string;
  password: Secret;
  folder: string;
}

export interface Mail extends MailFacts {
  texts: TextPart[];
  files: FilePart[];
}

/** Why a connection could not be made or was lost. `auth` and `tls` need a person, `folder` too. */
export class ImapFailure extends Error {
  override readonly name = 'ImapFailure';
  readonly kind: 'auth' | 'tls' | 'folder' | 'network';

  constructor(kind: ImapFailure['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export class ImapConnection {
  readonly #client: ImapFlow;
  readonly #folder: string;
  #uidValidity = '';
  #uidNext = 1;
  #news = Promise.withResolvers<void>();
  #closed = false;

  private constructor(client: ImapFlow, folder: string) {
    this.#client = client;
    this.#folder = folder;
    client.on('exists', () => this.#news.resolve());
    // Without a listener an error of the connection would end the process; the command under way reports it.
    client.on('error', () => this.close());
    client.on('close', () => this.close());
  }

  /** Logged in, with the folder open. The signal ends the attempt and the connection. */
  static async open({ endpoint, user, password, folder }: ImapSettings, signal: AbortSignal): Promise<ImapConnection> {
    const client = new ImapFlow({
      host: endpoint.host,
      port: endpoint.port,
      secure: endpoint.tls === 'implicit',
      doSTARTTLS: endpoint.tls === 'starttls',
      auth: { user, pass: password.reveal() },
      logger: false,
      disableCompression: true,
      connectionTimeout: connectTimeoutMs,
      greetingTimeout: greetingTimeoutMs,
      socketTimeout: socketTimeoutMs,
      maxIdleTime: maxIdleMs,
      autoIdleDelay: idleDelayMs,
      maxLineLength: maxLineBytes,
      maxLiteralSize: maxLiteralBytes,
      maxResponseSize: 2 * maxLiteralBytes,
    });
    const connection = new ImapConnection(client, folder);
    const end = (): void => connection.close();
    signal.addEventListener('abort', end, { once: true });
    try {
      if (signal.aborted) throw new ImapFailure('network', 'the attempt was ended');
      await client.connect();
      const box = await client.mailboxOpen(folder).catch((error: unknown) => {
        if (!client.usable) throw error;
        throw new ImapFailure('folder', `the folder "${folder}" cannot be opened`);
      });
      connection.#uidValidity = String(box.uidValidity ?? 0n);
      connection.#uidNext = box.uidNext;
      return connection;
    } catch (error) {
      connection.close();
      throw failureOf(error);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  /** Names the numbering of this folder; another value means that all numbers were given anew. */
  get uidValidity(): string {
    return this.#uidValidity;
  }

  get uidNext(): number {
    return this.#uidNext;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ascending, all above `uid`. */
  async uidsAfter(uid: number): Promise<number[]> {
    // `n:*` names the last mail even when its number is below n (RFC 3501, 6.4.8).
    return (await this.#search({ uid: `${uid + 1}:*` })).filter((found) => found > uid);
  }

  /** Ascending. Servers compare days in a zone of their own, so a day more is asked for. */
  async uidsSince(time: number): Promise<number[]> {
    return this.#search({ since: new Date(time - 86_400_000) });
  }

  uidsFrom(address: string): Promise<number[]> {
    return this.#search({ from: address });
  }

  async holdsMessageId(messageId: string): Promise<boolean> {
    return (await this.#search({ header: { 'message-id': messageId } })).length > 0;
  }

  async receivedAt(uids: readonly number[]): Promise<Map<number, number>> {
    const times = new Map<number, number>();
    for (const found of await this.#fetch(uids, { uid: true, internalDate: true })) times.set(found.uid, timeOf(found));
    return times;
  }

  /** Ascending; what was deleted since is missing. */
  async read(uids: readonly number[]): Promise<Mail[]> {
    const found = await this.#fetch(uids, {
      uid: true,
      internalDate: true,
      bodyStructure: true,
      bodyParts: [{ key: 'header', start: 0, maxLength: maxHeaderBytes }],
    });
    const wanted = new Set(uids);
    const mails: Mail[] = [];
    for (const message of found.sort((a, b) => a.uid - b.uid)) {
      if (!wanted.delete(message.uid)) continue;
      const headers = await readHeaders(message.headers ?? new Uint8Array());
      const outline = (message.bodyStructure ?? { type: 'text/plain' }) as Outline;
      mails.push({ uid: message.uid, receivedAt: timeOf(message), headers, ...contentsOf(outline) });
    }
    return mails;
  }

  async text({ uid, texts }: Mail): Promise<string> {
    if (texts.length === 0) return '';
    const bodyParts = texts.map(({ part }) => ({ key: part, start: 0, maxLength: maxTextBytes }));
    const [message] = await this.#fetch([uid], { uid: true, bodyParts });
    const decoded: string[] = [];
    for (const part of texts) {
      decoded.push(await decodeText(part, message?.bodyParts?.get(part.part) ?? new Uint8Array()));
    }
    return decoded.filter((text) => text.trim() !== '').join('\n\n');
  }

  async *attachment(uid: number, part: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const answer = await this.#ask(() =>
      this.#client.download(String(uid), part, { uid: true, chunkSize: chunkBytes }),
    );
    // The library's types promise the content; for a mail that was deleted since there is none.
    const content = (answer as Partial<typeof answer>).content;
    if (content === undefined) throw new ImapFailure('folder', 'the mail is not in the folder any more');
    const end = (): void => void content.destroy();
    signal.addEventListener('abort', end, { once: true });
    try {
      yield* content as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw failureOf(error);
    } finally {
      signal.removeEventListener('abort', end);
      content.destroy();
    }
  }

  async markSeen(uids: readonly number[]): Promise<void> {
    await this.#ask(() => this.#client.messageFlagsAdd(uids.join(','), ['\\Seen'], { uid: true }));
  }

  /** Settles when the server tells of mail, or when the connection is over. Armed anew by `listen`. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  /** From now on `news` is about what comes from now on. */
  listen(): void {
    if (!this.#closed) this.#news = Promise.withResolvers();
  }

  /** Ends the connection without a goodbye; harmless to repeat. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#news.resolve();
    this.#client.close();
  }

  /** Says goodbye first, without waiting long for an answer. */
  async leave(): Promise<void> {
    const timer = setTimeout(() => this.close(), leaveTimeoutMs);
    if (!this.#closed) await this.#client.logout().catch(() => undefined);
    clearTimeout(timer);
    this.close();
  }

  async #search(query: SearchObject): Promise<number[]> {
    const uids = await this.#ask(() => this.#client.search(query, { uid: true }));
    if (uids === false) throw new ImapFailure('network', `the server did not search the folder "${this.#folder}"`);
    return uids.sort((a, b) => a - b);
  }

  #fetch(uids: readonly number[], query: Parameters<ImapFlow['fetchAll']>[1]): Promise<FetchMessageObject[]> {
    if (uids.length === 0) return Promise.resolve([]);
    return this.#ask(() => this.#client.fetchAll(uids.join(','), query, { uid: true }));
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw failureOf(error);
    }
  }
}

const timeOf = ({ internalDate }: FetchMessageObject): number => {
  const time = internalDate === undefined ? Number.NaN : new Date(internalDate).getTime();
  return Number.isNaN(time) ? Date.now() : time;
};

/** What the library adds to its errors; they also hold the command that failed, so none is passed on. */
interface LibraryError extends Error {
  code?: string;
  authenticationFailed?: boolean;
  /** `NO` or `BAD`, when the server answered. */
  responseStatus?: string;
  responseText?: string;
  /** RFC 5530, such as AUTHENTICATIONFAILED or UNAVAILABLE. */
  serverResponseCode?: string;
  tlsFailed?: boolean;
  reason?: string;
}

const certificateTrouble = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|ERR_SSL|ERR_TLS|WRONG_VERSION/;
/** Login codes that say nothing about the password. */
const passing = /^(UNAVAILABLE|LIMIT|INUSE|SERVERBUG|CONTACTADMIN)$/;

function failureOf(error: unknown): ImapFailure {
  if (error instanceof ImapFailure) return error;
  if (!(error instanceof Error)) return new ImapFailure('network', 'the connection failed');
  const { code = '', responseText, reason, message, tlsFailed, serverResponseCode = '' } = error as LibraryError;
  const { authenticationFailed, responseStatus } = error as LibraryError;
  const words = (responseText ?? reason ?? message).slice(0, 200);
  // The library says "authentication failed" also of a connection that was lost meanwhile.
  const refused = authenticationFailed === true && responseStatus !== undefined && !passing.test(serverResponseCode);
  if (refused) return new ImapFailure('auth', words);
  if (tlsFailed === true || certificateTrouble.test(code)) return new ImapFailure('tls', `${code} ${words}`.trim());
  return new ImapFailure('network', code === '' || words.includes(code) ? words : `${code}: ${words}`);
}
