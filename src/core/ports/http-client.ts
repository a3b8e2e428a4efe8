import type { ErrorKind } from '../errors.ts';

/** How far an outgoing request came before it failed; decides whether repeating it is safe. */
export type HttpPhase = 'connect' | 'request' | 'headers' | 'body';

/**
 * A failed request. `accepted` is what retry safety needs: `no` when the peer cannot have seen the whole request
 * (name look-up, refused, TLS), `maybe` when bytes were written and the answer was lost.
 */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly kind: ErrorKind = 'network';
  readonly phase: HttpPhase;
  readonly accepted: 'no' | 'maybe';
  /** The system's code, such as ECONNREFUSED, or `aborted`. */
  readonly code: string;

  constructor(phase: HttpPhase, accepted: 'no' | 'maybe', code: string, message: string) {
    super(message);
    this.phase = phase;
    this.accepted = accepted;
    this.code = code;
  }
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: HttpBody;
}

/** Chunks as they arrive; throws HttpFailure with phase `body`. Leaving a loop over it early frees the socket. */
export interface HttpBody extends AsyncIterable<Uint8Array> {
  /**
   * Hands on each chunk in the moment it comes: a stream of many small ones costs no promise for each. Resolves at the
   * end, and after a chunk for which `take` is false: the rest can be read on. Rejects with what `take` throws.
   */
  read(take: (chunk: Uint8Array) => boolean): Promise<void>;
  /** Frees the socket, whatever is left to read. */
  close(): void;
}

/**
 * The one way out over HTTP(S): keep-alive, no redirects, no own timeouts (the caller's signal rules), no proxy of
 * the environment, certificates always checked. Throws HttpFailure before the headers arrived.
 */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>;
}

/** Reads a body up to `maxBytes`; throws HttpFailure `too_large` past it. */
export async function readBody(response: { body: AsyncIterable<Uint8Array> }, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > maxBytes)
      throw new HttpFailure('body', 'maybe', 'too_large', `The answer is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
