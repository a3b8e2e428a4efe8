import * as z from 'zod/mini';
import { flag, integer, list, secret, secretFile, size, table, text, withDefault } from '../../core/fields.ts';
import { isLoopbackHost, plainHost } from '../../core/host.ts';

const minTokenLength = 24;

/** A bearer token must resist guessing: long, and not one character repeated. */
function tokenProblem(token: string): string | null {
  if (token.length < minTokenLength) return `it has ${token.length} characters and needs at least ${minTokenLength}`;
  if (!/^[\u0021-\u007e]+$/.test(token)) return 'only visible ASCII characters can travel in a header';
  if (/change-?me|your-?token|placeholder/i.test(token)) return 'it is a placeholder, put a real token there';
  return new Set(token).size < 8 ? 'it repeats too few characters to be hard to guess' : null;
}

const originForm = 'a list of origins such as ["https://chat.example.com"]';

/** Of what is no page of the web: a browser's extension (`chrome-extension://…`), an application (`tauri://localhost`). */
const applicationOrigin = /^(?!https?:|file:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?$/;

function originProblem(text: string): string | null {
  if (text === '*') return '"*" would let any web page act for you; list each origin';
  const isOrigin = /^https?:/.test(text) ? URL.parse(text)?.origin === text : applicationOrigin.test(text);
  return isOrigin ? null : 'an origin is scheme://host or scheme://host:port, in lower case and nothing more';
}

function hostProblem(text: string): string | null {
  if (text.includes('*')) return 'wildcards are not possible; list each host name';
  // Containers are often called with an underscore.
  return /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/.test(text) || /^\[[0-9a-fA-F:.]+\]$/.test(text)
    ? null
    : 'a host is a name or an address, without scheme, port or path';
}

/** An address or a CIDR range, as allow-lists take them. */
export interface IpRange {
  address: string;
  bits: number;
}

const isIpv4 = (text: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);
const isIpv6 = (text: string): boolean =>
  /^[0-9a-f:.]+$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]`);

/** `10.0.0.0/8`, `::1` → address and prefix length; null when it is neither. */
export function parseIpRange(text: string): IpRange | null {
  const [address = '', prefix, ...rest] = text.trim().split('/');
  if (rest.length > 0 || (!isIpv4(address) && !isIpv6(address))) return null;
  const width = isIpv4(address) ? 32 : 128;
  if (prefix === undefined) return { address, bits: width };
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  return bits >= 0 && bits <= width ? { address, bits } : null;
}

const rangeForm = 'a list of addresses and ranges such as ["192.168.1.0/24", "::1"]';
const rangeProblem = (text: string): string | null =>
  parseIpRange(text) === null ? 'it is neither an IP address nor a range such as "10.0.0.0/8"' : null;

function proxyProblem(text: string): string | null {
  if (parseIpRange(text)?.bits === 0) return 'a range of /0 would trust everybody; name the proxy';
  return rangeProblem(text);
}

function bindProblem(text: string): string | null {
  const host = plainHost(text);
  if (isIpv4(host) || isIpv6(host) || isLoopbackHost(host)) return null;
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(host) && !/^[\d.]+$/.test(host) ? null : 'it is not a host name';
}

const limits = () =>
  table('Bounds per principal and for the whole server.', {
    requests_per_second: withDefault(
      integer('Requests per second of one token; more get 429 and `Retry-After`.', 1, 100_000),
      500,
    ),
    connections: withDefault(integer('Open connections, WebSockets included; more are refused.', 1, 100_000), 2000),
    pending_auth: withDefault(integer('WebSockets that have not authenticated yet; more are refused.', 1, 10_000), 64),
  });

const auth = () =>
  table('Who may use the HTTP and WebSocket interface.', {
    token: z.optional(
      secret('The operator token. When it is absent, one is generated into `<data>/token`.', {
        check: tokenProblem,
        form: `a random text of ${minTokenLength} characters or more (\`openssl rand -base64 32\` makes one)`,
        computed: 'generated',
        example: '"${GATEWAY_TOKEN}"',
      }),
    ),
    token_file: z.optional(secretFile('token')),
  });

const tls = () =>
  table('Serve https and wss. Both keys, or neither.', {
    cert_path: text('The certificate chain, PEM.', 'the path of a file', { example: '"/etc/open-clanker/cert.pem"' }),
    key_path: text('Its private key, PEM.', 'the path of a file', { example: '"/etc/open-clanker/key.pem"' }),
  });

export const serverOptions = () =>
  table('The one port for HTTP and WebSocket.', {
    host: withDefault(
      text(
        'The address to listen on. Anything but loopback needs `server.public = true` and `server.auth.token`.',
        'an IP address or a host name',
        {
          check: bindProblem,
        },
      ),
      '127.0.0.1',
    ),
    port: withDefault(
      integer('The port to listen on. `--port 0` (only as a flag) takes any free one.', 0, 65_535, {
        form: 'a whole number from 1 to 65535',
      }),
      18_789,
    ),
    public: withDefault(flag('Must be true before the server listens on anything but loopback.'), false),
    allowed_hosts: withDefault(
      list(
        'Host names clients may use besides localhost, 127.0.0.1 and [::1].',
        'a list of host names such as ["clanker.example.com"]',
        hostProblem,
      ),
      [],
    ),
    allowed_origins: withDefault(list('Web origins that browsers may call from.', originForm, originProblem), []),
    allowed_ips: withDefault(list('When not empty, only these addresses may connect.', rangeForm, rangeProblem), []),
    trusted_proxies: withDefault(
      list('Reverse proxies whose forwarding headers are believed.', rangeForm, proxyProblem),
      [],
    ),
    max_body: withDefault(size('The largest JSON body; more is 413.', '1KB', '16MiB'), '256KB'),
    tls: z.optional(tls()),
    auth: withDefault(auth(), {}),
    limits: withDefault(limits(), {}),
  });
