/**
 * From dispatches to commits: one loop, in order within each channel. The session's position moves only in the commit
 * that holds what came before it, so that a process that dies goes on exactly there.
 */
import type {
  ChannelContext,
  CursorUpdate,
  InboundEvent,
  InboundReceipt,
  InboundSink,
} from '../../../core/ports/channel.ts';
import { cursorText, gatewayCursor } from './cursor.ts';
import type { GatewayCursor, GatewaySession } from './cursor.ts';
import { entryOf } from './entry.ts';
import type { Entry } from './entry.ts';
import { Malformed, messageEvent } from './inbound.ts';
import type { InboundContext, ToldMessage } from './inbound.ts';
import type { Interactions } from './interactions.ts';
import type { Dispatch } from './link.ts';
import type { Place, Places } from './places.ts';
import { afterHearing, afterPage } from './recent.ts';
import type { Heard, Recent } from './recent.ts';
import { isLater, isSnowflake } from './snowflake.ts';

/** Received and not yet stored; past it the connection is closed until the store has caught up. */
const maxQueued = 2000;
const maxBatch = 100;
/** The position is stored with what is addressed to us, and for the rest this often. */
const flushEveryMs = 5000;
const minBackoffMs = 250;
const maxBackoffMs = 10_000;

interface Page {
  channel: string;
  messages: ToldMessage[];
  last: string;
  place: Place;
  stored: () => void;
}

export interface IntakeDeps {
  sink: InboundSink;
  context: ChannelContext;
  about: InboundContext;
  places: Places;
  interactions: Interactions;
  /** The only guild that is listened to, or null. */
  guild: string | null;
}

export class Intake {
  readonly #deps: IntakeDeps;
  readonly #entries: Entry[] = [];
  readonly #pages: Page[] = [];
  /** Channels whose past is fetched: their position stands still. */
  readonly #behind = new Set<string>();
  /** Those of them whose present waits for it. */
  readonly #held = new Set<string>();
  #session: GatewaySession | null;
  #recent: Recent;
  #latest: string | null;
  #unsaved = false;
  #savedAt = -Infinity;
  #failures = 0;
  #wake = Promise.withResolvers<void>();
  /** Milliseconds since the epoch of the last event. */
  lastEventAt: number | null = null;

  constructor(deps: IntakeDeps, { session, latest, channels }: GatewayCursor) {
    this.#deps = deps;
    this.#session = session;
    this.#latest = latest;
    this.#recent = new Map(channels);
  }

  /** What to resume, up to the last dispatch received. */
  get session(): GatewaySession | null {
    return this.#session;
  }

  get recent(): Recent {
    return this.#recent;
  }

  /** The latest message of any channel that was heard of. */
  get latest(): string | null {
    return this.#latest;
  }

  /** The store does not take what comes. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  get full(): boolean {
    return this.#entries.length >= maxQueued;
  }

  /** A new session, or none: the next connection begins one. */
  setSession(session: GatewaySession | null): void {
    this.#session = session;
    this.#unsaved = true;
    this.#savedAt = -Infinity;
    this.#notify();
  }

  receive(dispatch: Dispatch): void {
    if (this.#session !== null) this.#session = { ...this.#session, seq: dispatch.seq };
    this.#unsaved = true;
    try {
      const entry = entryOf(dispatch, this.#session?.id ?? '', { ...this.#deps, now: this.#deps.context.clock.now() });
      if (entry !== null) this.#add(entry);
    } catch (error) {
      this.#malformed(error);
    }
  }

  /** The past of a channel is being fetched from where it was last heard; what comes now waits for it. */
  hold(channel: string, last: string): void {
    if (!this.#recent.has(channel)) this.#recent = new Map(this.#recent).set(channel, last);
    this.#behind.add(channel);
    this.#held.add(channel);
  }

  /** What comes now need not wait any longer, though the past is not here. */
  release(channel: string): void {
    this.#held.delete(channel);
    this.#notify();
  }

  /** Nothing is missing in the channel any more, or it cannot be had. */
  caughtUp(channel: string): void {
    this.#behind.delete(channel);
    this.release(channel);
  }

  /** Resolves once these messages of the past are stored, or never will be by this process. */
  page(channel: string, messages: ToldMessage[], last: string, place: Place): Promise<void> {
    if (this.#deps.context.signal.aborted) return Promise.resolve();
    return new Promise((stored) => {
      this.#pages.push({ channel, messages, last, place, stored });
      this.#notify();
    });
  }

  /** We wrote there: what is answered while we are away is asked for. */
  spoke(channel: string, message: string): void {
    if (!isSnowflake(message) || this.#recent.has(channel)) return;
    this.#recent = afterHearing(this.#recent, [{ channel, message, addressed: true, moves: true }], this.#behind);
    this.#unsaved = true;
    this.#notify();
  }

  async run(): Promise<void> {
    const { signal, log } = this.#deps.context;
    while (!signal.aborted) {
      try {
        await this.#step();
      } catch (error) {
        // A bug must not end the loop: a channel that silently stopped receiving is the worst of all failures.
        log.error('what was received could not be handled and is tried again', { error });
        await this.#backoff();
      }
    }
    for (const { stored } of this.#pages) stored();
    if (this.#unsaved) await this.#save();
  }

  /** Settles when there is room again. */
  async drained(): Promise<void> {
    const { signal, clock } = this.#deps.context;
    while (!signal.aborted && this.#entries.length > maxQueued / 2) {
      await clock.sleep(minBackoffMs, signal).catch(() => undefined);
    }
  }

  async #step(): Promise<void> {
    const page = this.#pages[0];
    if (page !== undefined) return this.#storePage(page);
    const batch = this.#batch();
    if (batch.length > 0) return this.#storeBatch(batch);
    const { clock, signal } = this.#deps.context;
    const dueMs = this.#savedAt + flushEveryMs - clock.monotonic();
    if (this.#unsaved && dueMs <= 0) {
      if ((await this.#save()) === null) await this.#backoff();
      return;
    }
    await this.#idle(this.#unsaved ? dueMs : null, signal);
  }

  #save(): Promise<unknown> {
    return this.#commit([], (recent) => recent, { now: true });
  }

  /** Until something comes, or for so long. */
  async #idle(ms: number | null, signal: AbortSignal): Promise<void> {
    const nap = new AbortController();
    const stop = (): void => nap.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const nothing = new Promise<void>((resolve) =>
      nap.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const waits = [this.#wake.promise, nothing];
    if (ms !== null) waits.push(this.#deps.context.clock.sleep(ms, nap.signal).catch(() => undefined));
    if (!signal.aborted) await Promise.race(waits);
    this.#wake = Promise.withResolvers();
    signal.removeEventListener('abort', stop);
    nap.abort();
  }

  /** The first that may be stored now; what waits keeps back only its own channel. */
  #batch(): Entry[] {
    const waiting = new Set(this.#held);
    const batch: Entry[] = [];
    for (const entry of this.#entries) {
      if (batch.length === maxBatch) break;
      // An interaction has a deadline of its own.
      if (entry.pending === null && (waiting.has(entry.channel) || entry.place === undefined)) {
        waiting.add(entry.channel);
      } else batch.push(entry);
    }
    return batch;
  }

  async #storeBatch(batch: Entry[]): Promise<void> {
    const events: InboundEvent[] = [];
    const heard: Heard[] = [];
    for (const entry of batch) {
      const event = this.#translated(entry);
      if (event !== null) events.push(event);
      const { channel, message, pending } = entry;
      const addressed = event?.chat.addressed === true && event.kind !== 'reaction';
      if (message !== null) heard.push({ channel, message, addressed, moves: true });
      else if (pending !== null) heard.push({ channel, message: pending.ref.id, addressed, moves: false });
    }
    const receipts = await this.#commit(events, (recent) => afterHearing(recent, heard, this.#behind), { batch });
    const { interactions } = this.#deps;
    if (receipts === null) {
      // The platform tells a command once, and its person cannot wait: they are told, and it is over.
      for (const { pending } of batch) if (pending !== null) quietly(interactions.failed(pending));
      this.#remove(batch.filter(({ pending }) => pending !== null));
      return this.#backoff();
    }
    this.#remove(batch);
    for (const { pending } of batch) {
      if (pending === null) continue;
      const receipt = receipts[events.findIndex((event) => event.dedupe === `interaction:${pending.ref.id}`)];
      const unheard = receipt !== undefined && (receipt.messageId === null || receipt.refused === true);
      if (unheard) quietly(interactions.refused(pending));
      else interactions.stored(pending);
    }
  }

  async #storePage({ channel, messages, last, place, stored }: Page): Promise<void> {
    const events = messages.flatMap((message) => {
      try {
        return messageEvent(message, place, this.#deps.about) ?? [];
      } catch (error) {
        this.#malformed(error);
        return [];
      }
    });
    const receipts = await this.#commit(events, (recent) => afterPage(recent, channel, last), { now: true });
    if (receipts === null) return this.#backoff();
    this.#pages.shift();
    stored();
  }

  /** Null when the store does not take it. `now`: the position is stored, too, however little happened. */
  async #commit(
    events: InboundEvent[],
    change: (recent: Recent) => Recent,
    { batch = [], now = false }: { batch?: readonly Entry[]; now?: boolean },
  ): Promise<readonly InboundReceipt[] | null> {
    const { sink, context } = this.#deps;
    const begun = context.clock.monotonic();
    const addressed = events.some(({ chat }) => chat.addressed);
    const save = now || addressed || begun - this.#savedAt >= flushEveryMs;
    const latest = batch.reduce<string | null>((newest, { message }) => later(newest, message), this.#latest);
    const cursor = save ? this.#cursor(change(this.#recent), latest, batch) : undefined;
    const unsaved = this.#unsaved;
    this.#unsaved = !save;
    let receipts: readonly InboundReceipt[] = [];
    try {
      if (save || events.length > 0) receipts = (await sink.commit(events, cursor)) ?? [];
    } catch (error) {
      context.log.warn('what Discord sent could not be stored yet and is offered again', { error });
      this.#failures++;
      this.#unsaved = unsaved;
      return null;
    }
    this.#failures = 0;
    // Meanwhile channels may have been added.
    this.#recent = change(this.#recent);
    this.#latest = latest;
    if (save) this.#savedAt = begun;
    if (events.length > 0) this.lastEventAt = context.clock.now();
    return receipts;
  }

  /** Up to the first dispatch that is still not stored. */
  #cursor(recent: Recent, latest: string | null, batch: readonly Entry[]): CursorUpdate {
    const session = this.#session;
    const stored = new Set(batch);
    const open = this.#entries.find((entry) => entry.session === session?.id && !stored.has(entry));
    const at = session === null ? null : { ...session, seq: open === undefined ? session.seq : open.seq - 1 };
    return { key: gatewayCursor, value: cursorText({ session: at, latest, channels: [...recent] }) };
  }

  #backoff(): Promise<void> {
    const { clock, signal } = this.#deps.context;
    const ms = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(this.#failures, 10));
    return clock.sleep(ms, signal).catch(() => undefined);
  }

  /** Done once, however often it is offered. */
  #translated(entry: Entry): InboundEvent | null {
    if (entry.event !== undefined) return entry.event;
    const { translate, place, guild } = entry;
    entry.event = null;
    try {
      entry.event = translate(place ?? { guild, parent: null, title: null });
    } catch (error) {
      this.#malformed(error);
    }
    return entry.event;
  }

  #malformed(error: unknown): void {
    // A TypeError is a field that is not what Discord says it is.
    if (!(error instanceof Malformed) && !(error instanceof TypeError)) throw error;
    this.#deps.sink.malformed(error.message);
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
    if (entry.place === undefined) {
      void this.#deps.places.find(entry.channel).then((place) => {
        entry.place = place;
        this.#notify();
      });
    }
    this.#notify();
  }

  #remove(entries: readonly Entry[]): void {
    const gone = new Set(entries);
    const kept = this.#entries.filter((entry) => !gone.has(entry));
    this.#entries.splice(0, this.#entries.length, ...kept);
  }

  #notify(): void {
    this.#wake.resolve();
  }
}

const later = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && isLater(b, a)) ? b : a;

/** What is said to a person in passing has no one to report to but the log of its calls. */
const quietly = (said: Promise<void>): void => void said.catch(() => undefined);
