import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClankerError } from '../../core/errors.ts';
import { type MintId } from '../../core/ids.ts';
import type { Clock } from '../../core/ports/system.ts';
import { type Principal, requireScope, type Scope } from '../../core/principal.ts';
import type { RateLimiter } from './bounded.ts';
import { hasBody, readJson } from './body.ts';
import { HttpError, httpErrorOf } from './errors.ts';
import { Exchange } from './exchange.ts';
import type { Guard } from './guard.ts';
import type { Observer } from './observe.ts';
import type { DoorContext, Reply, Route } from './route.ts';
import { type Match, parseParams, type Router } from './router.ts';
import { noFields } from './schemas/base.ts';
import { parseQuery, parseTarget, type Target } from './target.ts';
import { validate } from './validate.ts';

const safeRequestId = /^[A-Za-z0-9_.:-]{1,64}$/;
/** Where nothing is said, not even whether a route exists, before a token was shown. */
const guardedPrefix = /^\/(?:api|v1)(?:\/|$)/;
const corsMethods = 'GET, HEAD, POST, PATCH, DELETE';
const corsHeaders = 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, MCP-Protocol-Version, X-Request-Id';

export interface DoorDeps {
  context: DoorContext;
  router: Router;
  observer: Observer;
  limiter: RateLimiter;
  clock: Clock;
  mintId: MintId;
  guard: () => Guard;
}

/** Takes one request from the socket to its answer. The checks run in the contract's order: Host, Origin, token, scope, route. */
export class Door {
  readonly #deps: DoorDeps;

  constructor(deps: DoorDeps) {
    this.#deps = deps;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, mintId, observer } = this.#deps;
    const asked = request.headers['x-request-id'];
    const requestId = typeof asked === 'string' && safeRequestId.test(asked) ? asked : mintId('req');
    const exchange = new Exchange(request, response, requestId, clock.monotonic());
    response.once('close', () => observer.finished(exchange, clock.monotonic()));
    response.on('error', ignore);
    try {
      const reply = await this.#answer(exchange);
      this.#sayIfLast(response);
      if (reply !== null) await exchange.reply(reply);
    } catch (error) {
      if (!(error instanceof HttpError) && !(error instanceof ClankerError)) observer.broke(error, requestId);
      const refusal = httpErrorOf(error);
      if (refusal.status < 500) observer.refused.add(1, { reason: refusal.code });
      this.#sayIfLast(response);
      exchange.refuse(refusal);
    }
  }

  /** Nobody should send another request on a connection that a stopping server is about to close. */
  #sayIfLast(response: ServerResponse): void {
    if (this.#deps.context.stopping()) response.shouldKeepAlive = false;
  }

  /** Null when it was answered here. */
  async #answer(exchange: Exchange): Promise<Reply | null> {
    const { context, router, guard } = this.#deps;
    const { request } = exchange;
    const method = request.method ?? '';
    const target = parseTarget(request.url ?? '');
    const match = router.match(method, target.path);
    const route = match.kind === 'found' ? match.route : null;
    exchange.label = route?.path ?? 'none';
    exchange.style = target.path.startsWith('/v1/') ? 'openai' : 'native';

    guard().host(request, route?.anyHost === true);
    exchange.origin = guard().origin(request, route?.page === true);
    exchange.address = guard().address(request);
    if (context.stopping() && route?.anyHost !== true) throw shuttingDown();
    if (method === 'OPTIONS' && isPreflight(exchange)) {
      exchange.empty(204, {
        'Access-Control-Allow-Methods': corsMethods,
        'Access-Control-Allow-Headers': corsHeaders,
        'Access-Control-Max-Age': '600',
      });
      return null;
    }

    const principal = await this.#principal(exchange, route, target);
    if (target.problem !== null) throw target.problem;
    if (match.kind !== 'found') throw noRoute(match);
    return this.#call(exchange, match, target, principal);
  }

  /** Token, then rate, then scope. */
  async #principal(exchange: Exchange, route: Route | null, target: Target): Promise<Principal | null> {
    const { context, limiter } = this.#deps;
    const { request, address } = exchange;
    const needed = scopeNeeded(route, target, request.method ?? '');
    if (needed === null && (route === null || request.headers.authorization === undefined)) return null;
    // A probe with an outdated token must not look like a dead gateway: it is answered like one without. A guess still counts.
    const asked = context.authenticator.request(request, address);
    if (needed === null && route !== null) return asked.catch(() => null);
    const principal = await asked;
    // Only now: the shape of an error would tell a stranger that the route exists.
    if (route?.errorStyle !== undefined) exchange.style = route.errorStyle;
    if (!limiter.allows(principal.id)) {
      throw new HttpError(
        429,
        'rate_limited',
        'Too many requests for this token; see server.limits.requests_per_second.',
        {
          headers: { 'Retry-After': String(Math.max(1, Math.ceil(limiter.waitMs(principal.id) / 1000))) },
        },
      );
    }
    if (needed !== null) requireScope(principal, needed);
    return principal;
  }

  async #call(
    exchange: Exchange,
    { route, params }: Extract<Match, { kind: 'found' }>,
    target: Target,
    principal: Principal | null,
  ): Promise<Reply> {
    const { context } = this.#deps;
    const { request, response, requestId, address } = exchange;
    const query = parseQuery(target.query);
    const call = {
      principal,
      address,
      params: parseParams(params),
      query: validate((route.query ?? noFields)(), query),
      body: await this.#body(route, request, response),
      request,
      response,
      requestId,
      context,
      about: (messageId: string): void => {
        exchange.correlationId = messageId;
      },
      onGone: (callback: () => void): void => {
        if (response.destroyed) callback();
        else response.once('close', () => void (response.writableFinished || callback()));
      },
    };
    return route.handle(call);
  }

  async #body(route: Route, request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const { method } = request;
    const wanted = route.body !== undefined && (method === 'POST' || method === 'PATCH');
    if (route.body === 'raw' || (!wanted && !hasBody(request))) return undefined;
    const { context } = this.#deps;
    const limits = { maxBytes: context.options().maxBodyBytes, timeoutMs: context.timings.bodyMs };
    return validate((route.body ?? noFields)(), await readJson(request, response, limits));
  }
}

const ignore = (): void => {};

function scopeNeeded(route: Route | null, target: Target, method: string): Scope | null {
  if (route !== null) return route.scope;
  if (!guardedPrefix.test(target.path)) return null;
  return method === 'GET' || method === 'HEAD' ? 'read' : 'send';
}

/** Only from an origin that may call: others were refused before. */
const isPreflight = ({ origin, request }: Exchange): boolean =>
  origin !== null && request.headers['access-control-request-method'] !== undefined;

const noRoute = (match: Exclude<Match, { kind: 'found' }>): HttpError =>
  match.kind === 'wrong_method'
    ? new HttpError(405, 'method_not_allowed', `This path takes ${match.allow}.`, { headers: { Allow: match.allow } })
    : new HttpError(404, 'not_found', 'There is no such route; GET /openapi.json lists them.');

const shuttingDown = (): HttpError =>
  new HttpError(503, 'shutting_down', 'The gateway is stopping; try again in a moment.', {
    headers: { 'Retry-After': '1' },
    close: true,
  });
