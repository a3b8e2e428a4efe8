/** One connection of Socket Mode, from its address to its end. https://docs.slack.dev/apis/events-api/using-socket-mode */
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { noLongerNeeded } from '../../../core/abort.ts';
import type { Clock } from '../../../core/ports/system.ts';
import { countField, field, textField } from '../json-http.ts';

/** From the first byte to Slack's `hello`. */
const greetingMs = 15_000;
const pingEveryMs = 10_000;
/** Slack pings by itself, too; a connection that stays silent this long is dead. */
const maxSilenceMs = 30_000;
const maxFrameBytes = 8_000_000;
/** What a peer that takes no part in closing is given. */
const closeGraceMs = 1000;

export interface LinkEvents {
  /** Slack said `hello`; told before any delivery that follows it. */
  greeted: () => void;
  /** Something came, be it only a pong. */
  alive: () => void;
  /** One delivery; `ack` tells Slack that it is taken. Never throws. */
  envelope: (type: unknown, payload: unknown, ack: () => void) => void;
  malformed: (detail: string) => void;
}

/** Why a connection is left: Slack asked for another one, Socket Mode was turned off, or it broke. */
export interface LinkEnd {
  why: 'refresh' | 'disabled' | 'too_many' | 'lost';
  detail: string;
}

export class Link {
  /** The first of: Slack asks to leave, the connection is over. */
  readonly leaving: Promise<LinkEnd>;
  /** Resolves once the socket is closed. */
  readonly closed: Promise<void>;
  /** Connections of this app that Slack counts, this one included; 0 before its `hello`. */
  connections = 0;
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  readonly #clock: Clock;
  readonly #leaving = Promise.withResolvers<LinkEnd>();
  readonly #hello = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  #seenAt: number;
  #overAt: number | null = null;
  #detail = 'Slack closed the connection';

  constructor(url: string, events: LinkEvents, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
    this.#seenAt = clock.monotonic();
    this.leaving = this.#leaving.promise;
    this.#hello.promise.catch(() => undefined);
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: greetingMs,
      maxPayload: maxFrameBytes,
    });
    const seen = (): void => {
      this.#seenAt = clock.monotonic();
      events.alive();
    };
    this.#socket.on('ping', seen);
    this.#socket.on('pong', seen);
    this.#socket.on('message', (data, isBinary) => {
      seen();
      if (isBinary) events.malformed('a binary frame');
      else this.#read(data);
    });
    this.#socket.on('error', (error: Error & { code?: string }) => {
      // The address holds a ticket; only the code of the failure is told.
      this.#detail = `the connection failed (${error.code ?? 'the server refused it'})`;
    });
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.closed = closed;
    this.#socket.on('close', () => {
      this.#overAt = clock.monotonic();
      this.#over.abort(noLongerNeeded);
      this.#hello.reject(new Error(this.#detail));
      this.#leaving.resolve({ why: 'lost', detail: this.#detail });
      resolve();
    });
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** How long it has been over; 0 while it is not. */
  get overForMs(): number {
    return this.#overAt === null ? 0 : this.#clock.monotonic() - this.#overAt;
  }

  /** Resolves at Slack's `hello`; rejects with the reason in words, the socket then being closed. */
  async greeted(): Promise<void> {
    const patience = new AbortController();
    this.#clock.sleep(greetingMs, patience.signal).then(
      () => this.#drop('Slack did not greet us in time'),
      () => undefined,
    );
    try {
      await this.#hello.promise;
    } catch (error) {
      await this.closed;
      throw error;
    } finally {
      patience.abort(noLongerNeeded);
    }
    void this.#watch();
  }

  close(): void {
    this.#socket.close(1000);
    this.#clock.sleep(closeGraceMs, this.#over.signal).then(
      () => this.#socket.terminate(),
      () => undefined,
    );
  }

  /** At once, without a goodbye. */
  #drop(detail: string): void {
    this.#detail = detail;
    this.#socket.terminate();
  }

  /** Told apart from a quiet workspace by Slack's pongs. */
  async #watch(): Promise<void> {
    while (!this.isOver) {
      await this.#clock.sleep(pingEveryMs, this.#over.signal).catch(() => undefined);
      if (this.isOver) return;
      if (this.#clock.monotonic() - this.#seenAt >= maxSilenceMs) return this.#drop('the connection fell silent');
      this.#socket.ping();
    }
  }

  #read(data: RawData): void {
    let frame: unknown;
    try {
      // eslint-disable-next-line typescript/no-base-to-string -- a text frame arrives as one Buffer
      frame = JSON.parse(data.toString()) as unknown;
    } catch {
      return this.#events.malformed('a frame that is no JSON');
    }
    const type = textField(frame, 'type');
    const envelope = textField(frame, 'envelope_id');
    if (type === 'hello') {
      this.connections = countField(frame, 'num_connections') ?? 0;
      this.#events.greeted();
      this.#hello.resolve();
    } else if (type === 'disconnect') this.#leave(textField(frame, 'reason') ?? '');
    else if (envelope !== undefined) {
      this.#events.envelope(type, field(frame, 'payload'), () => this.#send({ envelope_id: envelope }));
    } else this.#events.malformed(`a frame of an unknown kind: ${(type ?? 'none').slice(0, 100)}`);
  }

  #leave(reason: string): void {
    const detail = `Slack ended the connection (${reason.slice(0, 100)})`;
    if (reason === 'link_disabled') this.#leaving.resolve({ why: 'disabled', detail });
    else if (reason === 'too_many_websockets') this.#leaving.resolve({ why: 'too_many', detail });
    else this.#leaving.resolve({ why: 'refresh', detail });
  }

  #send(frame: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame), () => undefined);
  }
}
