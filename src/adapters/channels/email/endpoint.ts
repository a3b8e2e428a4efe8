import { isLoopbackHost, isMetadataHost } from '../../../core/host.ts';

/** Where a mail server is, and how the connection is protected. */
export interface Endpoint {
  host: string;
  port: number;
  /** `implicit` from the first byte, `starttls` before anything else, `none` only on this very machine. */
  tls: 'implicit' | 'starttls' | 'none';
}

/** Ports of RFC 8314 (implicit) and RFC 3501, RFC 6409 (upgraded). */
const ports: Record<string, number> = { 'imaps:': 993, 'imap:': 143, 'smtps:': 465, 'smtp:': 587 };

/** Why a text cannot be the URL of such a server, in words, or null when it can. */
export function endpointProblem(scheme: 'imap' | 'smtp', text: string): string | null {
  const url = URL.parse(text);
  const host = url?.hostname ?? '';
  if (url === null || host === '' || url.port === '0') return 'it is not a URL with a host';
  if (url.protocol !== `${scheme}:` && url.protocol !== `${scheme}s:`)
    return `only ${scheme} and ${scheme}s are possible, not ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'a user name or password does not belong into a URL';
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return 'nothing may follow the port';
  if (isMetadataHost(host)) return 'link-local and cloud metadata addresses are never called';
  return null;
}

/** Of a URL without a problem. */
export function endpointOf(text: string): Endpoint {
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (ports[url.protocol] ?? 0) : Number(url.port);
  if (url.protocol.endsWith('s:')) return { host, port, tls: 'implicit' };
  return { host, port, tls: isLoopbackHost(host) ? 'none' : 'starttls' };
}
