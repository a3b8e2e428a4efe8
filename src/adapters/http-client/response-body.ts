import type { IncomingMessage } from 'node:http';
import { HttpFailure } from '../../core/ports/http-client.ts';
import { bodyFailure } from './failure.ts';

/** Bytes that wait for the reader before the sender is slowed down. */
const maxWaitingBytes = 65_536;

type Step = IteratorResult<Uint8Array, undefined>;

/**
 * An answer's body, read once. At most about 64 KiB wait for the reader, so a slow one slows the sender and nothing
 * else. Unlike the iterator of a Node stream, `return` acts at once even while a `next` is waiting: the socket is
 * destroyed, unless the message was already whole and the socket is back in the pool.
 */
export class ResponseBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #message: IncomingMessage;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #flowing = false;
  #error: Error | null = null;
  #ended = false;
  #closed = false;
  #waiting: PromiseWithResolvers<Step> | null = null;

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
    const waiting = Promise.withResolvers<Step>();
    this.#waiting = waiting;
    this.#settle();
    if (this.#waiting !== null) this.#flow();
    return waiting.promise;
  }

  return(): Promise<Step> {
    if (!this.#ended) this.#message.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Listening to `data` and not to `readable`: the latter costs two ticks for each chunk. */
  #flow(): void {
    if (!this.#flowing) {
      this.#flowing = true;
      this.#message.on('data', (chunk: Buffer) => this.#take(chunk));
    } else if (this.#message.isPaused()) this.#message.resume();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > maxWaitingBytes) this.#message.pause();
    this.#settle();
  }

  /** Answers the reader, if one waits and there is something to say; what came is read before how it ended. */
  #settle(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.length;
      waiting.resolve({ done: false, value: chunk });
    } else if (this.#error !== null) waiting.reject(bodyFailure(this.#error));
    else if (this.#ended) waiting.resolve({ done: true, value: undefined });
    else if (this.#closed) waiting.reject(new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.'));
    else return;
    this.#waiting = null;
  }
}
