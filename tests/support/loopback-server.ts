/** What the strict platform servers of the tests share: an HTTP server on loopback whose answers can go wrong. */
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Asked {
  method: string;
  /** Unescaped segments of the path. */
  path: string[];
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
  /** The body as JSON; an empty object when it is none. */
  json: Record<string, unknown>;
  request: IncomingMessage;
  response: ServerResponse;
}

export interface Answered {
  status: number;
  json?: unknown;
  bytes?: Uint8Array;
  headers?: Record<string, string>;
}

/** `null`: the handler answers by itself, now or later. `cut`: the connection ends without an answer. */
export type Handler = (asked: Asked) => Answered | 'cut' | null | Promise<Answered | 'cut' | null>;

export class LoopbackServer {
  readonly http: http.Server;
  readonly #sockets = new Set<Socket>();

  constructor(handle: Handler) {
    this.http = http.createServer((request, response) => void this.#serve(handle, request, response));
    this.http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    });
  }

  async listen(): Promise<this> {
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    if (!this.http.listening) return;
    const closed = once(this.http, 'close');
    this.http.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(handle: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const url = new URL(request.url ?? '/', 'http://loopback');
      const path = url.pathname.split('/').slice(1).map(decodeURIComponent);
      const { method = 'GET', headers } = request;
      const asked = { method, path, query: url.searchParams, headers, body, json: objectIn(body), request, response };
      const answer = await handle(asked);
      if (answer === 'cut') request.socket.resetAndDestroy();
      else if (answer !== null) reply(response, answer);
    } catch {
      request.socket.destroy();
    }
  }
}

export function reply(response: ServerResponse, { status, json, bytes, headers = {} }: Answered): void {
  if (response.destroyed || response.writableEnded) return;
  const type = bytes === undefined ? 'application/json' : 'application/octet-stream';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(bytes ?? (json === undefined ? '' : JSON.stringify(json)));
}

function objectIn(body: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

let cuts = 0;

/** Cut, every other time without a goodbye. */
export function cut(socket: Socket): void {
  if (cuts++ % 2 === 0) socket.resetAndDestroy();
  else socket.end();
}
