/**
 * A strict, small IMAP4rev1 server on loopback (RFC 3501, RFC 2177): what is not proper is answered BAD and noted. It
 * tells of new mail only while a client idles or asks, and can break down in every way a real one does.
 */
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';
import { outline, parseMail, section } from './mime-outline.ts';

export interface StoredMail {
  uid: number;
  raw: Buffer;
  receivedAt: Date;
  flags: Set<string>;
}

interface Folder {
  uidValidity: number;
  uidNext: number;
  mails: StoredMail[];
}

export interface ImapServerOptions {
  user: string;
  password: string;
  /** Speak TLS from the first byte with this pair, or offer STARTTLS with it. */
  tls?: { key: string; cert: string; mode: 'implicit' | 'starttls' };
  /** Default true. */
  idle?: boolean;
}

const maxLine = 65_536;

export class ImapServer {
  readonly folders = new Map<string, Folder>([
    ['INBOX', { uidValidity: 1000, uidNext: 1, mails: [] }],
    ['Sent', { uidValidity: 2000, uidNext: 1, mails: [] }],
  ]);
  readonly violations: string[] = [];
  /** Commands in the order they came, without their arguments. */
  readonly commands: string[] = [];
  readonly options: ImapServerOptions;
  /** The connection breaks whenever the outline or words of this mail are asked for. */
  poison: number | null = null;
  /** Nothing is answered any more, and no connection is closed. */
  silent = false;
  /** Answered to LOGIN instead of OK, such as `NO [AUTHENTICATIONFAILED] no`. */
  refusal: string | null = null;
  readonly #server: net.Server;
  readonly #sessions = new Set<Session>();

  private constructor(options: ImapServerOptions) {
    this.options = options;
    const take = (socket: Socket): void => {
      const session = new Session(this, socket);
      this.#sessions.add(session);
      socket.on('close', () => this.#sessions.delete(session));
    };
    this.#server = options.tls?.mode === 'implicit' ? tls.createServer(options.tls, take) : net.createServer(take);
  }

  static async start(options: ImapServerOptions): Promise<ImapServer> {
    const server = new ImapServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  get idling(): number {
    return [...this.#sessions].filter((session) => session.idling).length;
  }

  deliver(raw: Buffer, { folder = 'INBOX', receivedAt = new Date() } = {}): StoredMail {
    const box = this.folder(folder);
    const mail = { uid: box.uidNext++, raw, receivedAt, flags: new Set<string>() };
    box.mails.push(mail);
    for (const session of this.#sessions) session.changed();
    return mail;
  }

  /** All numbers are given anew, as after a restore from a backup. */
  renumber(folder = 'INBOX'): void {
    const box = this.folder(folder);
    box.uidValidity++;
    box.uidNext = 1;
    for (const mail of box.mails) mail.uid = box.uidNext++;
  }

  folder(name: string): Folder {
    const folder = this.folders.get(name);
    if (folder === undefined) throw new Error(`no folder ${name}`);
    return folder;
  }

  drop(kind: 'reset' | 'bye'): void {
    for (const session of this.#sessions) session.drop(kind);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.drop('reset');
    await closed;
  }
}

class Session {
  readonly #server: ImapServer;
  #socket: Socket;
  #buffer = '';
  #known = 0;
  #folder: Folder | null = null;
  #loggedIn = false;
  #idleTag: string | null = null;
  #continue: ((line: string) => void) | null = null;

  constructor(server: ImapServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    this.#listen();
    if (!server.silent) this.#write(`* OK [CAPABILITY ${this.#capabilities()}] ready`);
  }

  get idling(): boolean {
    return this.#idleTag !== null;
  }

  changed(): void {
    if (this.#idleTag !== null) this.#tellCount();
  }

  drop(kind: 'reset' | 'bye'): void {
    if (kind === 'reset') this.#socket.destroy();
    else this.#socket.end('* BYE going down\r\n');
  }

  #listen(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#server.silent) return;
      this.#buffer += chunk.toString('latin1');
      for (let end = this.#buffer.indexOf('\r\n'); end !== -1; end = this.#buffer.indexOf('\r\n')) {
        const line = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        this.#take(line);
      }
      if (this.#buffer.length > maxLine) this.#bad('*', 'a line without an end');
    });
  }

  #capabilities(): string {
    const { tls: protection, idle = true } = this.#server.options;
    const plain = protection?.mode === 'starttls' && !(this.#socket instanceof tls.TLSSocket);
    return `IMAP4rev1${idle ? ' IDLE' : ''}${plain ? ' STARTTLS LOGINDISABLED' : ' AUTH=PLAIN SASL-IR'}`;
  }

  #write(line: string): void {
    if (!this.#socket.destroyed) this.#socket.write(`${line}\r\n`, 'latin1');
  }

  #bad(tag: string, why: string): void {
    this.#server.violations.push(why);
    this.#write(`${tag} BAD ${why}`);
  }

  #tellCount(): void {
    const count = this.#folder?.mails.length ?? 0;
    if (count !== this.#known) this.#write(`* ${count} EXISTS`);
    this.#known = count;
  }

  #take(line: string): void {
    if (this.#continue !== null) {
      const next = this.#continue;
      this.#continue = null;
      next(line);
      return;
    }
    if (this.#idleTag !== null) {
      if (line.toUpperCase() !== 'DONE') return this.#bad(this.#idleTag, `"${line}" while idling`);
      this.#write(`${this.#idleTag} OK idle ended`);
      this.#idleTag = null;
      return;
    }
    const [, tag = '*', command = '', rest = ''] = /^([A-Za-z0-9]+) ((?:UID )?[A-Za-z]+)(?: (.*))?$/i.exec(line) ?? [];
    const name = command.toUpperCase();
    this.#server.commands.push(name);
    if (/\{\d+\+?\}$/.test(rest)) return this.#bad(tag, 'literals are not spoken here');
    this.#answer(tag, name, rest);
  }

  #answer(tag: string, name: string, rest: string): void {
    switch (name) {
      case 'CAPABILITY':
        this.#write(`* CAPABILITY ${this.#capabilities()}`);
        return this.#write(`${tag} OK`);
      case 'NOOP':
        this.#tellCount();
        return this.#write(`${tag} OK`);
      case 'LOGOUT':
        this.#write('* BYE until later');
        this.#write(`${tag} OK`);
        return void this.#socket.end();
      case 'STARTTLS':
        return this.#secure(tag);
      case 'AUTHENTICATE':
        return this.#authenticate(tag, rest);
      case 'LOGIN': {
        const [user = '', password = ''] = words(rest);
        return this.#login(tag, user, password);
      }
    }
    if (!this.#loggedIn) return this.#bad(tag, `${name} before the login`);
    switch (name) {
      case 'LSUB':
      case 'LIST':
        for (const folder of this.#server.folders.keys()) {
          const [, pattern = ''] = words(rest);
          if (['*', '%', folder].includes(pattern)) this.#write(`* ${name} (\\HasNoChildren) "/" "${folder}"`);
        }
        return this.#write(`${tag} OK`);
      case 'SELECT':
      case 'EXAMINE':
        return this.#select(tag, words(rest)[0] ?? '');
    }
    if (this.#folder === null) return this.#bad(tag, `${name} without a folder`);
    switch (name) {
      case 'IDLE':
        if (this.#server.options.idle === false) return this.#bad(tag, 'IDLE is not offered');
        this.#idleTag = tag;
        this.#write('+ idling');
        return this.#tellCount();
      case 'UID SEARCH':
        return this.#search(tag, this.#folder, rest);
      case 'UID FETCH':
        return this.#fetch(tag, this.#folder, rest);
      case 'UID STORE':
        return this.#store(tag, this.#folder, rest);
      default:
        return this.#bad(tag, `unknown: ${name} ${rest}`);
    }
  }

  #secure(tag: string): void {
    const { tls: protection } = this.#server.options;
    if (protection?.mode !== 'starttls') return this.#bad(tag, 'STARTTLS is not offered');
    this.#write(`${tag} OK begin`);
    this.#socket.removeAllListeners('data');
    this.#socket = new tls.TLSSocket(this.#socket, { isServer: true, key: protection.key, cert: protection.cert });
    this.#listen();
  }

  #authenticate(tag: string, rest: string): void {
    const [mechanism = '', initial] = rest.split(' ');
    if (mechanism.toUpperCase() !== 'PLAIN') return this.#bad(tag, `mechanism ${mechanism}`);
    const check = (response: string): void => {
      const [, user = '', password = ''] = Buffer.from(response, 'base64').toString().split('\0');
      this.#login(tag, user, password);
    };
    if (initial !== undefined) return check(initial);
    this.#continue = check;
    this.#write('+ ');
  }

  #login(tag: string, user: string, password: string): void {
    const { options, refusal } = this.#server;
    const fits = user === options.user && password === options.password;
    if (refusal !== null || !fits) {
      return this.#write(`${tag} ${refusal ?? 'NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)'}`);
    }
    this.#loggedIn = true;
    this.#write(`${tag} OK [CAPABILITY ${this.#capabilities()}] logged in`);
  }

  #select(tag: string, name: string): void {
    const folder = this.#server.folders.get(name);
    if (folder === undefined) return this.#write(`${tag} NO [NONEXISTENT] no such folder`);
    this.#folder = folder;
    this.#known = folder.mails.length;
    this.#write(String.raw`* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)`);
    this.#write(`* ${folder.mails.length} EXISTS`);
    this.#write('* 0 RECENT');
    this.#write(String.raw`* OK [PERMANENTFLAGS (\Seen \*)] flags`);
    this.#write(`* OK [UIDVALIDITY ${folder.uidValidity}] numbering`);
    this.#write(`* OK [UIDNEXT ${folder.uidNext}] next`);
    this.#write(`${tag} OK [READ-WRITE] selected`);
  }

  #search(tag: string, folder: Folder, rest: string): void {
    const query = words(rest);
    let found = folder.mails;
    while (query.length > 0) {
      const key = (query.shift() ?? '').toUpperCase();
      if (key === 'UID') {
        const uids = new Set(this.#range(folder, query.shift() ?? ''));
        found = found.filter(({ uid }) => uids.has(uid));
      } else if (key === 'SINCE') {
        const day = Date.parse(`${query.shift() ?? ''} UTC`);
        if (Number.isNaN(day)) return this.#bad(tag, 'no date');
        found = found.filter(({ receivedAt }) => receivedAt.getTime() >= day);
      } else if (key === 'FROM' || key === 'HEADER') {
        const field = key === 'FROM' ? 'from' : (query.shift() ?? '');
        const part = (query.shift() ?? '').toLowerCase();
        const line = new RegExp(`^${field}:(.*)$`, 'im');
        found = found.filter(({ raw }) => line.exec(unfolded(raw))?.[1]?.toLowerCase().includes(part));
      } else if (key !== 'ALL') return this.#bad(tag, `search for ${key}`);
    }
    this.#tellCount();
    this.#write(`* SEARCH${found.map(({ uid }) => ` ${uid}`).join('')}`);
    this.#write(`${tag} OK`);
  }

  #range(folder: Folder, set: string): number[] {
    const last = folder.mails.at(-1)?.uid ?? 0;
    const number = (text: string): number => (text === '*' ? last : Number(text));
    return set.split(',').flatMap((piece) => {
      const [a = '', b = a] = piece.split(':');
      const [from, to] = [Math.min(number(a), number(b)), Math.max(number(a), number(b))];
      return folder.mails.map(({ uid }) => uid).filter((uid) => uid >= from && uid <= to);
    });
  }

  #fetch(tag: string, folder: Folder, rest: string): void {
    const [, set = '', items = ''] = /^(\S+) \(?(.*?)\)?$/.exec(rest) ?? [];
    const uids = this.#range(folder, set);
    const poisoned = /BODY/i.test(items) && uids.includes(this.#server.poison ?? -1);
    if (poisoned) return void this.#socket.destroy();
    for (const [at, mail] of folder.mails.entries()) {
      if (!uids.includes(mail.uid)) continue;
      const answers: Buffer[] = [];
      for (const item of items.match(/BODY(?:\.PEEK)?\[[^\]]*\](?:<[\d.]+>)?|\S+/gi) ?? []) {
        const answer = this.#item(mail, item);
        if (answer === null) return this.#bad(tag, `fetch of ${item}`);
        answers.push(answer, Buffer.from(' '));
      }
      const head = Buffer.from(`* ${at + 1} FETCH (`);
      this.#socket.write(Buffer.concat([head, ...answers.slice(0, -1), Buffer.from(')\r\n')]));
    }
    this.#write(`${tag} OK`);
  }

  #item(mail: StoredMail, item: string): Buffer | null {
    const body = /^BODY\.PEEK\[(.*)\](?:<(\d+)(?:\.(\d+))?>)?$/i.exec(item);
    if (body !== null) {
      const [, name = '', start, count] = body;
      const whole = section(mail.raw, name);
      const from = Number(start ?? 0);
      const bytes = whole?.subarray(from, count === undefined ? undefined : from + Number(count)) ?? null;
      const label = `BODY[${name}]${start === undefined ? '' : `<${start}>`}`;
      if (bytes === null) return Buffer.from(`${label} NIL`);
      return Buffer.concat([Buffer.from(`${label} {${bytes.length}}\r\n`), bytes]);
    }
    switch (item.toUpperCase()) {
      case 'UID':
        return Buffer.from(`UID ${mail.uid}`);
      case 'FLAGS':
        return Buffer.from(`FLAGS (${[...mail.flags].join(' ')})`);
      case 'INTERNALDATE':
        return Buffer.from(`INTERNALDATE "${imapDate(mail.receivedAt)}"`);
      case 'RFC822.SIZE':
        return Buffer.from(`RFC822.SIZE ${mail.raw.length}`);
      case 'BODYSTRUCTURE':
        return Buffer.from(`BODYSTRUCTURE ${outline(parseMail(mail.raw))}`, 'latin1');
      default:
        return null;
    }
  }

  #store(tag: string, folder: Folder, rest: string): void {
    const [, set = '', sign, flags] = /^(\S+) ([+-])FLAGS(?:\.SILENT)? \((.*)\)$/i.exec(rest) ?? [];
    if (sign !== '+' || flags === undefined) return this.#bad(tag, `store ${rest}`);
    const uids = new Set(this.#range(folder, set));
    for (const mail of folder.mails) if (uids.has(mail.uid)) for (const flag of flags.split(' ')) mail.flags.add(flag);
    this.#write(`${tag} OK`);
  }
}

const words = (text: string): string[] =>
  (text.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? []).map((word) =>
    word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/g, '$1') : word,
  );

const unfolded = (raw: Buffer): string => raw.toString('latin1').replaceAll(/\r\n[ \t]+/g, ' ');

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const two = (value: number): string => String(value).padStart(2, '0');

function imapDate(date: Date): string {
  const day = `${two(date.getUTCDate())}-${months[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
