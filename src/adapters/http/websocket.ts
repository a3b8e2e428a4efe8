import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { MintId } from '../../core/ids.ts';
import { once } from '../../core/once.ts';
import type { Clock } from '../../core/ports/system.ts';
import { RateLimiter } from './bounded.ts';
import { ClientSocket } from './client-socket.ts';
import { HttpError, httpErrorOf } from './errors.ts';
import type { Guard } from './guard.ts';
import type { Observer } from './observe.ts';
import { rawAnswer } from './raw-answer.ts';
import type { DoorContext } from './route.ts';
import { noFields } from './schemas/base.ts';
import { parseQuery, parseTarget } from './target.ts';
import { validate } from './validate.ts';
import type { Principal } from '../../core/principal.ts';

/** Sockets of one address that have not authenticated yet. */
const maxPendingPerAddress = 20;
/** Upgrades of one address per second. */
const upgradeRate = { perSecond: 100, burst: 200 };
const maxFragments = 1024;
/** Where people put tokens although URLs end up in logs and histories. */
const tokenFields = ['token', 'access_token', 'auth', 'authorization', 'api_key', 'key'];

export interface WebSocketDoorDeps {
  context: DoorContext;
  observer: Observer;
  limiter: RateLimiter;
  clock: Clock;
  mintId: MintId;
  guard: () => Guard;
}

/** `GET /ws`: the same checks as for any request, before the upgrade; then one `ClientSocket` each. */
export class WebSocketDoor {
  readonly #deps: WebSocketDoorDeps;
  /** The library is loaded for the first client. */
  readonly #server = once(async () => {
    const { WebSocketServer } = await import('ws');
    return new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // 8 KB and 22 µs per message saved, and no bombs: text frames here are small.
      perMessageDeflate: false,
      maxFragments,
    });
  });
  readonly #upgrades: RateLimiter;
  readonly #clients = new Set<ClientSocket>();
  readonly #pending = new Map<Duplex, string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: WebSocketDoorDeps) {
    this.#deps = deps;
    this.#upgrades = new RateLimiter(upgradeRate, deps.clock);
  }

  get size(): number {
    return this.#clients.size;
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { observer, mintId } = this.#deps;
    socket.on('error', () => {});
    try {
      const address = this.#check(request);
      const principal = await this.#principal(request, address);
      const server = await this.#server();
      if (socket.destroyed) return;
      if (principal === null) this.#wait(socket, address);
      server.options.maxPayload = this.#deps.context.options().maxBodyBytes;
      server.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws, socket, address, principal));
    } catch (error) {
      const { status, code, message, headers } = httpErrorOf(error);
      observer.refused.add(1, { reason: code });
      rawAnswer(socket, status, code, message, mintId('req'), headers);
    }
  }

  /** Closes every socket with 1012; those that do not answer are cut off by their own clock. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const client of this.#clients) client.stop();
  }

  /** The client's address. */
  #check(request: IncomingMessage): string {
    const { context, guard } = this.#deps;
    const target = parseTarget(request.url ?? '');
    guard().host(request, false);
    guard().origin(request, false);
    const address = guard().address(request);
    if (context.stopping())
      throw new HttpError(503, 'shutting_down', 'The gateway is stopping; try again in a moment.');
    if (!this.#upgrades.allows(address)) {
      throw new HttpError(429, 'rate_limited', 'Too many connections per second from this address.');
    }
    const query = parseQuery(target.query);
    if (tokenFields.some((name) => name in query)) {
      throw new HttpError(401, 'unauthorized', 'A token is never taken from a URL; send the header or an auth frame.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    if (target.path !== '/ws') throw new HttpError(404, 'not_found', 'The WebSocket is at /ws.');
    validate(noFields(), query);
    return address;
  }

  async #principal(request: IncomingMessage, address: string): Promise<Principal | null> {
    if (request.headers.authorization === undefined) return null;
    return this.#deps.context.authenticator.request(request, address);
  }

  /** Counts a socket as not authenticated until it is, or closes. */
  #wait(socket: Duplex, address: string): void {
    let mine = 0;
    for (const other of this.#pending.values()) if (other === address) mine++;
    if (mine >= maxPendingPerAddress || this.#pending.size >= this.#deps.context.options().limits.pendingAuth) {
      throw new HttpError(503, 'too_many_pending', 'Too many sockets have not authenticated yet.');
    }
    this.#pending.set(socket, address);
    socket.once('close', () => this.#pending.delete(socket));
  }

  #welcome(ws: WebSocket, socket: Duplex, address: string, principal: Principal | null): void {
    const { context, observer, limiter, clock } = this.#deps;
    const { gateway, channelTypes, version, timings } = context;
    const client = new ClientSocket(
      ws,
      socket,
      {
        gateway,
        clock,
        channelTypes,
        version,
        authMs: timings.authMs,
        authenticate: (token) => context.authenticator.token(token, address),
        allows: ({ id }) => limiter.allows(id),
        onAuthenticated: () => this.#pending.delete(socket),
        onRefused: (reason) => observer.refused.add(1, { reason }),
      },
      principal,
    );
    this.#clients.add(client);
    ws.once('close', () => this.#clients.delete(client));
    this.#timer ??= setInterval(() => {
      for (const each of this.#clients) each.ping();
    }, timings.pingMs).unref();
  }
}
