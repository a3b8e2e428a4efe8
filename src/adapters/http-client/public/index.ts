/**
 * The one way out to addresses that a model, a chat user or a page chose. The port's comment says what it promises; what
 * a URL may be is in core/public-url.ts, what an address may be in core/public-address.ts.
 */
import type { IncomingMessage } from 'node:http';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { PublicHttpClient, PublicRequest, PublicResponse } from '../../../core/ports/public-http.ts';
import { judgeUrl, type UrlRules } from '../../../core/public-url.ts';
import type { Counter, Log, Metrics } from '../../../core/ports/system.ts';
import { aborted } from '../failure.ts';
import { decodedBody } from './decoded-body.ts';
import { exchange, type ExchangeOptions, type Hop } from './exchange.ts';
import { Places } from './places.ts';
import { redirected } from './redirect.ts';

export interface PublicHttpOptions extends ExchangeOptions {
  /** Asked for each request, as a reload changes them. */
  rules: () => UrlRules;
  log: Log;
  metrics: Metrics;
}

const maxRedirects = 5;

const dropped = new Set(['connection', 'content-encoding', 'keep-alive', 'set-cookie', 'trailer', 'transfer-encoding']);

export function createPublicHttpClient(options: PublicHttpOptions): PublicHttpClient {
  const log = options.log.with({ component: 'public_http' });
  const requests = options.metrics.counter('http_client_requests_total', 'Outgoing HTTP requests by outcome.');
  const places = new Places();
  return {
    async request(request) {
      const time = new Deadline(request);
      try {
        await places.enter(time.signal);
        time.whenOver(() => places.leave());
        const response = await follow(request, options, time);
        requests.add(1, { outcome: `${Math.floor(response.status / 100)}xx` });
        return response;
      } catch (error) {
        time.end();
        count(error, requests, log);
        throw error;
      }
    },
  };
}

function count(error: unknown, requests: Counter, log: Log): void {
  if (!(error instanceof HttpFailure)) return;
  requests.add(1, { outcome: error.code === 'aborted' ? 'aborted' : `failed_${error.phase}` });
  log.debug('a public address was not asked, or did not answer', { code: error.code, phase: error.phase });
}

/** The time of a whole request, redirects and body included, and the caller's wish to end it. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #whenOver: (() => void) | null = null;
  #over = false;

  constructor({ signal, timeoutMs }: PublicRequest) {
    this.#caller = signal;
    this.#timer = setTimeout(() => this.#abort(timedOut(timeoutMs)), timeoutMs);
    if (signal.aborted) this.#leave();
    else signal.addEventListener('abort', this.#leave, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Nothing is waited for any more; may be called twice. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#leave);
    this.#whenOver?.();
  }

  /** At the end, or now when that was already. */
  whenOver(action: () => void): void {
    if (this.#over) action();
    else this.#whenOver = action;
  }

  readonly #leave = (): void => this.#abort(aborted('body'));

  #abort(reason: HttpFailure): void {
    this.#controller.abort(reason);
    this.end();
  }
}

const timedOut = (ms: number): HttpFailure =>
  new HttpFailure('body', 'maybe', 'timed_out', `The whole answer was not there within ${ms / 1000} s.`);

async function follow(request: PublicRequest, options: PublicHttpOptions, time: Deadline): Promise<PublicResponse> {
  const rules = options.rules();
  const judge = (text: string, mayReachPrivate: boolean): { url: URL; private: boolean } => {
    const judged = judgeUrl(text, rules, mayReachPrivate);
    if ('code' in judged) throw new HttpFailure('connect', 'no', judged.code, judged.message);
    return judged;
  };
  let hop: Hop = {
    ...judge(request.url, request.mayReachPrivate),
    method: request.method,
    headers: { accept: '*/*', 'user-agent': 'open-clanker', ...lowerCased(request.headers ?? {}) },
    body: request.body,
  };
  for (let followed = 0; ; followed++) {
    const message = await exchange(hop, options, time.signal);
    const next = redirected(hop, message, judge);
    if (next === null) return respond(hop, message, request.maxBytes, time);
    message.destroy();
    if (followed === maxRedirects)
      throw new HttpFailure('headers', 'maybe', 'too_many_redirects', `It redirects more than ${maxRedirects} times.`);
    hop = next;
  }
}

/** What belongs to the connection is not the caller's to say. */
const reserved =
  /^(host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept-encoding|proxy-.*)$/;

function lowerCased(headers: Record<string, string>): Record<string, string> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(named.filter(([name]) => !reserved.test(name)));
}

function respond({ method, url }: Hop, message: IncomingMessage, maxBytes: number, time: Deadline): PublicResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined && !dropped.has(name)) headers[name] = typeof value === 'string' ? value : value.join(', ');
  if (method !== 'HEAD' && Number(message.headers['content-length'] ?? 0) > maxBytes) {
    message.destroy();
    throw new HttpFailure('headers', 'maybe', 'too_large', `The answer is larger than ${maxBytes} bytes.`);
  }
  const place = new URL(url);
  place.hash = '';
  message.once('close', () => time.end());
  const body = decodedBody(message, maxBytes);
  // Nobody reads what is not there.
  if (method === 'HEAD') message.resume();
  return { status: message.statusCode ?? 0, url: place.href, headers, body };
}
