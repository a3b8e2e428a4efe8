import type { HttpBody, HttpFailure } from '../../core/ports/http-client.ts';

/** Bytes that wait for the reader before the sender is slowed down. */
const maxWaitingBytes = 65_536;
/** And pieces, each of which costs more than the byte that may be in it. */
const maxWaitingPieces = 1024;

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
    if (this.#reader !== null) return this.#settle(chunk);
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#paused || (this.#bytes <= maxWaitingBytes && this.#chunks.length <= maxWaitingPieces)) return;
    this.#paused = true;
    this.#source.pause();
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

  /**
   * Answers the reader, if one waits and there is something to say; what came is read before how it ended. Where a reader
   * waits no chunk does: a `fresh` one is the first.
   */
  #settle(fresh?: Uint8Array): void {
    const reader = this.#reader;
    if (reader === null) return;
    // Not waiting while it takes: a reader that closes the body in the middle of that is heard out first.
    this.#reader = null;
    try {
      for (let chunk = fresh ?? this.#shift(); chunk !== undefined; chunk = this.#shift())
        if (!reader.take(chunk)) return reader.resolve();
      if (this.#ended) return reader.resolve();
      if (this.#failure !== null) throw this.#failure;
      this.#reader = reader;
    } catch (error) {
      reader.reject(error);
    }
  }

  #shift(): Uint8Array | undefined {
    // Asked after each piece; of an empty list `shift` costs more than all else here.
    if (this.#chunks.length === 0) return undefined;
    const chunk = this.#chunks.shift();
    this.#bytes -= chunk?.length ?? 0;
    return chunk;
  }
}
