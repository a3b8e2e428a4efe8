import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpPhase, HttpResponse } from '../../core/ports/http-client.ts';
import type { Carried, Connection } from './connection.ts';
import { aborted, bodyFailure, requestFailure } from './failure.ts';
import { ResponseBody, type BodySource } from './response-body.ts';
import { ParseError, type ResponseHead } from './response-parser.ts';

/** Other names of codings stand there by mistake, such as `utf-8`. */
const compressed = /\b(?:gzip|deflate|br|zstd|compress)\b/i;

/** One request on its connection, from before it is sent to the end of its answer. The signal is bound to all of it. */
export class Exchange implements Carried, BodySource {
  readonly #origin: string;
  readonly #signal: AbortSignal;
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (failure: HttpFailure) => void;
  readonly #connection: Connection;
  readonly #onAbort = (): void => this.#stop(aborted(this.#phase));
  #phase: HttpPhase = 'connect';
  #body: ResponseBody | null = null;

  constructor(
    origin: string,
    connection: Connection,
    signal: AbortSignal,
    resolve: (response: HttpResponse) => void,
    reject: (failure: HttpFailure) => void,
  ) {
    this.#origin = origin;
    this.#connection = connection;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onConnected(): void {
    this.#phase = 'request';
  }

  onSent(): void {
    if (this.#phase === 'request') this.#phase = 'headers';
  }

  onHead({ status, headers }: ResponseHead): void {
    this.#phase = 'body';
    const body = new ResponseBody(this);
    this.#body = body;
    if (compressed.test(headers['content-encoding'] ?? '')) {
      const failure = new HttpFailure(
        'headers',
        'maybe',
        'encoded',
        'The answer is compressed although that was not offered.',
      );
      this.#stop(failure);
      // A refusal is told by its status and headers, whatever its words were packed in.
      if (status < 300) return this.#reject(failure);
    }
    this.#resolve({ status, headers, body });
  }

  onBody(piece: Uint8Array): void {
    this.#body?.push(piece);
  }

  onEnd(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#body?.end();
  }

  onFailure(error: Error): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (this.#body !== null) return this.#body.fail(bodyFailure(error));
    if (error instanceof ParseError && error.code === 'HPE_PAUSED_UPGRADE')
      this.#reject(
        new HttpFailure('headers', 'maybe', 'bad_upgrade', `${this.#origin} switched to another protocol unasked.`),
      );
    else this.#reject(requestFailure(error, this.#phase, this.#origin));
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  leave(): void {
    this.#stop(new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.'));
  }

  #stop(failure: HttpFailure): void {
    this.#connection.drop();
    this.onFailure(failure);
  }
}
