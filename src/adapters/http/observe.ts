import type { Counter, Histogram, Log, Metrics } from '../../core/ports/system.ts';
import type { Exchange } from './exchange.ts';

/** The door's figures and access log. Labels are route patterns and codes of ours, so their number is bounded. */
export class Observer {
  readonly #requests: Counter;
  readonly #seconds: Histogram;
  readonly #log: Log;
  readonly refused: Counter;
  readonly authFailures: Counter;

  constructor(metrics: Metrics, log: Log) {
    this.#requests = metrics.counter('http_requests_total', 'HTTP requests, by route, method and status.');
    this.#seconds = metrics.histogram('http_request_seconds', 'Time until an HTTP answer was complete, by route.');
    this.refused = metrics.counter('http_refused_total', 'Requests and sockets turned away, by reason.');
    this.authFailures = metrics.counter('http_auth_failures_total', 'Wrong tokens, by what came of them.');
    this.#log = log.with({ component: 'http' });
  }

  /** Once per request, when its answer is complete or its client left. */
  finished(exchange: Exchange, nowMs: number): void {
    const { request, response, label, requestId, correlationId, startedAt } = exchange;
    const method = knownMethods.has(request.method ?? '') ? (request.method ?? '') : 'other';
    const status = response.writableFinished ? response.statusCode : 499;
    const ms = Math.max(0, nowMs - startedAt);
    this.#requests.add(1, { route: label, method, status: String(status) });
    this.#seconds.observe(ms / 1000, { route: label });
    const fields = {
      ...(correlationId === null ? {} : { correlation_id: correlationId }),
      request_id: requestId,
      method,
      route: label,
      status,
      ms: Math.round(ms),
      address: exchange.address,
    };
    if (status >= 500) this.#log.info('a request failed', fields);
    else this.#log.debug('a request was answered', fields);
  }

  /** What broke inside; the client is told only `internal`. */
  broke(error: unknown, requestId: string): void {
    this.#log.error('a request handler failed', { request_id: requestId, error });
  }
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH']);
