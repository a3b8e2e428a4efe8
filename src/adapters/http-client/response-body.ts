import type { HttpBody, HttpFailure } from '../../core/ports/http-client.ts';

/** Bytes that wait for the reader before the sender is slowed down. */
const maxWaitingBytes = 65_536;

type Step = IteratorResult<Uint8Array, undefined>;

interface Reader {
  /** False: no more for now. */
  take(chunk: Uint8Array): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Where a body comes from. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Ends the connection, unless the body is whole. */
  leave(): void;
}

/**
 * An answer's body, read once. At most about 64 KiB wait for the reader, so a slow one slows the sender and nothing
 * else. `close` acts at once even while a reader is waiting: the socket is destroyed, unless the answer was already
 * whole and the socket is back in the pool.
 */
export class ResponseBody implements HttpBody, AsyncIterator<Uint8Array> {
  readonly #source: BodySource;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #failure: HttpFailure | null = null;
  #ended = false;
  #reader: Reader | null = null;

  constructor(source: BodySource) {
    this.#source = source;
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
    if (!this.#ended) this.#source.leave();
  }

  /** A piece came. */
  push(chunk: Uint8Array): void {
    const reader = this.#reader;
    if (reader !== null && this.#chunks.length === 0) return this.#give(reader, chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > maxWaitingBytes && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
    this.#settle();
  }

  /** All of it came. */
  end(): void {
    this.#ended = true;
    this.#settle();
  }

  /** No more of it comes; what came before is read first. */
  fail(failure: HttpFailure): void {
    this.#failure ??= failure;
    this.#settle();
  }

  #begin(reader: Reader): void {
    this.#reader = reader;
    this.#settle();
    if (this.#reader === null || !this.#paused) return;
    this.#paused = false;
    this.#source.resume();
  }

  /** A chunk for which nobody has to wait. */
  #give(reader: Reader, chunk: Uint8Array): void {
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
      if (this.#ended) this.#leave(reader);
      else if (this.#failure !== null) throw this.#failure;
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
