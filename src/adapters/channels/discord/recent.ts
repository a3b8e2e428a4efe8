/** Channels that are caught up after a gap, each with the last message known of it: pure rules over a map. */
import { isLater } from './snowflake.ts';

/** The channel that was quiet for longest leaves first. */
const maxRecent = 100;

/** By channel, the one that was addressed last at the end. */
export type Recent = ReadonlyMap<string, string>;

export interface Heard {
  channel: string;
  message: string;
  /** A person spoke to us there: the channel is kept in mind from now on. */
  addressed: boolean;
  /** False for what is no message itself, whose id only says the time. */
  moves: boolean;
}

/** The map once these were heard; a channel that is still being caught up keeps its place. */
export function afterHearing(recent: Recent, heard: readonly Heard[], behind: ReadonlySet<string>): Recent {
  if (heard.length === 0) return recent;
  const next = new Map(recent);
  for (const { channel, message, addressed, moves: isMessage } of heard) {
    const last = next.get(channel);
    if (last === undefined && !addressed) continue;
    const moves = last === undefined || (isMessage && isLater(message, last) && !behind.has(channel));
    if (addressed) next.delete(channel);
    if (addressed || moves) next.set(channel, moves ? message : (last ?? message));
  }
  for (const channel of next.keys()) {
    if (next.size <= maxRecent) break;
    if (!behind.has(channel)) next.delete(channel);
  }
  return next;
}

export function afterPage(recent: Recent, channel: string, last: string): Recent {
  return recent.has(channel) ? new Map(recent).set(channel, last) : recent;
}
