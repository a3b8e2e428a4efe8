/** Logs in at a mailbox's two servers and leaves again; reads nothing and sends nothing. */
import { once } from 'node:events';
import net from 'node:net';
import type { Socket } from 'node:net';
import { mailEndpoint, type LoadedConfig } from '../../config/index.ts';
import { failureCode, isCertificateFailure } from '../http.ts';
import type { EmailFacts, MailServerOutcome } from './facts.ts';

const silenceMs = 5000;
const maxAnswer = 65_536;

type Endpoint = ReturnType<typeof mailEndpoint>;
type Report = { outcome: MailServerOutcome; detail: string };
interface Login {
  user: string;
  password: string;
}

const notAsked: Report = { outcome: 'not_asked', detail: '' };

/** Of every mailbox that is configured. */
export const emailFacts = ({ config }: LoadedConfig, ask: boolean): Promise<EmailFacts>[] =>
  Object.entries(config.channels.email.accounts).map(async ([account, mailbox]) => {
    const { enabled, address, imap_url, smtp_url, user = address, password } = mailbox;
    const login = { user, password: password.reveal() };
    const [imap, smtp] =
      ask && enabled
        ? await Promise.all([probeImap(mailEndpoint(imap_url), login), probeSmtp(mailEndpoint(smtp_url), login)])
        : [notAsked, notAsked];
    return { id: `email:${account}`, enabled, imap, smtp };
  });

export const probeImap = (endpoint: Endpoint, { user, password }: Login): Promise<Report> =>
  talk(endpoint, async (line) => {
    const tagged = /^x (OK|NO|BAD)(.*)$/im;
    await line.until(/^\* (OK|PREAUTH)/im);
    if (endpoint.tls === 'starttls') {
      if (!/^x OK/im.test(await line.say('x STARTTLS', tagged))) return noTls;
      await line.secure();
    }
    const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
    const answer = await line.say(`x LOGIN ${quoted(user)} ${quoted(password)}`, tagged);
    line.bye('x LOGOUT');
    if (/^x OK/im.test(answer)) return { outcome: 'ok', detail: '' };
    return { outcome: 'unauthorized', detail: tagged.exec(answer)?.[2]?.trim() ?? '' };
  });

export const probeSmtp = (endpoint: Endpoint, { user, password }: Login): Promise<Report> =>
  talk(endpoint, async (line) => {
    const last = /^(\d{3})(?: (.*))?$/m;
    const greeting = await line.until(last);
    if (!greeting.startsWith('2')) return { outcome: 'failing', detail: greeting.trim() };
    let offers = await line.say('EHLO localhost', last);
    if (endpoint.tls === 'starttls') {
      if (!(await line.say('STARTTLS', last)).startsWith('2')) return noTls;
      await line.secure();
      offers = await line.say('EHLO localhost', last);
    }
    // A relay that asks for no password takes mail from this machine as it is.
    if (!/^250[ -]AUTH\b/im.test(offers)) return { outcome: 'ok', detail: '' };
    const plain = Buffer.from(`\0${user}\0${password}`).toString('base64');
    const answer = await line.say(`AUTH PLAIN ${plain}`, last);
    line.bye('QUIT');
    if (answer.startsWith('235')) return { outcome: 'ok', detail: '' };
    return { outcome: answer.startsWith('4') ? 'failing' : 'unauthorized', detail: answer.trim() };
  });

const noTls: Report = { outcome: 'untrusted', detail: 'it offers no STARTTLS' };

async function talk(endpoint: Endpoint, conversation: (line: Line) => Promise<Report>): Promise<Report> {
  let line: Line | null = null;
  try {
    line = await Line.open(endpoint);
    const { outcome, detail } = await conversation(line);
    return { outcome, detail: detail.replaceAll(/\s+/g, ' ').slice(0, 200) };
  } catch (error) {
    const code = failureCode(error);
    return { outcome: isCertificateFailure(code) ? 'untrusted' : 'unreachable', detail: code };
  } finally {
    line?.close();
  }
}

/** Lines to and fro; what takes too long or grows too large fails. */
class Line {
  readonly #endpoint: Endpoint;
  #socket: Socket;
  #heard = '';

  private constructor(endpoint: Endpoint, socket: Socket) {
    this.#endpoint = endpoint;
    this.#socket = socket;
    this.#listen();
  }

  static async open(endpoint: Endpoint): Promise<Line> {
    const { host, port } = endpoint;
    const line = new Line(endpoint, net.connect({ host, port }));
    await line.#soon(once(line.#socket, 'connect'));
    if (endpoint.tls === 'implicit') await line.secure();
    return line;
  }

  async secure(): Promise<void> {
    const tls = await import('node:tls');
    const { host } = this.#endpoint;
    this.#socket.removeAllListeners('data');
    this.#heard = '';
    const socket = tls.connect({ socket: this.#socket, host, ...(net.isIP(host) === 0 ? { servername: host } : {}) });
    this.#socket = socket;
    await this.#soon(once(socket, 'secureConnect'));
    this.#listen();
  }

  say(words: string, answer: RegExp): Promise<string> {
    this.#heard = '';
    this.#socket.write(`${words}\r\n`);
    return this.until(answer);
  }

  bye(words: string): void {
    this.#socket.end(`${words}\r\n`);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** All that was heard since the last words of ours, once it holds this. */
  async until(answer: RegExp): Promise<string> {
    while (!answer.test(this.#heard)) {
      if (this.#heard.length > maxAnswer) throw Object.assign(new Error('too much'), { code: 'TOO_LARGE' });
      if (this.#socket.destroyed || this.#socket.readableEnded) throw new Error('it hung up');
      await this.#soon(Promise.race([once(this.#socket, 'data'), once(this.#socket, 'close')]));
    }
    return this.#heard;
  }

  #listen(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => (this.#heard += chunk.toString('latin1').replaceAll('\r', '')));
  }

  async #soon<T>(event: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(Object.assign(new Error('no answer in time'), { code: 'TIMEOUT' })), silenceMs);
    });
    event.catch(() => undefined);
    return Promise.race([event, silence]).finally(() => clearTimeout(timer));
  }
}
