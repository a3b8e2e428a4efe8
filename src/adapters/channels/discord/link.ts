/**
 * One connection to Discord's gateway, from HELLO to its end: identify or resume, heartbeats, dispatches in order.
 * What comes after its end is not decided here. https://discord.com/developers/docs/topics/gateway
 */
import { WebSocket } from 'ws';
import type { Clock, Random } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { keepSessionCode } from './close-codes.ts';
import type { GatewaySession } from './cursor.ts';

const handshakeMs = 15_000;
/** From the open socket to READY or RESUMED. */
const greetingMs = 60_000;
const closeGraceMs = 1000;
/** A large server is told in one frame of a few megabytes. */
const maxFrameBytes = 32 * 2 ** 20;
const minHeartbeatMs = 100;

/** https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes */
const op = { dispatch: 0, heartbeat: 1, identify: 2, resume: 6, reconnect: 7, invalidSession: 9, hello: 10, ack: 11 };

/** Servers, their messages, reactions and direct messages, and what stands in messages. */
const intents = (1 << 0) | (1 << 9) | (1 << 10) | (1 << 12) | (1 << 13) | (1 << 15);

export interface Dispatch {
  type: string;
  seq: number;
  data: unknown;
}

/** Why a connection ended; `resumable` is what the platform said of the session, where it did. */
export type LinkEnd =
  | { why: 'closed'; code: number }
  | { why: 'reconnect' }
  | { why: 'invalid_session'; resumable: boolean }
  | { why: 'silent' | 'unreachable' | 'garbage'; detail: string }
  | { why: 'stopped' };

export interface LinkOptions {
  url: string;
  token: Secret;
  /** What to resume; null begins a new session. */
  session: GatewaySession | null;
  clock: Clock;
  random: Random;
  /** Ends the connection so that the session can be resumed. */
  signal: AbortSignal;
  onDispatch: (dispatch: Dispatch) => void;
  /** A heartbeat was answered. */
  onAlive: () => void;
}

interface Frame {
  op?: unknown;
  d?: unknown;
  s?: unknown;
  t?: unknown;
}

/** Resolves once the socket is closed; never rejects. */
export const runLink = (options: LinkOptions): Promise<LinkEnd> => new Link(options).done;

class Link {
  readonly done: Promise<LinkEnd>;
  readonly #options: LinkOptions;
  readonly #socket: WebSocket;
  /** Aborts with the connection: ends its timers. */
  readonly #over = new AbortController();
  #end: LinkEnd | null = null;
  #greeted = false;
  #answered = true;
  #seq: number | null;
  #beating = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#seq = options.session?.seq ?? null;
    const socket = new WebSocket(gatewayAddress(options.url), {
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
      handshakeTimeout: handshakeMs,
      followRedirects: false,
    });
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<LinkEnd>();
    this.done = promise;
    const stop = (): void => this.#finish({ why: 'stopped' });
    socket.on('open', () => this.#after(greetingMs, () => this.#greeted || this.#finish(silent('did not greet'))));
    socket.on('message', (data: Buffer) => this.#receive(data));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#end ??= { why: 'unreachable', detail: error.code ?? 'the connection failed' };
    });
    socket.once('close', (code) => {
      options.signal.removeEventListener('abort', stop);
      this.#over.abort();
      resolve(this.#end ?? { why: 'closed', code });
    });
    if (options.signal.aborted) stop();
    options.signal.addEventListener('abort', stop, { once: true });
  }

  #receive(data: Buffer): void {
    if (this.#end !== null) return;
    let frame: Frame | null;
    try {
      frame = JSON.parse(data.toString()) as Frame | null;
    } catch {
      frame = null;
    }
    switch (frame?.op) {
      case op.dispatch:
        return this.#dispatch(frame);
      case op.heartbeat:
        return this.#send(op.heartbeat, this.#seq);
      case op.reconnect:
        return this.#finish({ why: 'reconnect' });
      case op.invalidSession:
        return this.#finish({ why: 'invalid_session', resumable: frame.d === true });
      case op.hello:
        return this.#hello(frame.d);
      case op.ack:
        this.#answered = true;
        return this.#options.onAlive();
      default:
        if (typeof frame?.op !== 'number') this.#finish({ why: 'garbage', detail: 'it sent what is not of Discord' });
    }
  }

  #dispatch({ s: seq, t: type, d: data }: Frame): void {
    if (!Number.isSafeInteger(seq) || typeof type !== 'string') {
      return this.#finish({ why: 'garbage', detail: 'it sent a dispatch without its number' });
    }
    this.#seq = seq as number;
    if (type === 'READY' || type === 'RESUMED') this.#greeted = true;
    this.#options.onDispatch({ type, seq: seq as number, data });
  }

  #hello(data: unknown): void {
    const { session, token } = this.#options;
    const everyMs = Number((data as { heartbeat_interval?: unknown } | null)?.heartbeat_interval);
    if (!(everyMs > 0)) return this.#finish({ why: 'garbage', detail: 'its greeting names no heartbeat' });
    if (!this.#beating) void this.#beat(Math.max(minHeartbeatMs, everyMs));
    if (session !== null) {
      return this.#send(op.resume, { token: token.reveal(), session_id: session.id, seq: session.seq });
    }
    const properties = { os: process.platform, browser: 'open-clanker', device: 'open-clanker' };
    this.#send(op.identify, { token: token.reveal(), intents, properties, large_threshold: 50 });
  }

  /** The first after a part of the interval, so that many clients do not beat as one. */
  async #beat(everyMs: number): Promise<void> {
    const { clock, random } = this.#options;
    this.#beating = true;
    try {
      await clock.sleep(everyMs * random.unit(), this.#over.signal);
      for (;;) {
        if (!this.#answered) return this.#finish(silent('did not answer a heartbeat'));
        this.#answered = false;
        this.#send(op.heartbeat, this.#seq);
        await clock.sleep(everyMs, this.#over.signal);
      }
    } catch {
      // The connection is over.
    }
  }

  #send(code: number, data: unknown): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ op: code, d: data }));
  }

  /** Closes so that the session stays; a peer that takes no part in it is cut off. */
  #finish(end: LinkEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    const socket = this.#socket;
    if (end.why === 'silent' || socket.readyState === WebSocket.CONNECTING) return socket.terminate();
    socket.close(keepSessionCode);
    const timer = setTimeout(() => socket.terminate(), closeGraceMs);
    socket.once('close', () => clearTimeout(timer));
  }

  #after(ms: number, act: () => void): void {
    this.#options.clock.sleep(ms, this.#over.signal).then(act, () => undefined);
  }
}

const silent = (detail: string): LinkEnd => ({ why: 'silent', detail });

function gatewayAddress(url: string): string {
  const address = new URL(url);
  address.searchParams.set('v', '10');
  address.searchParams.set('encoding', 'json');
  return address.href;
}
