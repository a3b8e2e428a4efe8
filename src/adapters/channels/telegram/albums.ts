/**
 * Albums: Telegram tells each photo of one in an update of its own, with the `media_group_id` they share and without
 * saying how many there are. Here they become one event. Pure; the two ways of receiving wait in their own ways.
 */
import type { InboundEvent } from '../../../core/ports/channel.ts';

/** An album that did not grow for so long is whole. */
export const albumQuietMs = 1000;
/** Telegram's own limit; with so many it is whole at once. */
export const maxAlbum = 10;

/**
 * One event of all members. It is the earliest of them: its id is the album's, so that the same album is the same event
 * after a restart, and what comes too late is a message of its own.
 */
export function albumEvent(members: readonly InboundEvent[]): InboundEvent {
  const sorted = members.toSorted((a, b) => Number(a.native) - Number(b.native));
  const [first] = sorted;
  if (first === undefined) throw new Error('an album without members');
  const captions = sorted.map(({ text }) => text).filter((text) => text !== '');
  const attachments = sorted.flatMap((member) => member.attachments);
  const addressed = sorted.some(({ chat }) => chat.addressed);
  return {
    ...first,
    text: captions.join('\n') || (sorted.length === 1 ? '[file]' : `[album of ${sorted.length} files]`),
    attachments,
    chat: { ...first.chat, addressed },
  };
}

/** One update of a batch, in the order of their ids: its event, if it has one, and the album that is part of. */
export interface Arrival {
  updateId: number;
  event: InboundEvent | null;
  album: string | null;
}

/** How many members of each album a batch holds. */
export function albumSizes(batch: readonly Arrival[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { album } of batch) if (album !== null) sizes.set(album, (sizes.get(album) ?? 0) + 1);
  return sizes;
}

/**
 * How many updates of a batch can be taken: all before the first member of an album that may still grow, and no album
 * in part. `seen` are the sizes at the look before this one; an album that has the same size still is whole.
 */
export function takeable(batch: readonly Arrival[], seen: ReadonlyMap<string, number>): number {
  const sizes = albumSizes(batch);
  const firstOf = new Map<string, number>();
  for (const [index, { album }] of batch.entries())
    if (album !== null && !firstOf.has(album)) firstOf.set(album, index);
  const open = [...sizes].filter(([album, size]) => size < maxAlbum && seen.get(album) !== size);
  let end = Math.min(batch.length, ...open.map(([album]) => firstOf.get(album) ?? 0));
  // An album that reaches over the end waits with the one it is mixed with, and moves the end before itself.
  for (let index = batch.length - 1; index >= end; index--) {
    const album = batch[index]?.album;
    if (typeof album !== 'string') continue;
    end = Math.min(end, firstOf.get(album) ?? end);
  }
  return end;
}

/** The events of a batch, each album one of them, at the place of its first member. */
export function eventsOf(batch: readonly Arrival[]): InboundEvent[] {
  const members = new Map<string, InboundEvent[]>();
  const places: (InboundEvent | InboundEvent[])[] = [];
  for (const { event, album } of batch) {
    if (event === null) continue;
    const known = album === null ? undefined : members.get(album);
    if (album === null) places.push(event);
    else if (known !== undefined) known.push(event);
    else {
      const list = [event];
      members.set(album, list);
      places.push(list);
    }
  }
  return places.map((place) => (Array.isArray(place) ? albumEvent(place) : place));
}
