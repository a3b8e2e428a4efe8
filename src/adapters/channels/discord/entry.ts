/** What a dispatch is to us, as far as it can be told before it is known where its channel lies. */
import type {
  GatewayMessageReactionAddDispatchData,
  GatewayMessageReactionRemoveDispatchData,
} from 'discord-api-types/v10';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { editEvent, interactionEvent, Malformed, messageEvent, reactionEvent } from './inbound.ts';
import type { InboundContext, ToldInteraction, ToldMessage } from './inbound.ts';
import type { Interactions, Pending } from './interactions.ts';
import type { Dispatch } from './link.ts';
import type { Place, Places } from './places.ts';
import { isSnowflake } from './snowflake.ts';

/** One event on its way to the store. */
export interface Entry {
  seq: number;
  session: string;
  channel: string;
  guild: string | null;
  /** Of a message: its id. */
  message: string | null;
  /** Undefined until it is known; null when Discord does not tell. */
  place: Place | null | undefined;
  /** Throws Malformed or TypeError for what is not as Discord says. */
  translate: (place: Place) => InboundEvent | null;
  /** What it came to, once it was translated. */
  event?: InboundEvent | null;
  /** Of an interaction: its first answer. */
  pending: Pending | null;
}

export interface EntryDeps {
  about: InboundContext;
  places: Places;
  interactions: Interactions;
  /** The only guild that is listened to, or null. */
  guild: string | null;
  now: number;
}

/** Null for what holds nothing to act on; throws like `translate`. */
export function entryOf({ type, seq, data }: Dispatch, session: string, deps: EntryDeps): Entry | null {
  const { about, interactions, now } = deps;
  const base = { seq, session, message: null, pending: null };
  switch (type) {
    case 'MESSAGE_CREATE': {
      const told = data as ToldMessage;
      if (!isSnowflake(told.id)) throw new Malformed('a message without an id');
      const where = whereOf(told, deps);
      return where && { ...base, ...where, message: told.id, translate: (place) => messageEvent(told, place, about) };
    }
    case 'MESSAGE_UPDATE': {
      const told = data as ToldMessage;
      const where = whereOf(told, deps);
      return where && { ...base, ...where, translate: (place) => editEvent(told, place, about) };
    }
    case 'MESSAGE_REACTION_ADD':
    case 'MESSAGE_REACTION_REMOVE': {
      const told = data as GatewayMessageReactionAddDispatchData | GatewayMessageReactionRemoveDispatchData;
      const fact = { given: type === 'MESSAGE_REACTION_ADD', session, seq, now };
      const where = whereOf(told, deps);
      return where && { ...base, ...where, translate: (place) => reactionEvent(told, fact, place, about) };
    }
    case 'INTERACTION_CREATE': {
      const told = data as ToldInteraction;
      const event = interactionEvent(told, about);
      if (event === null || !listensTo(told.guild_id, deps)) return null;
      const where = { channel: event.conversation.native, guild: told.guild_id ?? null, place: null };
      return { ...base, ...where, translate: () => event, pending: interactions.begin(told) };
    }
    default:
      return null;
  }
}

type Where = Pick<Entry, 'channel' | 'guild' | 'place'>;

/** Null for a guild that is not listened to. */
function whereOf(
  { channel_id: channel, guild_id: guild }: { channel_id: string; guild_id?: string | undefined },
  deps: EntryDeps,
): Where | null {
  if (!isSnowflake(channel)) throw new Malformed('channel_id is not an id');
  if (!listensTo(guild, deps)) return null;
  if (guild !== undefined) return { channel, guild, place: deps.places.known(channel) };
  deps.places.learn({ id: channel });
  return { channel, guild: null, place: { guild: null, parent: null, title: null } };
}

const listensTo = (guild: string | undefined, deps: EntryDeps): boolean =>
  deps.guild === null || guild === undefined || guild === deps.guild;
