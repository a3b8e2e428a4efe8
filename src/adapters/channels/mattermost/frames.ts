/** One WebSocket to the server: its frames as they come, a pulse, an end. https://developers.mattermost.com/api-documentation/#/#websocket */
import { WebSocket } from 'ws';

const handshakeTimeoutMs = 15_000;
const maxFrameBytes = 4_000_000;
/** Frames that wait for the reader before the sender is slowed down. */
const maxWaiting = 500;
const pulseMs = 30_000;
/** Without a word for so long, not even an answer to a pulse, the line is dead. */
const silenceMs = 75_000;
const lookMs = 5000;

export class Frames {
  readonly #socket: WebSocket;
  readonly #waiting: string[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #clock: { monotonic(): number };
  #heardAt: number;
  #pulseAt: number;
  #seq = 0;
  #closed = false;
  /** Why it ended, in the system's words. */
  reason = 'the connection was closed';
  #news = Promise.withResolvers<void>();

  /** Begins to connect and sends `challenge` first of all. */
  constructor(url: string, challenge: object, clock: { monotonic(): number }, signal: AbortSignal) {
    this.#clock = clock;
    this.#heardAt = this.#pulseAt = clock.monotonic();
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
      handshakeTimeout: handshakeTimeoutMs,
    });
    const end = (): void => this.close();
    signal.addEventListener('abort', end, { once: true });
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#socket.on('open', () => this.send('authentication_challenge', challenge));
    this.#socket.on('message', (data: Buffer) => this.#take(data.toString()));
    this.#socket.on('error', (error: Error & { code?: string }) => (this.reason = error.code ?? error.message));
    this.#socket.on('close', () => {
      signal.removeEventListener('abort', end);
      clearInterval(this.#timer);
      this.#closed = true;
      this.#news.resolve();
    });
    if (signal.aborted) this.close();
  }

  /** All that came since the last call, waiting for something; null once the connection is over and all is read. */
  async next(): Promise<string[] | null> {
    while (this.#waiting.length === 0) {
      if (this.#closed) return null;
      await this.#news.promise;
      if (!this.#closed) this.#news = Promise.withResolvers();
    }
    const frames = this.#waiting.splice(0);
    if (!this.#closed && this.#socket.isPaused) this.#socket.resume();
    return frames;
  }

  send(action: string, data: object): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ seq: ++this.#seq, action, data }));
  }

  close(): void {
    this.#socket.terminate();
  }

  #take(frame: string): void {
    this.#heardAt = this.#clock.monotonic();
    this.#waiting.push(frame);
    if (this.#waiting.length >= maxWaiting) this.#socket.pause();
    this.#news.resolve();
  }

  #look(): void {
    const now = this.#clock.monotonic();
    // While the reader has not kept up it is us who do not listen.
    if (this.#socket.isPaused) this.#heardAt = now;
    if (now - this.#heardAt > silenceMs) {
      this.reason = `nothing was heard for ${silenceMs / 1000} s`;
      this.#socket.terminate();
    } else if (now - this.#pulseAt > pulseMs) {
      this.#pulseAt = now;
      this.send('ping', {});
    }
  }
}
