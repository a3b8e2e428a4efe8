/**
 * A public internet and a private network that are both on loopback: names and addresses lead where the test says, by a
 * resolver and a connector of its own. Nothing of it ever leaves the machine. Every address that is not a stand-in of
 * the public site leads to the canary, so whatever gets past the guard is counted there.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createPublicHttpClient, type PublicHttpOptions } from '../../src/adapters/http-client/public/index.ts';
import { HttpFailure, readBody } from '../../src/core/ports/http-client.ts';
import type { PublicHttpClient, PublicRequest, PublicResponse } from '../../src/core/ports/public-http.ts';
import type { UrlRules } from '../../src/core/public-url.ts';
import { noMetrics, silentLog } from '../adapters/providers/support.ts';

/** Public addresses, by which the test's connector finds the site. */
export const publicV4 = '93.184.215.14';
export const publicV6 = '2606:2800:21f:cb07:6820:80da:af6b:8b2c';
const standIns = new Set([publicV4, '93.184.215.15', publicV6]);

export const openRules: UrlRules = { ports: [], allowHosts: [], denyHosts: [], allowPrivate: [] };

const maxBody = 4 * 1024 * 1024;

async function listen(server: net.Server, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export class PublicWeb {
  readonly host = '127.0.0.1';
  /** Of the site, directly. */
  port = 0;
  canaryPort = 0;
  /** Connections that reached the private network. */
  canaryHits = 0;
  /** What each name resolves to; a function is asked anew each time. */
  readonly names = new Map<string, readonly string[] | (() => readonly string[])>();
  /** What the site does by path; `/health` is always there. */
  readonly pages = new Map<string, RequestListener>();
  /** What was asked of the site, `/health` aside. */
  readonly asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  /** Addresses that connections were opened to, in order. */
  readonly dialled: string[] = [];
  rules: UrlRules = openRules;
  readonly client: PublicHttpClient;
  readonly #sockets = new Set<Socket>();
  readonly #site = http.createServer((request, response) => void this.#serve(request, response));
  readonly #canary = net.createServer((socket) => {
    this.canaryHits++;
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\ncanary');
  });

  constructor(options: Partial<PublicHttpOptions> = {}) {
    this.client = createPublicHttpClient({
      rules: () => this.rules,
      resolve: (name) => this.resolve(name),
      resolvePrivate: (name) => this.resolve(name),
      connect: (addresses) => this.connect(addresses),
      log: silentLog,
      metrics: noMetrics,
      ...options,
    });
    this.names.set('site.example.com', [publicV4]);
  }

  async start(): Promise<this> {
    this.port = await listen(this.#site, this.#sockets);
    this.canaryPort = await listen(this.#canary, this.#sockets);
    return this;
  }

  async stop(): Promise<void> {
    const closed = [once(this.#site, 'close'), once(this.#canary, 'close')];
    this.#site.close();
    this.#canary.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  resolve(name: string): Promise<string[]> {
    const found = this.names.get(name);
    if (found === undefined) return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    return Promise.resolve([...(typeof found === 'function' ? found() : found)]);
  }

  /** To the site or the canary, by the first address, whatever the port. */
  connect(addresses: readonly string[]): Socket {
    const [address = ''] = addresses;
    this.dialled.push(address);
    const allPublic = addresses.every((each) => standIns.has(each));
    return net.connect({ host: '127.0.0.1', port: allPublic ? this.port : this.canaryPort });
  }

  page(path: string, listener: RequestListener): void {
    this.pages.set(path, listener);
  }

  get(url: string, more: Partial<PublicRequest> = {}): Promise<PublicResponse> {
    return this.client.request({
      method: 'GET',
      url,
      timeoutMs: 10_000,
      maxBytes: 2_000_000,
      mayReachPrivate: false,
      signal: new AbortController().signal,
      ...more,
    });
  }

  /** The body of a page as text. */
  async read(url: string, more: Partial<PublicRequest> = {}): Promise<string> {
    return Buffer.from(await readBody(await this.get(url, more), maxBody)).toString('utf8');
  }

  /** The code that a request fails with; reads what it answers to its end. */
  async refusal(url: string, more: Partial<PublicRequest> = {}): Promise<string> {
    try {
      await this.read(url, more);
      return 'answered';
    } catch (error) {
      if (error instanceof HttpFailure) return error.code;
      throw error;
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/', headers } = request;
    if (url === '/health') return void response.end('{"ok":true}');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.asked.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const page = this.pages.get(new URL(url, 'http://site').pathname);
    if (page === undefined) response.writeHead(404).end('no such page');
    else page(request, response);
  }
}
