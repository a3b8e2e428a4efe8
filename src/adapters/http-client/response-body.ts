import type { IncomingMessage } from 'node:http';
import { HttpFailure } from '../../core/ports/http-client.ts';
import { bodyFailure } from './failure.ts';

/**
 * An answer's body, read once. Node buffers at most its high-water mark (64 KiB) ahead of the reader, so a slow reader
 * slows the sender and nothing else. Unlike the iterator of a Node stream, `return` acts at once even while a `next`
 * is waiting: the socket is destroyed, unless the message was already whole and the socket is back in the pool.
 */
export class ResponseBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #message: IncomingMessage;
  #error: Error | null = null;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(message: IncomingMessage) {
    this.#message = message;
    const wake = (): void => this.#wake?.();
    message.on('readable', wake);
    message.on('end', wake);
    message.on('error', (error) => {
      this.#error = error;
      wake();
    });
    message.on('close', () => {
      this.#closed = true;
      wake();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#message.read() as Buffer | null;
      if (chunk !== null) return { done: false, value: chunk };
      if (this.#error !== null) throw bodyFailure(this.#error);
      if (this.#message.readableEnded) return { done: true, value: undefined };
      if (this.#closed) throw new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#message.readableEnded) this.#message.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }
}
