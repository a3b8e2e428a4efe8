import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Gateway } from '../../core/ports/gateway.ts';
import type { Clock, Log, Metrics, Service } from '../../core/ports/system.ts';
import { normalAddress } from './addresses.ts';
import { Authenticator } from './authenticate.ts';
import { RateLimiter } from './bounded.ts';
import { Door } from './door.ts';
import { Guard } from './guard.ts';
import { HookLimits } from './hook-limits.ts';
import { Observer } from './observe.ts';
import { rawAnswer } from './raw-answer.ts';
import type { DoorContext } from './route.ts';
import { Router } from './router.ts';
import { routeTable } from './routes/index.ts';
import { defaultHttpTimings, type HttpServerOptions, type HttpTimings } from './settings.ts';
import { EventStreams } from './sse.ts';
import { WebSocketDoor } from './websocket.ts';

/** Requests of one socket that may be under way at once; more is an abuse of pipelining. */
const maxPipelined = 64;
const maxHeaderBytes = 16_384;

export interface HttpServerDeps {
  gateway: Gateway;
  options: HttpServerOptions;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  mintId: MintId;
  version: string;
  channelTypes: ReadonlySet<string>;
  timings?: Partial<HttpTimings>;
}

export interface HttpServer extends Service {
  /** Where it listens, once started: `http://127.0.0.1:18789`. */
  url(): string;
  /**
   * Takes effect for the next request, a new certificate for the next connection. Host, port, and whether there is TLS at
   * all stay what they were at the start. Open sockets stay, too.
   */
  reconfigure(options: HttpServerOptions): void;
}

const rateOf = ({ limits }: HttpServerOptions): { perSecond: number; burst: number } => ({
  perSecond: limits.requestsPerSecond,
  burst: limits.requestsPerSecond,
});

/** HTTP and WebSocket on one port. Everything it serves goes through the gateway port. */
export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const { gateway, metrics, clock, log, version, channelTypes, mintId } = deps;
  const timings = { ...defaultHttpTimings, ...deps.timings };
  let options = deps.options;
  let guard = new Guard(options);
  let stopping = false;

  const observer = new Observer(metrics, log);
  const limiter = new RateLimiter(rateOf(options), clock);
  const streams = new EventStreams(timings.heartbeatMs, () => observer.refused.add(1, { reason: 'slow_consumer' }));
  const context: DoorContext = {
    gateway,
    metrics,
    authenticator: new Authenticator(gateway, clock, observer.authFailures),
    streams,
    hooks: new HookLimits(clock, limiter, timings.hookPlaceMs),
    channelTypes,
    version,
    timings,
    options: () => options,
    stopping: () => stopping,
  };
  const shared = { context, observer, limiter, clock, mintId, guard: () => guard };
  const door = new Door({ ...shared, router: new Router(routeTable(version)) });
  const webSockets = new WebSocketDoor(shared);

  const server = listener(options, timings);
  const sockets = new Set<Duplex>();
  const perAddress = new Map<string, number>();
  metrics.observe('http_connections', 'Open sockets, WebSockets included.', () => sockets.size);
  metrics.observe('http_websockets', 'Open WebSockets.', () => webSockets.size);
  metrics.observe('http_event_streams', 'Open event streams.', () => streams.size);

  server.on('request', (request, response) => {
    const { socket } = request;
    const underway = (pipelined.get(socket) ?? 0) + 1;
    if (underway > maxPipelined) {
      observer.refused.add(1, { reason: 'pipelining' });
      socket.destroy();
      return;
    }
    pipelined.set(socket, underway);
    response.once('close', () => {
      const left = (pipelined.get(socket) ?? 1) - 1;
      pipelined.set(socket, left);
      // Kept alive, it would hold up the stop for requests that are not taken any more.
      if (stopping && left === 0) socket.destroySoon();
    });
    void door.handle(request, response);
  });
  server.on('upgrade', (request, socket, head) => void webSockets.upgrade(request, socket, head));
  // The handler invites the body itself, once it wants it.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  // Any other expectation may be passed over (RFC 9110, section 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    observer.refused.add(1, { reason: 'malformed' });
    rawAnswer(socket, ...clientErrorAnswer(error.code), mintId('req'));
  });
  server.on('connection', (socket: Socket) => {
    const address = normalAddress(socket.remoteAddress ?? '');
    const open = perAddress.get(address) ?? 0;
    if (sockets.size >= options.limits.connections || open >= options.limits.connectionsPerIp) {
      observer.refused.add(1, { reason: 'connections' });
      // Before the TLS handshake there is no way to say so.
      if (options.tls !== null) {
        socket.destroy();
        return;
      }
      rawAnswer(socket, 503, 'too_many_connections', 'Too many connections are open.', mintId('req'));
      return;
    }
    sockets.add(socket);
    perAddress.set(address, open + 1);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
  });

  return {
    name: 'http',
    async start(signal) {
      signal.throwIfAborted();
      await listen(server, options);
    },
    async stop(deadlineMs) {
      if (stopping) return;
      stopping = true;
      webSockets.stop();
      streams.endEndless();
      await drain(server, sockets, streams, deadlineMs);
    },
    url: () => urlOf(server, options),
    reconfigure({ tls, ...next }) {
      if (tls !== null && 'setSecureContext' in server) (server as SecureServer).setSecureContext(secured(tls));
      const { host, port } = options;
      options = { ...next, host, port, tls: options.tls };
      guard = new Guard(options);
      limiter.rate = rateOf(options);
    },
  };
}

const pipelined = new WeakMap<Socket, number>();

const secured = (tls: NonNullable<HttpServerOptions['tls']>) => ({ ...tls, minVersion: 'TLSv1.2' as const });

function listener(options: HttpServerOptions, timings: HttpTimings): Server {
  const settings: ServerOptions = {
    headersTimeout: timings.headersMs,
    // Bodies have clocks of their own: an upload may take longer than a question.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, timings.headersMs),
    keepAliveTimeout: timings.keepAliveMs,
    maxHeaderSize: maxHeaderBytes,
    noDelay: true,
    insecureHTTPParser: false,
    // The guard says it as every other error is said.
    requireHostHeader: false,
    // Any other protocol offered in passing (h2c) is not taken up; the request is answered as it is.
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const { tls } = options;
  const server =
    tls === null
      ? createPlainServer(settings)
      : process.getBuiltinModule('node:https').createServer({ ...settings, ...secured(tls) });
  // Node would drop what exceeds this in silence; the guard counts and refuses instead.
  server.maxHeadersCount = 0;
  return server;
}

function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const words =
        error.code === 'EADDRINUSE'
          ? `Port ${port} is in use; stop what listens there, or choose another with server.port or --port.`
          : error.code === 'EACCES'
            ? `Port ${port} may not be opened by this user; choose one above 1023 with server.port or --port.`
            : `The server cannot listen on ${host} port ${port} (${error.code ?? error.message}); see server.host.`;
      reject(
        new ClankerError('config', error.code === 'EADDRINUSE' ? 'port_in_use' : 'cannot_listen', words, {
          cause: error,
        }),
      );
    };
    server.once('error', onError);
    server.listen({ host: host.replaceAll(/^\[|\]$/g, ''), port }, () => {
      server.removeListener('error', onError);
      resolve();
    });
  });
}

function urlOf(server: Server, { tls }: HttpServerOptions): string {
  const address = server.address() as AddressInfo | null;
  if (address === null) throw new Error('the server does not listen');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${tls === null ? 'http' : 'https'}://${host}:${address.port}`;
}

/** No new connections, idle ones end, answers under way are finished until the deadline. */
async function drain(server: Server, sockets: Set<Duplex>, streams: EventStreams, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => {
    streams.sayGoodbye();
    // What was just written gets one turn of the loop to leave.
    setImmediate(() => {
      for (const socket of sockets) socket.destroy();
    });
  }, deadlineMs);
  await closed;
  clearTimeout(timer);
  streams.stop();
}

function clientErrorAnswer(code: string | undefined): [status: number, code: string, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'headers_too_large', 'The request headers are too large.'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'too_large', 'The chunk extensions are too large.'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'timeout', 'The request took too long.'];
    default:
      return [400, 'bad_request', 'The request is not well-formed HTTP/1.1.'];
  }
}
