/** Which URLs of others may be asked, judged by their text alone; what their names resolve to is judged at the connection. */
import { isMetadataHost, plainHost } from './host.ts';
import { addressBytes, isPublicAddress } from './public-address.ts';

export interface UrlRules {
  /** Ports beside 80 and 443. */
  ports: readonly number[];
  /** Host names, `*.example.com` for all below one. Not empty: nothing else may be asked. */
  allowHosts: readonly string[];
  denyHosts: readonly string[];
  /** `host:port` that may be asked although they are private, an IPv6 address in brackets. */
  allowPrivate: readonly string[];
}

export type JudgedUrl =
  /** `private`: the operator listed it, so that its address need not be public. */
  | { url: URL; private: boolean }
  | { code: 'invalid_url' | 'blocked_port' | 'blocked_host' | 'not_public' | 'not_allowed'; message: string };

const maxUrlLength = 4096;
const usualPorts: readonly number[] = [80, 443];
/** Names that only a local network knows: RFC 6761, 6762, 8375, 9476, ICANN's `internal`, and common habits. */
const localNames =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|onion|alt|invalid)$/;

const invalid = (message: string): JudgedUrl => ({ code: 'invalid_url', message });
const isListed = (list: readonly string[], host: string): boolean =>
  list.some((entry) => (entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry));

/** `mayReachPrivate`: entries of `allowPrivate` count. */
export function judgeUrl(text: string, rules: UrlRules, mayReachPrivate: boolean): JudgedUrl {
  if (text.length > maxUrlLength) return invalid(`A URL has at most ${maxUrlLength} characters.`);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return invalid('A URL has no spaces, control characters or backslashes.');
  const [, host] = /^https?:\/\/(\[[^\]]*\]|[^/?#:@[\]]+)(?::\d*)?(?=[/?#]|$)/i.exec(text) ?? [];
  const url = URL.parse(text);
  if (host === undefined || url === null || url.username !== '' || url.password !== '')
    return invalid('Only http:// and https:// URLs with a host, and without user name and password, can be asked.');
  // A number in octal, an escaped or a full-width letter: an address that does not look like what it leads to.
  if (host.includes('%') || (addressBytes(url.hostname) !== null && url.hostname !== host))
    return invalid(`The host of ${url.origin} is not written in its usual form.`);

  const plain = plainHost(url.hostname);
  const bare = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = portOf(url);
  if (isMetadataHost(plain)) return { code: 'blocked_host', message: 'This host is never asked.' };
  if (isListed(rules.denyHosts, plain)) return { code: 'blocked_host', message: `The configuration forbids ${plain}.` };
  if (mayReachPrivate && rules.allowPrivate.includes(`${url.hostname}:${port}`)) return { url, private: true };
  if (!usualPorts.includes(port) && !rules.ports.includes(port))
    return {
      code: 'blocked_port',
      message: `Only ports ${[...usualPorts, ...rules.ports].join(', ')} can be asked, not ${port}.`,
    };
  if (addressBytes(bare) !== null) {
    if (!isPublicAddress(bare)) return notPublic(plain);
  } else if (!plain.includes('.') || plain.endsWith('.') || localNames.test(plain)) {
    return { code: 'blocked_host', message: `${plain} is a name of a local network; only public hosts can be asked.` };
  }
  if (rules.allowHosts.length > 0 && !isListed(rules.allowHosts, plain))
    return { code: 'not_allowed', message: `${plain} is not among the hosts that the configuration allows.` };
  return { url, private: false };
}

export const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);

/** Says nothing of what a name resolved to: that is the network's own business. */
export const notPublic = (host: string): Extract<JudgedUrl, { code: string }> => ({
  code: 'not_public',
  message: `${host} is not on the public internet, so it cannot be asked.`,
});
