import type { IncomingMessage } from 'node:http';
import { AddressSet, isLoopback, normalAddress } from './addresses.ts';
import { HttpError } from './errors.ts';
import type { HttpServerOptions } from './settings.ts';

const hostForm = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/i;
const alwaysAllowedHosts = ['localhost', '127.0.0.1', '[::1]'];
const forwardingHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
];
/** Far above what any client sends; their total size is bounded by Node (16 KiB). */
const maxHeaders = 100;

const refuse = (status: number, code: string, message: string, close = true): HttpError =>
  new HttpError(status, code, message, { close });

/**
 * Who may knock, before anything is known about who they are: Host against DNS rebinding, Origin and Sec-Fetch-Site
 * against web pages, the address against the allow-list. One object per set of options.
 */
export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #ips: AddressSet;
  readonly #proxies: AddressSet;
  readonly #scheme: string;

  constructor(options: HttpServerOptions) {
    this.#hosts = new Set([...alwaysAllowedHosts, ...options.allowedHosts.map((host) => host.toLowerCase())]);
    this.#origins = new Set(options.allowedOrigins);
    this.#ips = new AddressSet(options.allowedIps);
    this.#proxies = new AddressSet(options.trustedProxies);
    this.#scheme = options.tls === null ? 'http' : 'https';
  }

  /** Exactly one well-formed Host, and (unless `anyHost`) one that is ours. */
  host(request: IncomingMessage, anyHost: boolean): void {
    const { rawHeaders } = request;
    if (rawHeaders.length / 2 > maxHeaders) throw refuse(431, 'too_many_headers', 'The request has too many headers.');
    let hosts = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++;
    const name = hosts === 1 ? hostForm.exec(request.headers.host ?? '')?.[1] : undefined;
    if (name === undefined) throw refuse(400, 'bad_host', 'The request needs exactly one well-formed Host header.');
    if (!anyHost && !this.#hosts.has(name.toLowerCase())) {
      throw refuse(421, 'host_not_allowed', 'This host name is not served here; add it to server.allowed_hosts.');
    }
  }

  /**
   * The web origin that asks, when it is another than our own page and allowed; null without one. `navigation` lets a
   * link on another site open a page of ours.
   */
  origin(request: IncomingMessage, navigation: boolean): string | null {
    const { origin } = request.headers;
    if (origin !== undefined) {
      if (this.#isOwn(request, origin)) return null;
      if (this.#origins.has(origin)) return origin;
      throw refuse(403, 'origin_not_allowed', 'Web pages of this origin may not call; see server.allowed_origins.');
    }
    const site = request.headers['sec-fetch-site'];
    if (site === undefined || site === 'none' || site === 'same-origin') return null;
    const opensPage =
      request.headers['sec-fetch-mode'] === 'navigate' && request.headers['sec-fetch-dest'] === 'document';
    if (navigation && opensPage) return null;
    throw refuse(403, 'cross_site', 'Pages of other sites may not call this server.');
  }

  /** The client's address. `X-Forwarded-For` counts only behind a trusted proxy: the last address that is none itself. */
  address(request: IncomingMessage): string {
    const peer = normalAddress(request.socket.remoteAddress ?? '');
    const forwarded = forwardingHeaders.some((name) => request.headers[name] !== undefined);
    if (forwarded && this.#proxies.empty && isLoopback(peer)) {
      throw refuse(
        403,
        'proxy_not_configured',
        'The request came through a proxy on this machine; name it in server.trusted_proxies.',
      );
    }
    const client = forwarded && this.#proxies.has(peer) ? this.#forwardedFor(request, peer) : peer;
    if (!this.#ips.empty && !this.#ips.has(client)) {
      throw refuse(403, 'ip_not_allowed', 'This address may not connect; see server.allowed_ips.');
    }
    return client;
  }

  #forwardedFor(request: IncomingMessage, peer: string): string {
    const header = request.headers['x-forwarded-for'];
    const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
    for (const hop of hops.reverse()) {
      const address = normalAddress(hop.trim());
      if (!this.#proxies.has(address)) return address === '' ? peer : address;
    }
    return peer;
  }

  #isOwn(request: IncomingMessage, origin: string): boolean {
    const host = request.headers.host?.toLowerCase();
    if (origin === `${this.#scheme}://${host}`) return true;
    // A proxy that ends TLS passes our host on; the page it serves has an https origin.
    const peer = normalAddress(request.socket.remoteAddress ?? '');
    return this.#proxies.has(peer) && origin === `https://${host}`;
  }
}
