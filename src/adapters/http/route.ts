import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from '../../core/once.ts';
import type { Gateway } from '../../core/ports/gateway.ts';
import type { Metrics } from '../../core/ports/system.ts';
import type { Principal, Scope } from '../../core/principal.ts';
import type { Authenticator } from './authenticate.ts';
import type { ErrorStyle } from './errors.ts';
import type { Shape, Wire } from './schemas/base.ts';
import type { HttpServerOptions, HttpTimings } from './settings.ts';
import type { HookLimits } from './hook-limits.ts';
import type { EventStreams } from './sse.ts';

/** What handlers work with. */
export interface DoorContext {
  gateway: Gateway;
  metrics: Metrics;
  authenticator: Authenticator;
  streams: EventStreams;
  hooks: HookLimits;
  /** Channel types, to tell a channel session's key from a client's. */
  channelTypes: ReadonlySet<string>;
  version: string;
  timings: HttpTimings;
  options(): HttpServerOptions;
  /** True once the server drains: what it cuts then was not left by its client. */
  stopping(): boolean;
}

/** The names in `/a/{id}/b`. `id` is any id, `key` a session key. */
type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

/** One validated request, as a handler sees it. */
export interface Call<Path extends string, Query, Body, Caller> {
  principal: Caller;
  address: string;
  params: Record<ParamNames<Path>, string>;
  query: Query;
  body: Body;
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  context: DoorContext;
  /** Names the message that the request is about, so that the log of the request can be found by it. */
  about: (messageId: string) => void;
  /** Calls back once when the client leaves before its answer is complete (at once when it has left already). */
  onGone: (callback: () => void) => void;
}

/** What a handler gives back. `stream` writes the rest itself and resolves when it is done. */
export type Reply =
  | { status: number; json: unknown; headers?: Record<string, string> }
  | { status: number; type: string; text: string; headers?: Record<string, string> }
  | { status: number; type: string; stream: (response: ServerResponse) => Promise<void> };

export const json = (body: unknown, status = 200): Reply => ({ status, json: body });

/** What may be answered, for the document: a schema for JSON, a media type for anything else. */
export interface AnswerDoc {
  description: string;
  schema?: Shape;
  type?: string;
}

type Parsed<S> = S extends Shape ? Wire<S> : undefined;

interface RouteOf<
  Path extends string,
  Q extends Shape | undefined,
  B extends Shape | 'raw' | undefined,
  S extends Scope | null,
> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: Path;
  summary: string;
  /** Null: no token needed. */
  scope: S;
  query?: Q;
  /** `raw`: the handler reads the body itself. */
  body?: B;
  /** Request headers that change what the route does, with what they mean. */
  headers?: Record<string, string>;
  answers: Record<number, AnswerDoc | AnswerDoc[]>;
  errorStyle?: ErrorStyle;
  /** Skips the Host allow-list, for probes that know only an address. */
  anyHost?: boolean;
  /** A page of ours: may be opened by a link on another site. */
  page?: boolean;
  handle(call: Call<Path, Parsed<Q>, Parsed<B>, S extends null ? Principal | null : Principal>): Promise<Reply> | Reply;
}

/** A route of the table, its types erased: the server has validated by the schemas before it calls `handle`. */
export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  summary: string;
  scope: Scope | null;
  query?: Shape | undefined;
  body?: Shape | 'raw' | undefined;
  headers?: Record<string, string>;
  answers: Record<number, AnswerDoc | AnswerDoc[]>;
  errorStyle?: ErrorStyle;
  anyHost?: boolean;
  page?: boolean;
  handle(call: Call<string, unknown, unknown, Principal | null>): Promise<Reply> | Reply;
}

/** Defines a route; the handler's types come from its path and shapes. What it accepts is made with its first request. */
export function route<
  const Path extends string,
  S extends Scope | null,
  Q extends Shape | undefined = undefined,
  B extends Shape | 'raw' | undefined = undefined,
>(definition: RouteOf<Path, Q, B, S>): Route {
  const { query, body } = definition;
  return {
    ...definition,
    query: query === undefined ? query : once(query),
    body: typeof body === 'function' ? once(body) : body,
  };
}
