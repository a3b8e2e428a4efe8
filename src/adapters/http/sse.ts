import type { ServerResponse } from 'node:http';

/** Bytes a reader may be behind before its stream is cut; it resumes with `Last-Event-ID`. */
export const maxStreamBacklogBytes = 1_048_576;

/** UTF-8 is the rule for event streams; libraries that go by the rules of HTTP/1.0 text must be told (Python's requests). */
export const eventStreamType = 'text/event-stream; charset=utf-8';

const goodbye = 'the gateway stops; connect again';

/** One `text/event-stream` answer (WHATWG HTML, "Server-sent events"). */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #onSlow: () => void;

  /** `onSlow`: the reader was cut off. */
  constructor(response: ServerResponse, onSlow: () => void) {
    this.#response = response;
    this.#onSlow = onSlow;
  }

  get open(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  /** `data` is one line of JSON. A reader that does not read is cut off. */
  send(type: string, data: string, id: number | null = null): void {
    this.#write(id === null ? `event: ${type}\ndata: ${data}\n\n` : `event: ${type}\nid: ${id}\ndata: ${data}\n\n`);
  }

  comment(text: string): void {
    this.#write(`: ${text}\n\n`);
  }

  end(): void {
    if (this.open) this.#response.end();
  }

  #write(text: string): void {
    if (!this.open) return;
    this.#response.write(text);
    if (this.#response.writableLength <= maxStreamBacklogBytes) return;
    this.#response.destroy();
    this.#onSlow();
  }
}

/** All open event streams: one timer keeps them alive, and a stop reaches every one. */
export class EventStreams {
  readonly #open = new Set<EventStream>();
  readonly #endless = new Set<EventStream>();
  readonly #heartbeatMs: number;
  readonly #onSlow: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(heartbeatMs: number, onSlow: () => void) {
    this.#heartbeatMs = heartbeatMs;
    this.#onSlow = onSlow;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Wraps an answer whose head is written; it is forgotten when the answer closes. */
  add(response: ServerResponse): EventStream {
    const stream = new EventStream(response, this.#onSlow);
    this.#open.add(stream);
    response.once('close', () => {
      this.#open.delete(stream);
      this.#endless.delete(stream);
    });
    this.#timer ??= setInterval(() => this.#beat(), this.#heartbeatMs).unref();
    return stream;
  }

  /** One that has no end of its own: a stopping server does not wait for it. */
  addEndless(response: ServerResponse): EventStream {
    const stream = this.add(response);
    this.#endless.add(stream);
    return stream;
  }

  /** Ends the streams that would never end. */
  endEndless(): void {
    for (const stream of this.#endless) {
      stream.comment(goodbye);
      stream.end();
    }
  }

  /** Tells every reader left that the server goes; they are cut with their sockets. */
  sayGoodbye(): void {
    for (const stream of this.#open) stream.comment(goodbye);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #beat(): void {
    for (const stream of this.#open) stream.comment('alive');
  }
}
