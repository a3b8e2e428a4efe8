/**
 * A reverse proxy on loopback that breaks connections on demand, request by request, at the level of the socket. It
 * reads HTTP only to know which request a fault is meant for; what it does to the answer is raw bytes.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './daemon.ts';

/** What happens to one request. Those up to `unanswered` reach the peer, those from `reset` on never do. */
export type Fault =
  | { mode: 'pass' }
  /** Everything later by so much. */
  | { mode: 'latency'; ms: number }
  /** The peer gets the request twice; the first answer counts. */
  | { mode: 'duplicate' }
  /** The answer a few bytes at a time. */
  | { mode: 'trickle'; bytes: number; ms: number }
  /** The answer ends after so many bytes: closed, or with `reset` torn down. */
  | { mode: 'cut'; bytes: number; reset?: boolean }
  /** The peer answered; the client's connection is reset instead. */
  | { mode: 'lost' }
  /** The peer answered; the client is told 502. */
  | { mode: 'late_502' }
  /** The peer answered; the client hears nothing, and the connection stays open. */
  | { mode: 'unanswered' }
  /** The connection is reset before the peer sees anything. */
  | { mode: 'reset' }
  /** Nothing is forwarded or answered, and the connection stays open: the other end of the cable is gone. */
  | { mode: 'half_open' }
  /** An answer of the proxy's own. */
  | { mode: 'status'; status: number; body: string; headers?: Record<string, string> }
  /** Bytes that are no HTTP. */
  | { mode: 'garbage' };

export class FaultProxy {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #planned: { fault: Fault; path: RegExp }[] = [];
  #fault: Fault = { mode: 'pass' };
  #path = /^/;
  #server = http.createServer();
  /** Nobody else is given it while it is closed. */
  #port: number | null = null;
  /** Requests met by each mode so far. */
  readonly met: Partial<Record<Fault['mode'], number>> = {};
  connections = 0;

  constructor(targetPort: number) {
    this.#target = targetPort;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Until changed, for every request whose path matches. */
  set(fault: Fault, path = /^/): void {
    this.#fault = fault;
    this.#path = path;
  }

  /** For the next `count` requests whose path matches, before what `set` says. */
  next(count: number, fault: Fault, path = /^/): void {
    for (let i = 0; i < count; i++) this.#planned.push({ fault, path });
  }

  /** Passes everything again. Connections that hang stay as they are. */
  heal(): void {
    this.#planned.length = 0;
    this.#fault = { mode: 'pass' };
  }

  /** Tears down every open connection, as a router that reboots. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** New connections are refused until `accept`. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.resetAll();
    await closed;
  }

  async accept(): Promise<this> {
    this.#port ??= await freePort();
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #faultFor(path: string): Fault {
    const at = this.#planned.findIndex((planned) => planned.path.test(path));
    const fault = at === -1 ? undefined : this.#planned.splice(at, 1)[0]?.fault;
    const chosen = fault ?? (this.#path.test(path) ? this.#fault : { mode: 'pass' as const });
    this.met[chosen.mode] = (this.met[chosen.mode] ?? 0) + 1;
    return chosen;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const fault = this.#faultFor(request.url ?? '');
      if (fault.mode === 'half_open') return;
      if (fault.mode === 'reset') return void socket.resetAndDestroy();
      if (fault.mode === 'garbage') return void socket.end('\u0000\u0001 this is not HTTP\r\n\r\n');
      if (fault.mode === 'status') {
        response.writeHead(fault.status, fault.headers).end(fault.body);
        return;
      }
      if (fault.mode === 'latency') await sleep(fault.ms);
      const body = Buffer.concat(chunks);
      if (fault.mode === 'duplicate') {
        // The twin may be refused or cut off with the client; only the first answer counts.
        this.#forward(request, body, socket).then(
          (twin) => twin.resume().on('error', () => undefined),
          () => undefined,
        );
      }
      const answer = await this.#forward(request, body, socket);
      await deliver(fault, answer, response, socket);
    } catch {
      socket.destroy(); // Either side left; the other learns it by its socket.
    }
  }

  /** Ends with the client: a poll that was given up must not go on upstream. */
  async #forward(request: IncomingMessage, body: Buffer, client: Socket): Promise<IncomingMessage> {
    const { method, url, headers } = request;
    const upstream = http.request({ port: this.#target, host: '127.0.0.1', method, path: url, headers, agent: false });
    const end = (): void => void upstream.destroy();
    client.once('close', end);
    upstream.once('close', () => client.off('close', end));
    upstream.end(body);
    const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
    return answer;
  }
}

async function deliver(fault: Fault, answer: IncomingMessage, response: ServerResponse, socket: Socket): Promise<void> {
  if (fault.mode === 'lost' || fault.mode === 'unanswered' || fault.mode === 'late_502') {
    for await (const _ of answer);
    if (fault.mode === 'lost') socket.resetAndDestroy();
    if (fault.mode === 'late_502') response.writeHead(502).end('<html>502 Bad Gateway</html>');
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  let left = fault.mode === 'cut' ? fault.bytes : Infinity;
  for await (const chunk of answer) {
    const bytes = (chunk as Buffer).subarray(0, left);
    left -= bytes.length;
    const step = fault.mode === 'trickle' ? fault.bytes : bytes.length;
    for (let at = 0; at < bytes.length; at += step) {
      response.write(bytes.subarray(at, at + step));
      if (fault.mode === 'trickle') await sleep(fault.ms);
    }
    if (left === 0) break;
  }
  if (fault.mode !== 'cut') return void response.end();
  // What was written must leave before the connection does.
  await new Promise((resolve) => setImmediate(resolve));
  if (fault.reset === true) socket.resetAndDestroy();
  else socket.end();
}

export const startFaultProxy = (targetPort: number): Promise<FaultProxy> => new FaultProxy(targetPort).accept();
