import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { SendPlace, Sender } from '../../core/ports/sender.ts';
import type { PersonRole, Principal } from '../../core/principal.ts';
import { roleIncludes } from '../../core/roles.ts';
import type { DestinationDeps } from './destination.ts';
import { send, type SendDeps } from './send.ts';

/** Places that are known by name; an owner reaches further ones by their address. */
const maxPlaces = 100;
/** Of those, so many are told to a model that named none of them. */
const maxNamed = 20;

interface Place extends SendPlace {
  /** `telegram:main` */
  channel: string;
  target: string;
}

const placeOf = (channel: string, target: string, name: string): Place => ({
  channel,
  target,
  name: name.trim() === '' ? target : name,
  address: `${channel}:${target}`,
});

/**
 * The place that a person means by an address or a name: one of their own, for an owner also everybody else who is let in
 * and what an address names. Rejects with `unknown_place` or `ambiguous_place`, in words that tell which there are.
 */
export async function placeFor(
  by: { person: string; role: PersonRole },
  to: string,
  deps: DestinationDeps,
): Promise<Place> {
  const wanted = to.trim();
  const places = await placesOf(by, deps);
  const exact = places.find(({ address }) => address === wanted);
  if (exact !== undefined) return exact;
  const named = places.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  if (named.length > 1) throw invalidInput('ambiguous_place', `Which one? ${told(named)}`);
  const status = deps.channels.status().find(({ id }) => wanted.startsWith(`${id}:`));
  if (by.role === 'owner' && status !== undefined) return placeOf(status.id, wanted.slice(status.id.length + 1), '');
  throw invalidInput('unknown_place', `There is no such place to write to. ${told(places)}`);
}

/** Their own identities, and for an owner everybody else who is let in. */
async function placesOf(
  { person, role }: { person: string; role: PersonRole },
  { store, channels, policy }: DestinationDeps,
): Promise<Place[]> {
  const own = await store.identitiesOf(person);
  const places = own.map(({ channel, account, native, display }) => placeOf(`${channel}:${account}`, native, display));
  if (role === 'owner') {
    for (const { channel, account, native, display } of await store.admissions(maxPlaces))
      places.push(placeOf(`${channel}:${account}`, native, display));
    for (const { id, type, account } of channels.status()) {
      const { users, chats } = policy(type, account);
      for (const target of [...users, ...chats]) {
        const known = users.has(target) ? await store.identity({ channel: type, account, native: target }) : null;
        places.push(placeOf(id, target, known?.display ?? ''));
        if (places.length >= 2 * maxPlaces) break;
      }
    }
  }
  return [...new Map(places.toReversed().map((place) => [place.address, place])).values()]
    .toReversed()
    .slice(0, maxPlaces);
}

/** What a person's own words may cause to be sent, over the same way as every message that a client injects. */
export function senderOf(deps: SendDeps): Sender {
  return {
    async send(by, { to, text, key }) {
      if (!roleIncludes(by.role, 'member'))
        throw new ClankerError('auth', 'not_allowed', 'Guests do not send messages to other places.');
      const { channel, target, address, name } = await placeFor(by, to, deps);
      const principal: Principal = {
        kind: 'sender',
        id: `person:${by.person}`,
        person: by.person,
        scope: 'send',
        name: by.person,
      };
      // Its delivery is not waited for: what becomes of it stands in the outbox.
      await send(principal, { channel, target, content: text, idempotencyKey: key }, deps);
      return { address, name };
    },
  };
}

function told(places: readonly SendPlace[]): string {
  if (places.length === 0) return 'This person has no place to write to.';
  const lines = places.slice(0, maxNamed).map(({ address, name }) => `${address} (${name})`);
  return `There are: ${lines.join(', ')}${places.length > maxNamed ? ' and more' : ''}.`;
}
