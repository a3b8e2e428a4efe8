import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorBody, type ErrorStyle, type HttpError } from './errors.ts';
import type { Reply } from './route.ts';

/** Nothing we answer may be sniffed, framed, cached or read by another origin; pages bring a policy of their own. */
const baseHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** What is still read of a refused body, so that the client sees the answer instead of a reset. */
const maxLingerBytes = 1_048_576;
const lingerMs = 1000;

/** One request on its way to one answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** The route's pattern, for figures: never what a client wrote. */
  label = 'none';
  /** The message that the request is about, for the log. */
  correlationId: string | null = null;
  style: ErrorStyle = 'native';
  address = '';
  /** Another, allowed web origin that asks. */
  origin: string | null = null;

  constructor(request: IncomingMessage, response: ServerResponse, requestId: string, startedAt: number) {
    this.request = request;
    this.response = response;
    this.requestId = requestId;
    this.startedAt = startedAt;
  }

  async reply(reply: Reply): Promise<void> {
    if ('json' in reply) {
      this.#write(reply.status, 'application/json', JSON.stringify(reply.json), reply.headers, false);
    } else if ('text' in reply) {
      this.#write(reply.status, reply.type, reply.text, reply.headers, false);
    } else {
      this.#head(reply.status, { 'Content-Type': reply.type, 'X-Accel-Buffering': 'no' });
      if (this.request.method === 'HEAD') this.response.end();
      else {
        this.response.flushHeaders();
        await reply.stream(this.response);
      }
    }
  }

  refuse(error: HttpError): void {
    if (this.response.headersSent) {
      this.response.destroy();
      return;
    }
    const body = JSON.stringify(errorBody(error, this.requestId, this.style));
    this.#write(error.status, 'application/json', body, error.headers, error.close);
  }

  /** An answer without a body. */
  empty(status: number, headers: Record<string, string>): void {
    this.#head(status, headers);
    this.response.end();
  }

  #write(
    status: number,
    type: string,
    body: string,
    headers: Record<string, string> | undefined,
    close: boolean,
  ): void {
    const { request, response } = this;
    if (response.destroyed) return;
    // A body nobody will read would otherwise be read to its end, however long that is.
    const unread = !request.complete;
    this.#head(status, {
      'Content-Type': type,
      'Content-Length': String(Buffer.byteLength(body)),
      ...headers,
      ...(close || unread ? { Connection: 'close' } : {}),
    });
    if (unread) this.#linger(body);
    else response.end(body);
  }

  #head(status: number, headers: Record<string, string>): void {
    const { origin } = this;
    this.response.writeHead(status, {
      'X-Request-Id': this.requestId,
      ...baseHeaders,
      ...(origin === null
        ? {}
        : {
            'Access-Control-Allow-Origin': origin,
            'Access-Control-Expose-Headers': 'X-Request-Id, Retry-After',
            Vary: 'Origin',
          }),
      ...headers,
    });
  }

  /** Sends the whole answer, then takes in a little more before the connection ends. */
  #linger(body: string): void {
    const { request, response } = this;
    let left = maxLingerBytes;
    const finish = (): void => {
      clearTimeout(timer);
      request.removeListener('data', onData);
      if (!response.writableEnded) response.end();
    };
    const onData = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) finish();
    };
    const timer = setTimeout(finish, lingerMs).unref();
    if (request.method !== 'HEAD') response.write(body);
    request.on('data', onData).once('end', finish).once('close', finish);
    request.resume();
  }
}
