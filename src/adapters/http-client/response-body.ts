import type { IncomingMessage } from 'node:http';
import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpBody } from '../../core/ports/http-client.ts';
import { bodyFailure } from './failure.ts';

/** Bytes that wait for the reader before the sender is slowed down. */
const maxWaitingBytes = 65_536;

type Step = IteratorResult<Uint8Array, undefined>;

interface Reader {
  /** False: no more for now. */
  take(chunk: Uint8Array): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * An answer's body, read once. At most about 64 KiB wait for the reader, so a slow one slows the sender and nothing
 * else. Unlike the iterator of a Node stream, `close` acts at once even while a reader is waiting: the socket is
 * destroyed, unless the message was already whole and the socket is back in the pool.
 */
export class ResponseBody implements HttpBody, AsyncIterator<Uint8Array> {
  readonly #message: IncomingMessage;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #flowing = false;
  #error: Error | null = null;
  #ended = false;
  #closed = false;
  #reader: Reader | null = null;

  constructor(message: IncomingMessage) {
    this.#message = message;
    message.on('end', () => {
      this.#ended = true;
      this.#settle();
    });
    message.on('error', (error) => {
      this.#error = error;
      this.#settle();
    });
    message.on('close', () => {
      this.#closed = true;
      this.#settle();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    return new Promise((resolve, reject) => {
      const take = (value: Uint8Array): boolean => {
        resolve({ done: false, value });
        return false;
      };
      this.#begin({ take, resolve: () => resolve({ done: true, value: undefined }), reject });
    });
  }

  return(): Promise<Step> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  read(take: (chunk: Uint8Array) => boolean): Promise<void> {
    return new Promise((resolve, reject) => this.#begin({ take, resolve, reject }));
  }

  close(): void {
    if (!this.#ended) this.#message.destroy();
  }

  #begin(reader: Reader): void {
    this.#reader = reader;
    this.#settle();
    if (this.#reader !== null) this.#flow();
  }

  /** Listening to `data` and not to `readable`: the latter costs two ticks for each chunk. */
  #flow(): void {
    if (!this.#flowing) {
      this.#flowing = true;
      this.#message.on('data', (chunk: Buffer) => this.#take(chunk));
    } else if (this.#message.isPaused()) this.#message.resume();
  }

  #take(chunk: Buffer): void {
    const reader = this.#reader;
    if (reader !== null && this.#chunks.length === 0) return this.#give(reader, chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > maxWaitingBytes) this.#message.pause();
    this.#settle();
  }

  /** A chunk for which nobody has to wait. */
  #give(reader: Reader, chunk: Buffer): void {
    try {
      if (!reader.take(chunk)) this.#leave(reader);
    } catch (error) {
      this.#fail(reader, error);
    }
  }

  /** Answers the reader, if one waits and there is something to say; what came is read before how it ended. */
  #settle(): void {
    const reader = this.#reader;
    if (reader === null) return;
    try {
      for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
        this.#bytes -= chunk.length;
        if (!reader.take(chunk)) return this.#leave(reader);
      }
      if (this.#error !== null) throw bodyFailure(this.#error);
      if (this.#ended) this.#leave(reader);
      else if (this.#closed) throw new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.');
    } catch (error) {
      this.#fail(reader, error);
    }
  }

  #fail(reader: Reader, error: unknown): void {
    this.#reader = null;
    reader.reject(error);
  }

  #leave(reader: Reader): void {
    this.#reader = null;
    reader.resolve();
  }
}
