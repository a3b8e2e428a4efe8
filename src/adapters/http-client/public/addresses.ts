import { lookup, Resolver } from 'node:dns/promises';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { isMetadataHost } from '../../../core/host.ts';
import { addressBytes, isPublicAddress, range, within } from '../../../core/public-address.ts';

/** All addresses of a name; rejects with the resolver's error. Abandoned when the signal aborts. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<string[]>;

/** Servers that do not answer are asked this often, this long: the whole request has less than that twice. */
const patience = { timeout: 4000, tries: 2 };

/**
 * Asks the name servers and nothing else: what stands in /etc/hosts or is announced in the local network is not public.
 * And unlike `getaddrinfo` it takes no thread, of which a few slow names would hold all.
 */
export const resolvePublic: Resolve = async (name, signal) => {
  const resolver = new Resolver(patience);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    const [first] = found;
    if (addresses.length === 0 && first.status === 'rejected') throw first.reason;
    return addresses;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};

/** For hosts that the operator listed: as the system knows them. */
export const resolvePrivate: Resolve = async (name) => {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
};

/** Whether all addresses of a host may be connected to; none at all is no. `own`: those of this machine. */
export function areAllPublic(addresses: readonly string[], own = ownAddresses()): boolean {
  return addresses.length > 0 && addresses.every((address) => isPublicAddress(address) && !isNearby(address, own));
}

const ownAddresses = (): NetworkInterfaceInfo[] => Object.values(networkInterfaces()).flatMap((each) => each ?? []);

/**
 * This machine and its neighbours under public addresses: a service that is bound to one may still be meant for here
 * only, and every device of a home has an address of its own in IPv6.
 */
function isNearby(address: string, own: readonly NetworkInterfaceInfo[]): boolean {
  const bytes = addressBytes(address);
  if (bytes === null) return true;
  return own.some(({ address: ours, family, cidr, internal }) => {
    if (internal || cidr === null) return false;
    return family === 'IPv6' ? within(bytes, range(cidr)) : ours === address;
  });
}

/** What a host that the operator listed may never be, whoever answers for its name. */
export const isNeverAsked = (address: string): boolean => isMetadataHost(address);
