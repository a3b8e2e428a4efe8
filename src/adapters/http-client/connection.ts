import type { Socket } from 'node:net';
import { ResponseParser, type ResponseHead, type ResponseListener } from './response-parser.ts';

/** Who hears what becomes of a request. After `onEnd` or `onFailure` comes nothing more. */
export interface Carried extends ResponseListener {
  /** The connection stands: from now on bytes of the request may have arrived. */
  onConnected(): void;
  /** All of the request was handed to the system. */
  onSent(): void;
  onFailure(error: Error): void;
}

/** Who keeps the connection while it carries nothing. */
export interface Keeper {
  onIdle(connection: Connection): void;
  onGone(connection: Connection): void;
}

/** One connection to an origin. It carries one request at a time. */
export class Connection implements ResponseListener {
  readonly origin: string;
  readonly #socket: Socket;
  readonly #keeper: Keeper;
  readonly #parser = new ResponseParser(this);
  #carried: Carried | null = null;
  #connected = false;
  #sent = true;
  #error: Error | null = null;

  /** `ready`: the event after which bytes can be sent. Who made it hands what the socket reads to `push`. */
  constructor(origin: string, socket: Socket, ready: 'connect' | 'secureConnect', keeper: Keeper) {
    this.origin = origin;
    this.#socket = socket;
    this.#keeper = keeper;
    socket.once(ready, () => {
      this.#connected = true;
      this.#carried?.onConnected();
    });
    socket.on('error', (error) => (this.#error ??= error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => {
      this.#fail();
      keeper.onGone(this);
    });
    socket.on('timeout', () => socket.destroy());
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  /** How long the server keeps it after an answer, in milliseconds; null: it did not say. */
  get keptMs(): number | null {
    return this.#parser.keptMs;
  }

  send(head: string, body: string | Uint8Array | undefined, carried: Carried): void {
    const socket = this.#socket;
    this.#carried = carried;
    this.#sent = false;
    this.#parser.begin();
    socket.setTimeout(0);
    socket.ref();
    if (this.#connected) carried.onConnected();
    const sent = (error?: Error | null): void => {
      if (error) return;
      this.#sent = true;
      carried.onSent();
    };
    socket.cork();
    socket.write(head, 'latin1', body === undefined ? sent : undefined);
    if (body !== undefined) socket.write(body, sent);
    socket.uncork();
  }

  /** Closes it after so long without a request, and keeps no process alive for it. */
  rest(ms: number): void {
    this.#socket.setTimeout(ms);
    this.#socket.unref();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** What it carries fails with the error. */
  destroy(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** What it carries, if anything, wants to hear no more. */
  drop(): void {
    this.#carried = null;
    this.#socket.destroy();
  }

  push(bytes: Buffer): void {
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.destroy(error as Error);
      this.#fail();
    }
  }

  onHead(head: ResponseHead): void {
    this.#carried?.onHead(head);
  }

  onBody(piece: Uint8Array): void {
    this.#carried?.onBody(piece);
  }

  onEnd(): void {
    const carried = this.#carried;
    this.#carried = null;
    // Its reader may be slow with what came last; the connection goes on without it.
    if (this.#socket.isPaused()) this.#socket.resume();
    // What is left of a request whose answer came early would stand in the way of the next one.
    if (this.#parser.reusable && this.#sent && this.open) this.#keeper.onIdle(this);
    else this.#socket.destroy();
    carried?.onEnd();
  }

  /** The peer says no more. */
  #ended(): void {
    if (!this.#parser.finish()) this.#fail();
    this.#socket.destroy();
  }

  #fail(): void {
    const carried = this.#carried;
    this.#carried = null;
    carried?.onFailure(this.#error ?? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  }
}
