/** What a host name or address says about itself, without asking a resolver. */

/** The numbers of a dotted IPv4 address, or null. */
function ipv4(host: string): number[] | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) return null;
  const parts = host.split('.').map(Number);
  return parts.every((part) => part <= 255) ? parts : null;
}

/** The plain form of a host: no brackets, no trailing dot, lower case, an IPv4 address unwrapped from IPv6. */
export function plainHost(host: string): string {
  const plain = host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/.exec(plain);
  if (mapped === null) return plain;
  if (mapped[1] !== undefined) return mapped[1];
  const [high, low] = [Number.parseInt(mapped[2] ?? '', 16), Number.parseInt(mapped[3] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** True when only this machine can be meant: 127.0.0.0/8, ::1, localhost. */
export function isLoopbackHost(host: string): boolean {
  const plain = plainHost(host);
  if (plain === '::1' || plain === 'localhost' || plain.endsWith('.localhost')) return true;
  return ipv4(plain)?.[0] === 127;
}

/** True for loopback, the private ranges (RFC 1918, RFC 4193) and names that only a local network knows. */
export function isPrivateHost(host: string): boolean {
  if (isLoopbackHost(host)) return true;
  const plain = plainHost(host);
  const [a, b] = ipv4(plain) ?? [];
  if (a !== undefined && b !== undefined)
    return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  if (plain.includes(':')) return /^f[cd]/.test(plain);
  return !plain.includes('.') || /\.(local|lan|internal|home\.arpa)$/.test(plain);
}

const metadataHosts = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'instance-data.ec2.internal',
  'fd00:ec2::254', // AWS over IPv6
  '100.100.100.200', // Alibaba Cloud
  '192.0.0.192', // Oracle Cloud
]);

/** True for the addresses where clouds hand out credentials: link-local (169.254.0.0/16, fe80::/10) and the known others. */
export function isMetadataHost(host: string): boolean {
  const plain = plainHost(host);
  const [a, b] = ipv4(plain) ?? [];
  return (a === 169 && b === 254) || /^fe[89ab][0-9a-f]:/.test(plain) || metadataHosts.has(plain);
}

/** Why a text cannot be the base URL of a server that we call, in words, or null when it can. */
export function baseUrlProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null) return 'it is not a URL with a host and a port from 1 to 65535';
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `only http and https are possible, not ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'a user name or password does not belong into a URL';
  if (url.search !== '' || url.hash !== '') return 'a base URL has neither "?" nor "#"';
  if (url.port === '0') return 'the port must be from 1 to 65535';
  if (isMetadataHost(url.hostname)) return 'link-local and cloud metadata addresses are never called';
  return null;
}
