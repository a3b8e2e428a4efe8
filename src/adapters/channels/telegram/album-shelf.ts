/**
 * Albums while Telegram delivers them to a webhook, one request each, the next one perhaps only when the one before was
 * answered. So their parts are kept in the store, as cursors, until the album is whole: each part is answered once it
 * is committed there, and the event of the album and the end of its keeping are one commit. A restart finds them again.
 */
import type { ChannelContext, CursorUpdate, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import { albumEvent, albumQuietMs, maxAlbum } from './albums.ts';

/** Albums known at a time, those that were told included; the one told first makes room. Without room a part is told alone. */
const maxSlots = 16;
const slotPattern = /^album:(\d{1,2})$/;

interface Slot {
  key: string;
  album: string;
  /** What came so far; null once it was told. */
  open: InboundEvent[] | null;
  /** The platform's ids of its parts, to know a repeat. */
  natives: string[];
}

export class AlbumShelf {
  readonly #sink: InboundSink;
  readonly #context: ChannelContext;
  /** In the order of their last change. */
  readonly #slots = new Map<string, Slot>();

  constructor(sink: InboundSink, context: ChannelContext) {
    this.#sink = sink;
    this.#context = context;
    for (const [key, value] of context.cursors) {
      const slot = slotPattern.test(key) ? slotFrom(key, value) : null;
      if (slot === null) continue;
      this.#slots.set(key, slot);
      if (slot.open !== null) void this.#settle(slot);
    }
  }

  /** Resolves once the part is committed, on its own or with what came before it. */
  async add(album: string, event: InboundEvent): Promise<void> {
    const known = [...this.#slots.values()].find((slot) => slot.album === album);
    if (known?.natives.includes(event.native) === true) {
      if (known.open !== null) await this.#keep(known);
      return;
    }
    const slot = known ?? this.#newSlot(album);
    // Too late for its album, or one album too many: a message of its own.
    if (slot === null || slot.open === null || slot.natives.length >= maxAlbum) {
      await this.#sink.commit([albumEvent([event])]);
      return;
    }
    slot.open.push(event);
    slot.natives.push(event.native);
    if (slot.open.length === 1) void this.#settle(slot);
    await this.#keep(slot);
  }

  #newSlot(album: string): Slot | null {
    const free = Array.from({ length: maxSlots }, (_, n) => `album:${n}`).find((key) => !this.#slots.has(key));
    const key = free ?? [...this.#slots.values()].find(({ open }) => open === null)?.key;
    if (key === undefined) return null;
    const slot: Slot = { key, album, open: [], natives: [] };
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    return slot;
  }

  async #keep(slot: Slot): Promise<void> {
    await this.#sink.commit([], cursorOf(slot));
  }

  /** Waits until the album does not grow any more and tells it; while the store cannot take it, again and again. */
  async #settle(slot: Slot): Promise<void> {
    const { clock, signal, log } = this.#context;
    try {
      while (slot.open !== null) {
        const size = slot.open.length;
        await clock.sleep(albumQuietMs, signal);
        if (slot.open.length === size) await this.#tell(slot, slot.open);
      }
    } catch (error) {
      if (!signal.aborted) log.error('an album could not be told; it is when the channel begins again', { error });
    }
  }

  async #tell(slot: Slot, parts: InboundEvent[]): Promise<void> {
    // From here on what comes is too late, also while the commit is under way: nothing may come between the two.
    slot.open = null;
    try {
      await this.#sink.commit([albumEvent(parts)], cursorOf(slot));
    } catch (error) {
      slot.open = parts;
      this.#context.log.warn('an album could not be stored yet; it is tried again', { error });
      return;
    }
    this.#slots.delete(slot.key);
    this.#slots.set(slot.key, slot);
  }
}

const cursorOf = ({ key, album, open, natives }: Slot): CursorUpdate => ({
  key,
  value: JSON.stringify({ album, open, natives }),
});

/** What `cursorOf` wrote; null for anything else. */
function slotFrom(key: string, value: string): Slot | null {
  try {
    const { album, open, natives } = JSON.parse(value) as Partial<Slot>;
    if (typeof album !== 'string' || !Array.isArray(natives) || open === undefined) return null;
    return { key, album, open, natives };
  } catch {
    return null;
  }
}
