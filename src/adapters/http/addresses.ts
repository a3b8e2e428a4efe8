import { BlockList, isIP } from 'node:net';

const mappedV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;
const mappedV4Hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;

/** One spelling per address: v4-mapped v6 becomes v4, zone ids go, v6 is lower case and compressed. */
export function normalAddress(address: string): string {
  const plain = address.split('%', 1)[0] ?? '';
  const dotted = mappedV4.exec(plain)?.[1];
  if (dotted !== undefined) return dotted;
  if (isIP(plain) !== 6) return plain;
  const canonical = URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1) ?? plain.toLowerCase();
  const hex = mappedV4Hex.exec(canonical);
  if (hex === null) return canonical;
  const [high, low] = [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** A set of addresses and CIDR ranges; anything else among them is a mistake of the caller. */
export class AddressSet {
  readonly #list = new BlockList();
  readonly empty: boolean;

  constructor(ranges: readonly string[]) {
    this.empty = ranges.length === 0;
    for (const range of ranges) {
      const [text = '', bits] = range.split('/');
      const address = normalAddress(text);
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  has(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
}
