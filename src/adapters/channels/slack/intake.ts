/**
 * From deliveries to commits: one line for the whole account, so nothing is ever reordered. What waits while a commit
 * is under way becomes the next batch. A delivery is done (and only then acknowledged) when its commit is.
 */
import type { ChannelContext, CursorUpdate, InboundEvent, InboundSink } from '../../../core/ports/channel.ts';
import type { Delivery } from './deliveries.ts';
import { placeOf, translate } from './inbound.ts';
import type { InboundContext } from './inbound.ts';
import type { Place, Positions } from './positions.ts';

/** Deliveries in the line; over that Slack is not answered and delivers again. */
const maxWaiting = 500;
const maxBatch = 100;
const minPauseMs = 250;
const maxPauseMs = 10_000;
/** How often positions are stored that only messages moved which were not for us. */
const storeEveryMs = 60_000;

export const positionsCursor = 'positions';

export interface Arrival {
  delivery: Delivery;
  /** It is committed, or there is nothing in it to commit. */
  done: () => void;
}

interface Read {
  event: InboundEvent;
  delivery: Delivery;
}

export interface IntakeDeps {
  sink: InboundSink;
  context: ChannelContext;
  positions: Positions;
  /** What translating needs. */
  reading: () => InboundContext;
  /** Whether messages before the newest ones of a conversation may still be missing. */
  isBehind: (place: Place | null) => boolean;
  /** Resolves when the names in these deliveries are known or will not be. */
  learnNames: (deliveries: readonly Delivery[]) => Promise<void>;
  /** Whose sender may not talk here, and will get no answer. */
  refused: (delivery: Delivery) => void;
  /** `null` when storing works again. */
  trouble: (detail: string | null) => void;
}

export class Intake {
  readonly #deps: IntakeDeps;
  readonly #waiting: Arrival[] = [];
  #wake = Promise.withResolvers<void>();
  #idle = Promise.withResolvers<void>();
  #storedAt = 0;
  #mustStore = false;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
    this.#idle.resolve();
    deps.context.signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
  }

  /** False when the line is full. */
  offer(arrival: Arrival): boolean {
    if (this.#waiting.length >= maxWaiting) return false;
    this.add(arrival);
    return true;
  }

  /** For what is read from the history, whose reader waits for `drained` between its pages. */
  add(arrival: Arrival): void {
    if (this.#waiting.length === 0) this.#idle = Promise.withResolvers();
    this.#waiting.push(arrival);
    this.#wake.resolve();
  }

  /** Resolves when the line is empty. */
  drained(): Promise<void> {
    return this.#idle.promise;
  }

  /** The positions are stored although nothing arrived. */
  store(): void {
    this.#mustStore = true;
    this.#wake.resolve();
  }

  /** Returns once the signal has aborted and no commit is under way. */
  async run(): Promise<void> {
    const { context } = this.#deps;
    while (!context.signal.aborted) {
      if (this.#waiting.length === 0 && !this.#mustStore) {
        this.#idle.resolve();
        this.#wake = Promise.withResolvers();
        await this.#wake.promise;
        continue;
      }
      const batch = this.#waiting.slice(0, maxBatch);
      try {
        await this.#take(batch);
      } catch (error) {
        // A bug must not end the line; what it stumbled over is left to Slack, which delivers it again.
        context.log.error('deliveries of Slack were skipped', { error });
      }
      this.#waiting.splice(0, batch.length);
    }
    this.#idle.resolve();
  }

  async #take(batch: readonly Arrival[]): Promise<void> {
    const { learnNames, context } = this.#deps;
    await learnNames(batch.map(({ delivery }) => delivery));
    const events = new Map<string, Read>();
    let matters = this.#mustStore;
    this.#mustStore = false;
    for (const { delivery } of batch) {
      const event = this.#read(delivery);
      if (event === null) continue;
      if (!events.has(event.dedupe)) events.set(event.dedupe, { event, delivery });
      matters ||= event.chat.addressed;
    }
    const now = context.clock.monotonic();
    const due = matters || (events.size > 0 && now - this.#storedAt >= storeEveryMs);
    const cursor = due ? { key: positionsCursor, value: this.#deps.positions.text() } : undefined;
    if (due) this.#storedAt = now;
    if ((due || events.size > 0) && !(await this.#commit([...events.values()], cursor))) return;
    for (const { done } of batch) done();
  }

  #read(delivery: Delivery): InboundEvent | null {
    const { reading, sink, positions, isBehind } = this.#deps;
    const translated = translate(delivery, reading());
    if (!translated.ok) {
      sink.malformed(translated.detail);
      return null;
    }
    const { event } = translated;
    const place = placeOf(delivery);
    if (event?.kind !== 'message' || place === null) return event;
    const { channel, thread, ts } = place;
    const here = { channel, thread };
    if (thread === null || event.chat.addressed || positions.has(here)) {
      positions.advance(here, isBehind(here) ? null : ts);
    }
    // A message to us in a channel begins a thread of ours: its answers go there.
    if (thread === null && event.conversation.thread !== undefined && event.chat.addressed) {
      positions.advance({ channel, thread: ts }, ts, true);
    }
    if (!isBehind(null)) positions.caughtUp(ts);
    return event;
  }

  /** Offered until it is stored; false when the channel stops first. */
  async #commit(read: Read[], cursor: CursorUpdate | undefined): Promise<boolean> {
    const { sink, context, trouble, refused } = this.#deps;
    const { signal, clock, log } = context;
    const events = read.map(({ event }) => event);
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const receipts = (await sink.commit(events, cursor)) ?? [];
        if (failures > 0) trouble(null);
        for (const [index, { delivery }] of read.entries()) if (receipts[index]?.refused === true) refused(delivery);
        return true;
      } catch (error) {
        log.warn('what Slack sent could not be stored yet; it is offered again', { error });
        trouble('Messages are received but cannot be stored; check the disk and the log.');
        await clock.sleep(Math.min(maxPauseMs, minPauseMs * 2 ** failures), signal).catch(() => undefined);
      }
    }
    return false;
  }
}
