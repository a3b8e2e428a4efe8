/**
 * Is an IP address on the public internet? The ranges are those of IANA's special-purpose registries,
 * https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry. The few of them that
 * are reachable serve relays and name servers, not web pages, and count as special too.
 */

/** What every IPv4 address is public but for. */
const specialV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // behind the address translation of a carrier; also Alibaba's metadata
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // not in the registry: Azure's platform, reached from inside a virtual machine only
  '169.254.0.0/16', // link-local; metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; also Oracle's metadata
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
].map(range);

/**
 * All that is handed out in IPv6. What lies outside is special: unspecified and loopback (`::/128`, `::1/128`), mapped and
 * compatible IPv4 (`::ffff:0:0/96`, `::/96`), local translation (`64:ff9b:1::/48`), discarding (`100::/64`), SRv6
 * (`5f00::/16`), unique-local (`fc00::/7`), link-local and site-local (`fe80::/9`), multicast (`ff00::/8`).
 */
const globalV6 = range('2000::/3');
/** What every address of `globalV6` is public but for. */
const specialV6 = [
  '2001::/23', // protocol assignments: Teredo, benchmarking, ORCHID, drone ids
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address in disguise
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
].map(range);
/** NAT64 (RFC 6052): how a machine without IPv4 reaches an IPv4 address, which stands in the last four bytes. */
const translatedV4 = range('64:ff9b::/96');

export interface AddressRange {
  bytes: readonly number[];
  bits: number;
}

/** The bytes of an address, 4 or 16 of them; null when the text is none, or one of a zone (`fe80::1%eth0`). */
export function addressBytes(text: string): number[] | null {
  return text.includes(':') ? bytesV6(text) : bytesV4(text);
}

/** Only the plain form: four decimal numbers without leading zeros. */
function bytesV4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

/** RFC 4291, 2.2: groups of hexadecimal digits, `::` at most once, perhaps with an IPv4 address at the end. */
function bytesV6(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, i) => groupBytes(half, i === halves.length - 1));
  if (head === null || head === undefined || tail === null) return null;
  if (tail === undefined) return head.length === 16 ? head : null;
  const missing = 16 - head.length - tail.length;
  return missing >= 2 ? [...head, ...Array.from({ length: missing }, () => 0), ...tail] : null;
}

function groupBytes(half: string, last: boolean): number[] | null {
  if (half === '') return [];
  const groups = half.split(':');
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
      continue;
    }
    const v4 = last && i === groups.length - 1 ? bytesV4(group) : null;
    if (v4 === null) return null;
    bytes.push(...v4);
  }
  return bytes;
}

/** `192.168.0.0/16` as data; throws when it is none, as ranges are written by us and by the system. */
export function range(cidr: string): AddressRange {
  const [address = '', bits = ''] = cidr.split('/');
  const bytes = addressBytes(address);
  if (bytes === null || !/^\d{1,3}$/.test(bits)) throw new RangeError(`${cidr} is no range of addresses`);
  return { bytes, bits: Math.min(Number(bits), bytes.length * 8) };
}

/** Whether an address of bytes lies in a range; one of the other family never does. */
export function within(address: readonly number[], { bytes, bits }: AddressRange): boolean {
  if (address.length !== bytes.length) return false;
  return bytes.every((byte, i) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff;
    return ((byte ^ (address[i] ?? 0)) & mask) === 0;
  });
}

/** True only for an address in its usual spelling that leads to the public internet; in doubt false. */
export function isPublicAddress(text: string): boolean {
  const bytes = addressBytes(text);
  return bytes !== null && isPublic(bytes);
}

function isPublic(bytes: readonly number[]): boolean {
  if (bytes.length === 4) return !specialV4.some((special) => within(bytes, special));
  if (within(bytes, translatedV4)) return isPublic(bytes.slice(12));
  return within(bytes, globalV6) && !specialV6.some((special) => within(bytes, special));
}
