/** The gateway of the strict Discord server: sessions with a memory of what was told, and faults on demand. */
import { EventEmitter, once } from 'node:events';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

interface Told {
  op: 0;
  t: string;
  s: number;
  d: unknown;
}

interface Session {
  id: string;
  /** Everything told since it began, for those who resume. */
  told: Told[];
  link: Link | null;
}

interface Link {
  socket: WebSocket;
  session: Session | null;
  /** It takes frames and answers none. */
  deaf: boolean;
}

/** What becomes of the next connections, one each. */
export type Welcome =
  | { mode: 'refuse_resume' }
  | { mode: 'resume_without_replay' }
  | { mode: 'close'; code: number }
  | { mode: 'deaf' }
  | { mode: 'silent' };

export interface GatewayOptions {
  token: string;
  heartbeatMs: number;
  user: object;
  application: string;
  url: () => string;
  guilds: () => object[];
  violations: string[];
}

export class DiscordGateway {
  readonly #options: GatewayOptions;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #links = new Set<Link>();
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly welcomes: Welcome[] = [];
  identifies = 0;
  resumes = 0;
  /** Most sockets that were open at once. */
  most = 0;
  closeCodes: number[] = [];
  #session: Session | null = null;
  #count = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get server(): WebSocketServer {
    return this.#server;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Told now, or later to who resumes; after `forgetSession` nobody hears of it. */
  tell(type: string, data: unknown): void {
    const session = this.#session;
    if (session === null) return;
    const frame: Told = { op: 0, t: type, s: session.told.length + 1, d: data };
    session.told.push(frame);
    if (session.link?.deaf === false) send(session.link.socket, frame);
  }

  /** The last frame of this kind again, as a new one. */
  repeat(type: string): void {
    const last = this.#session?.told.findLast(({ t }) => t === type);
    if (last !== undefined) this.tell(type, last.d);
  }

  /** Resolves once a bot is connected and greeted. */
  async greeted(): Promise<void> {
    while ((this.#session?.link ?? null) === null) await once(this.#changed, 'changed');
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#changed, 'changed');
  }

  /** Cuts every socket, every other one without a goodbye. */
  drop(): void {
    for (const { socket } of this.#links) {
      if (this.#count++ % 2 === 0) socket.terminate();
      else socket.close(4000);
    }
  }

  close(code: number): void {
    for (const { socket } of this.#links) socket.close(code);
  }

  reconnect(): void {
    for (const { socket } of this.#links) send(socket, { op: 7, d: null });
  }

  invalidate(resumable: boolean): void {
    if (!resumable) this.forgetSession();
    for (const { socket } of this.#links) send(socket, { op: 9, d: resumable });
  }

  /** Half-open from now on: nothing is answered or told, and nothing is closed. */
  deafen(): void {
    for (const link of this.#links) link.deaf = true;
  }

  askForHeartbeat(): void {
    for (const { socket } of this.#links) send(socket, { op: 1, d: null });
  }

  forgetSession(): void {
    this.#session = null;
  }

  accept(socket: WebSocket): void {
    const link: Link = { socket, session: null, deaf: false };
    const welcome = this.welcomes.shift() ?? null;
    this.#links.add(link);
    this.most = Math.max(this.most, this.#links.size);
    this.#changed.emit('changed');
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => this.#receive(link, data, welcome));
    socket.once('close', (code) => {
      this.#links.delete(link);
      this.closeCodes.push(code);
      if (link.session?.link === link) link.session.link = null;
      // A goodbye of these kinds ends the session.
      if ((code === 1000 || code === 1001) && link.session === this.#session) this.#session = null;
      this.#changed.emit('changed');
    });
    if (welcome?.mode === 'silent') return;
    send(socket, { op: 10, d: { heartbeat_interval: this.#options.heartbeatMs } });
  }

  #receive(link: Link, data: Buffer, welcome: Welcome | null): void {
    const { violations } = this.#options;
    const { op, d } = JSON.parse(data.toString()) as { op: number; d: Record<string, unknown> | number | null };
    if (data.length > 4096) violations.push('a frame to the gateway is larger than 4096 bytes');
    if (link.deaf) return;
    if (op === 1) {
      send(link.socket, { op: 11 });
      this.#changed.emit('changed');
      return;
    }
    if (typeof d !== 'object' || d === null || (op !== 2 && op !== 6)) {
      violations.push(`an unexpected frame with op ${op}`);
      return;
    }
    if (link.session !== null) violations.push('identified twice on one connection');
    if (welcome?.mode === 'close') return link.socket.close(welcome.code);
    if (d['token'] !== this.#options.token) return link.socket.close(4004);
    if (op === 2) this.#identify(link);
    else this.#resume(link, d, welcome);
    if (welcome?.mode === 'deaf') link.deaf = true;
    this.#changed.emit('changed');
  }

  #identify(link: Link): void {
    const { user, application, url, guilds } = this.#options;
    this.identifies++;
    const session: Session = { id: `session-${this.identifies}`, told: [], link };
    link.session = session;
    this.#session = session;
    this.tell('READY', {
      v: 10,
      user,
      guilds: [],
      session_id: session.id,
      resume_gateway_url: url(),
      application: { id: application, flags: 0 },
    });
    for (const guild of guilds()) this.tell('GUILD_CREATE', guild);
  }

  #resume(link: Link, d: Record<string, unknown>, welcome: Welcome | null): void {
    this.resumes++;
    const session = this.#session;
    const seq = Number(d['seq']);
    const known = session !== null && session.id === d['session_id'] && seq <= session.told.length;
    if (!known || welcome?.mode === 'refuse_resume') {
      this.#session = null;
      return send(link.socket, { op: 9, d: false });
    }
    session.link?.socket.terminate();
    link.session = session;
    if (welcome?.mode !== 'resume_without_replay') {
      for (const frame of session.told) if (frame.s > seq) send(link.socket, frame);
    }
    session.link = link;
    this.tell('RESUMED', {});
  }
}

const send = (socket: WebSocket, frame: object): void => {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame));
};
