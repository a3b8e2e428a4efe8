import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../core/ports/http-client.ts';
import type { Counter, Log, Metrics } from '../../core/ports/system.ts';
import { Connector, type ConnectOptions } from './connect.ts';
import type { Connection } from './connection.ts';
import { Exchange } from './exchange.ts';
import { aborted } from './failure.ts';
import { Pool } from './pool.ts';
import { headOf, targetOf } from './request-head.ts';

export interface HttpClientOptions extends ConnectOptions {
  log: Log;
  metrics: Metrics;
}

export interface NodeHttpClient extends HttpClient {
  /** Destroys every socket; requests under way fail. */
  close(): void;
}

/** The product's one HTTP client, HTTP/1.1 over node:net and node:tls. The port's comment says what it promises. */
export function createHttpClient(options: HttpClientOptions): NodeHttpClient {
  const log = options.log.with({ component: 'http_client' });
  const requests = options.metrics.counter('http_client_requests_total', 'Outgoing HTTP requests by outcome.');
  const connector = new Connector(options);
  const pool = new Pool((url, of) => connector.connect(url, of));
  return {
    request: (request) => told(exchange(request, pool), requests, log),
    close: () => pool.close(),
  };
}

/** Holds no request while its answer is waited for: a hundred of them are a heap of text. */
async function told(answer: Promise<HttpResponse>, requests: Counter, log: Log): Promise<HttpResponse> {
  try {
    const response = await answer;
    requests.add(1, { outcome: `${Math.floor(response.status / 100)}xx` });
    return response;
  } catch (error) {
    if (error instanceof HttpFailure) {
      const { code, phase, message } = error;
      requests.add(1, { outcome: code === 'aborted' ? 'aborted' : `failed_${phase}` });
      log.debug('an outgoing request failed', { code, phase, reason: message });
    }
    throw error;
  }
}

function exchange(request: HttpRequest, pool: Pool): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const { body, signal } = request;
  try {
    const url = targetOf(request.url);
    const head = headOf(url, request);
    if (signal.aborted) throw aborted('connect');
    const begin = (connection: Connection): void =>
      connection.send(head, body, new Exchange(url.origin, connection, signal, resolve, reject));
    const take = (): void => {
      const taken = pool.take(url, signal);
      if (!(taken instanceof Promise)) return begin(taken);
      // From its being handed over to now it may have ended, or nobody wants it any more.
      const handed = (connection: Connection): void => {
        if (!signal.aborted) return connection.open ? begin(connection) : take();
        connection.drop();
        reject(aborted('connect'));
      };
      taken.then(handed).catch(reject);
    };
    take();
  } catch (error) {
    reject(error);
  }
  return promise;
}
