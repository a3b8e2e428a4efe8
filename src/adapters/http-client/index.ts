import http from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type https from 'node:https';
import type { LookupFunction, OnReadOpts, Socket } from 'node:net';
import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpClient, HttpPhase, HttpRequest, HttpResponse } from '../../core/ports/http-client.ts';
import type { Counter, Log, Metrics } from '../../core/ports/system.ts';
import { aborted, requestFailure } from './failure.ts';
import { ResponseBody } from './response-body.ts';

/** Requests past these wait in the pool's queue, still abortable. */
const maxSocketsPerOrigin = 256;
const maxSockets = 1024;
/** A handshake costs more than a turn: what a hundred sessions just used is kept for their next turns. */
const maxIdleSocketsPerOrigin = 64;
/** Shorter than the idle limit of common servers and balancers (60 s), so that a pooled socket is rarely a dead one. */
const idleSocketMs = 15_000;
const maxResponseHeaderBytes = 32 * 1024;
const readBytes = 64 * 1024;

export interface HttpClientOptions {
  /** Resolves names in place of the system's resolver; for tests and for guarded look-ups. */
  resolver?: LookupFunction;
  /** PEM certificates of further trusted authorities, beside those of Node. */
  authorities?: string[];
  log: Log;
  metrics: Metrics;
}

export interface NodeHttpClient extends HttpClient {
  /** Destroys every socket; requests under way fail. */
  close(): void;
}

/** The product's one HTTP client, on node:http and node:https. The port's comment says what it promises. */
export function createHttpClient(given: HttpClientOptions): NodeHttpClient {
  const options = { ...given, log: given.log.with({ component: 'http_client' }) };
  const pool = {
    keepAlive: true,
    noDelay: true,
    scheduling: 'lifo',
    maxSockets: maxSocketsPerOrigin,
    maxTotalSockets: maxSockets,
    maxFreeSockets: maxIdleSocketsPerOrigin,
    timeout: idleSocketMs,
    onread: intoOneBuffer(),
  } as const;
  const plain = new http.Agent(pool);
  // TLS is loaded with the first address that wants it.
  let tls: https.Agent | null = null;
  const secure = (): https.Agent => (tls ??= new (httpsModule().Agent)({ ...pool, rejectUnauthorized: true }));
  const requests = options.metrics.counter('http_client_requests_total', 'Outgoing HTTP requests by outcome.');

  return {
    request: (request) => exchange(request, { plain, secure, options, requests }),
    close() {
      plain.destroy();
      tls?.destroy();
    },
  };
}

/**
 * Else Node takes 64 KiB for each read of each socket and gives back most of it: the pieces of a stream of deltas. What
 * came is copied at once, so all sockets can read into the same place.
 */
function intoOneBuffer(): OnReadOpts {
  const place = Buffer.allocUnsafeSlow(readBytes);
  return {
    buffer: place,
    callback(this: Socket, size) {
      const came = Buffer.allocUnsafe(size);
      place.copy(came, 0, 0, size);
      this.emit('data', came);
      return true;
    },
  };
}

const httpsModule = (): typeof https => process.getBuiltinModule('node:https');

interface Pools {
  plain: http.Agent;
  secure: () => https.Agent;
  options: HttpClientOptions;
  requests: Counter;
}

/** Nothing here or in `send` holds the request while its answer is waited for: a hundred of them are a heap of text. */
function exchange(request: HttpRequest, pools: Pools): Promise<HttpResponse> {
  return answerTo(request.signal.aborted ? Promise.reject(aborted('connect')) : send(request, pools), pools);
}

async function answerTo(sent: Promise<IncomingMessage>, pools: Pools): Promise<HttpResponse> {
  try {
    const response = translate(await sent);
    pools.requests.add(1, { outcome: `${Math.floor(response.status / 100)}xx` });
    return response;
  } catch (error) {
    const failure = error instanceof HttpFailure ? error : unsendable(error as Error);
    pools.requests.add(1, { outcome: failure.code === 'aborted' ? 'aborted' : `failed_${failure.phase}` });
    pools.options.log.debug('an outgoing request failed', {
      code: failure.code,
      phase: failure.phase,
      reason: failure.message,
    });
    throw failure;
  }
}

/** Node refuses a request that it cannot write, such as one with a line break in a header. */
function unsendable(error: Error): HttpFailure {
  return new HttpFailure('connect', 'no', 'unsendable', `The request cannot be sent: ${error.message}.`);
}

function target(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new HttpFailure('connect', 'no', 'bad_url', 'Only http:// and https:// addresses can be asked.');
  if (url.username !== '' || url.password !== '')
    throw new HttpFailure('connect', 'no', 'bad_url', 'An address to be asked has no user name and no password in it.');
  return url;
}

/** Resolves with the head of the answer; the signal stays bound to the message until its socket is free again. */
function send(request: HttpRequest, { plain, secure, options }: Pools): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { signal } = request;
  let phase: HttpPhase = 'connect';
  let outgoing: ClientRequest;
  let origin: string;
  try {
    const url = target(request.url);
    origin = url.origin;
    outgoing = begin(url, request, { plain, secure, options });
  } catch (error) {
    reject(error);
    return promise;
  }
  const connectedBy = origin.startsWith('https:') ? 'secureConnect' : 'connect';

  const fail = (failure: HttpFailure): void => {
    signal.removeEventListener('abort', abort);
    reject(failure);
  };
  let answer: IncomingMessage | null = null;
  const abort = (): void => {
    const failure = aborted(phase);
    answer?.destroy(failure);
    outgoing.destroy(failure);
    fail(failure);
  };
  signal.addEventListener('abort', abort, { once: true });

  outgoing.on('socket', (socket) => {
    const connected = (): void => {
      if (phase === 'connect') phase = 'request';
    };
    if (outgoing.reusedSocket) connected();
    else socket.once(connectedBy, connected);
  });
  outgoing.on('finish', () => {
    if (phase === 'request') phase = 'headers';
  });
  outgoing.on('error', (error) => fail(requestFailure(error, phase, origin)));
  outgoing.on('response', (message) => {
    phase = 'body';
    answer = message;
    message.on('close', () => signal.removeEventListener('abort', abort));
    resolve(message);
  });
  outgoing.on('upgrade', (_message, socket) => {
    socket.destroy();
    fail(new HttpFailure('headers', 'maybe', 'bad_upgrade', `${origin} switched to another protocol unasked.`));
  });
  outgoing.end(request.body);
  return promise;
}

function begin(
  url: URL,
  request: HttpRequest,
  { plain, secure, options }: Pick<Pools, 'plain' | 'secure' | 'options'>,
): ClientRequest {
  const tls = url.protocol === 'https:';
  return (tls ? httpsModule() : http).request({
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    path: url.pathname + url.search,
    method: request.method,
    agent: tls ? secure() : plain,
    maxHeaderSize: maxResponseHeaderBytes,
    headers: headOf(url, request),
    ...(options.resolver === undefined ? {} : { lookup: options.resolver }),
    ...(tls && options.authorities !== undefined ? { ca: options.authorities } : {}),
  });
}

/**
 * As a list Node writes them out at once, instead of keeping a table of them for as long as the answer takes. Names are
 * the same in any case, and the last of several counts: two hosts or two lengths are refused everywhere. How the message
 * is framed is not for others to say.
 */
function headOf(url: URL, { method, headers, body }: HttpRequest): string[] {
  const named = new Map([['host', url.host]]);
  for (const name in headers) named.set(name.toLowerCase(), headers[name] as string);
  named.set('accept-encoding', 'identity');
  for (const framing of ['connection', 'content-length', 'transfer-encoding']) named.delete(framing);
  if (method !== 'GET' || body !== undefined) named.set('content-length', String(Buffer.byteLength(body ?? '')));
  return [...named].flat();
}

function translate(message: IncomingMessage): HttpResponse {
  const { statusCode: status = 0 } = message;
  const encoding = message.headers['content-encoding'];
  const body = new ResponseBody(message);
  if (encoding !== undefined && encoding !== 'identity') {
    message.destroy();
    // A refusal is told by its status and headers, whatever its words were packed in.
    if (status < 300)
      throw new HttpFailure('headers', 'maybe', 'encoded', 'The answer is compressed although that was not offered.');
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  return { status, headers, body };
}
