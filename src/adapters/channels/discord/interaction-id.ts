/**
 * What is needed to answer an interaction, as one text that is stored with the message: `i:<application>:<id>:<token>`.
 * https://discord.com/developers/docs/interactions/receiving-and-responding
 */
import { interactionPrefix } from '../../../core/ports/channel.ts';
import { timeOfSnowflake } from './snowflake.ts';

export interface InteractionRef {
  application: string;
  id: string;
  token: string;
}

/** Discord takes answers this long; a little is left for the way. */
const lifetimeMs = 15 * 60_000 - 10_000;

export const interactionText = ({ application, id, token }: InteractionRef): string =>
  `${interactionPrefix}${application}:${id}:${token}`;

/** Null for what is an ordinary message. */
export function parseInteraction(native: string | undefined): InteractionRef | null {
  if (native?.startsWith(interactionPrefix) !== true) return null;
  const match = /^(\d{1,20}):(\d{1,20}):((?!\.{1,2}$)\S+)$/.exec(native.slice(interactionPrefix.length));
  if (match === null) return null;
  const [, application = '', id = '', token = ''] = match;
  return { application, id, token };
}

export const isOpen = ({ id }: InteractionRef, now: number): boolean => now - timeOfSnowflake(id) < lifetimeMs;

/** Its address on the API; holds the token. */
export const originalPath = ({ application, token }: InteractionRef): string =>
  `/webhooks/${application}/${encodeURIComponent(token)}/messages/@original`;
