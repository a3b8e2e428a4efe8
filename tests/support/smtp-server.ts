/** A strict, small submission server on loopback (RFC 5321, RFC 4954) that fails in the way a test asks for. */
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';

/**
 * What goes wrong, once: a reply in place of the usual one after a step, or `cut`, with the mail taken or not.
 */
export type SmtpFault =
  | { at: 'greeting' | 'login' | 'mail' | 'rcpt' | 'data' | 'end'; reply: string }
  | { at: 'greeting' | 'mail' | 'data' | 'end'; cut: 'taken' | 'lost' };

export interface TakenMail {
  from: string;
  to: string[];
  raw: Buffer;
}

export interface SmtpServerOptions {
  user: string;
  password: string;
  tls?: { key: string; cert: string; mode: 'implicit' | 'starttls' };
  /** Default true. */
  auth?: boolean;
}

export class SmtpServer {
  readonly mails: TakenMail[] = [];
  readonly violations: string[] = [];
  readonly faults: SmtpFault[] = [];
  readonly options: SmtpServerOptions;
  /** Called with each mail that was taken. */
  onMail: (mail: TakenMail) => void = () => undefined;
  transactions = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: SmtpServerOptions) {
    this.options = options;
    const take = (socket: Socket): void => {
      this.transactions++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      new Transaction(this, socket).greet();
    };
    this.#server = options.tls?.mode === 'implicit' ? tls.createServer(options.tls, take) : net.createServer(take);
  }

  static async start(options: SmtpServerOptions): Promise<SmtpServer> {
    const server = new SmtpServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

class Transaction {
  readonly #server: SmtpServer;
  #socket: Socket;
  #buffer = '';
  #loggedIn = false;
  #mail: TakenMail | null = null;
  #inData = false;

  constructor(server: SmtpServer, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    this.#loggedIn = server.options.auth === false;
    this.#listen();
  }

  greet(): void {
    if (!this.#fails('greeting')) this.#reply('220 mail.example.org ESMTP');
  }

  #listen(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      for (;;) {
        const mark = this.#inData ? '\r\n.\r\n' : '\r\n';
        const end = this.#buffer.indexOf(mark);
        if (end === -1 || this.#socket.destroyed) return;
        const line = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + mark.length);
        if (this.#inData) this.#end(line);
        else this.#take(line);
      }
    });
  }

  #reply(line: string): void {
    if (!this.#socket.destroyed) this.#socket.write(`${line}\r\n`, 'latin1');
  }

  #bad(why: string): void {
    this.#server.violations.push(why);
    this.#reply(`503 ${why}`);
  }

  /** True when the step went wrong as a test wanted. */
  #fails(at: SmtpFault['at']): boolean {
    const [fault] = this.#server.faults;
    if (fault?.at !== at) return false;
    this.#server.faults.shift();
    if ('reply' in fault) this.#reply(fault.reply);
    else {
      if (fault.cut === 'taken') this.#keep();
      this.#socket.destroy();
    }
    return true;
  }

  #take(line: string): void {
    const [verb = '', ...rest] = line.split(' ');
    const { options } = this.#server;
    switch (verb.toUpperCase()) {
      case 'EHLO': {
        const plain = options.tls?.mode === 'starttls' && !(this.#socket instanceof tls.TLSSocket);
        const offers = ['mail.example.org', ...(plain ? ['STARTTLS'] : options.auth === false ? [] : ['AUTH PLAIN'])];
        for (const offer of [...offers, 'SIZE 30000000']) this.#reply(`250-${offer}`);
        return this.#reply('250 8BITMIME');
      }
      case 'STARTTLS': {
        const pair = options.tls;
        if (pair?.mode !== 'starttls') return this.#bad('STARTTLS is not offered');
        this.#reply('220 begin');
        this.#socket.removeAllListeners('data');
        this.#socket = new tls.TLSSocket(this.#socket, { isServer: true, key: pair.key, cert: pair.cert });
        return this.#listen();
      }
      case 'AUTH':
        return this.#login(rest);
      case 'MAIL': {
        if (!this.#loggedIn) return this.#reply('530 5.7.0 authentication required');
        if (this.#fails('mail')) return;
        const [, from] = /^FROM:<([^<>\s]*)>/.exec(rest.join(' ')) ?? [];
        if (from === undefined) return this.#bad(`MAIL ${rest.join(' ')}`);
        this.#mail = { from, to: [], raw: Buffer.alloc(0) };
        return this.#reply('250 2.1.0 fine');
      }
      case 'RCPT': {
        const [, to] = /^TO:<([^<>\s]+)>/.exec(rest.join(' ')) ?? [];
        if (this.#mail === null || to === undefined) return this.#bad(`RCPT ${rest.join(' ')}`);
        if (this.#fails('rcpt')) return;
        this.#mail.to.push(to);
        return this.#reply('250 2.1.5 fine');
      }
      case 'DATA':
        if (this.#mail === null || this.#mail.to.length === 0) return this.#bad('DATA too early');
        if (this.#fails('data')) return;
        this.#inData = true;
        return this.#reply('354 go on');
      case 'QUIT':
        this.#reply('221 bye');
        return void this.#socket.end();
      case 'RSET':
        this.#mail = null;
        return this.#reply('250 fine');
      default:
        return this.#bad(`unknown: ${line.slice(0, 60)}`);
    }
  }

  #login([mechanism = '', initial = '']: string[]): void {
    const { user, password } = this.#server.options;
    if (this.#fails('login')) return;
    if (mechanism.toUpperCase() !== 'PLAIN') return this.#bad(`AUTH ${mechanism}`);
    const [, name, secret] = Buffer.from(initial, 'base64').toString().split('\0');
    this.#loggedIn = name === user && secret === password;
    this.#reply(this.#loggedIn ? '235 2.7.0 welcome' : '535 5.7.8 Username and Password not accepted');
  }

  #end(content: string): void {
    this.#inData = false;
    // Lines end in CR LF, alone neither may stand (RFC 5321, 2.3.8): it is how mail is smuggled.
    if (/[^\r]\n|\r[^\n]/.test(content)) this.#server.violations.push('a bare line break');
    if (this.#mail !== null) this.#mail.raw = Buffer.from(content.replaceAll('\r\n..', '\r\n.'), 'latin1');
    if (this.#fails('end')) return;
    this.#keep();
    this.#reply('250 2.0.0 queued as 42');
  }

  #keep(): void {
    if (this.#mail === null) return;
    this.#server.mails.push(this.#mail);
    this.#server.onMail(this.#mail);
    this.#mail = null;
  }
}
