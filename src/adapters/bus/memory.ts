import type { GatewayEvent, GatewayEventType, NewEvent } from '../../core/events.ts';
import type { Bus, EventFilter, Subscription } from '../../core/ports/bus.ts';
import type { Clock, Counter, Histogram, Metrics } from '../../core/ports/system.ts';

const retainedEvents = 512;
/** One read of a provider's socket (64 KiB) can hold some 1,500 pieces of text, published before any reader has its turn. */
const defaultLimit = 5000;

interface Queued {
  event: GatewayEvent;
  /** Monotonic milliseconds. */
  at: number;
}

type Step = IteratorResult<GatewayEvent, undefined>;

function matches(filter: EventFilter, event: GatewayEvent): boolean {
  if (filter.runId !== undefined && (!('runId' in event) || event.runId !== filter.runId)) return false;
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false;
  if (filter.sessions !== undefined && !filter.sessions.includes(event.sessionKey ?? '')) return false;
  return filter.person === undefined || event.person === filter.person;
}

/**
 * One subscriber's bounded queue, read by one consumer. An iterator written by hand: a generator would make several
 * promises for each piece of text.
 */
class MemorySubscription implements Subscription, AsyncIterator<GatewayEvent, undefined> {
  readonly labels: { subscriber: string };
  readonly filter: EventFilter;
  readonly #limit: number;
  readonly #bus: MemoryBus;
  readonly #queue: Queued[] = [];
  #waiting: ((step: Step) => void) | null = null;
  #hear: ((event: GatewayEvent) => void) | null = null;
  #closed = false;
  overflowed = false;

  constructor(bus: MemoryBus, labels: { subscriber: string }, filter: EventFilter, limit: number) {
    this.#bus = bus;
    this.labels = labels;
    this.filter = filter;
    this.#limit = limit;
  }

  get depth(): number {
    return this.#queue.length;
  }

  /** False when the queue is full: the event is lost to this subscriber. */
  offer(event: GatewayEvent, at: number): boolean {
    if (this.#hear !== null) {
      this.#bus.delivered(this, at);
      this.#hear(event);
      return true;
    }
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      this.#bus.delivered(this, at);
      waiting({ done: false, value: event });
      return true;
    }
    if (this.#queue.length >= this.#limit) {
      this.overflowed = true;
      return false;
    }
    this.#queue.push({ event, at });
    return true;
  }

  forward(hear: (event: GatewayEvent) => void): void {
    this.#hear = hear;
    for (const { event, at } of this.#queue) {
      this.#bus.delivered(this, at);
      hear(event);
    }
    this.#queue.length = 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bus.remove(this);
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const item = this.#queue.shift();
    if (item !== undefined) {
      this.#bus.delivered(this, item.at);
      return Promise.resolve({ done: false, value: item.event });
    }
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<Step> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }
}

/**
 * The bus inside one process. Publishing is a push into each matching queue: it never waits and never throws.
 * Subscriptions of named sessions are indexed, so a delta costs what its own listeners cost, not what all do.
 */
export class MemoryBus implements Bus {
  readonly #clock: Clock;
  readonly #bySession = new Map<string, Set<MemorySubscription>>();
  readonly #general = new Set<MemorySubscription>();
  readonly #retained: GatewayEvent[] = [];
  readonly #published = new Map<GatewayEventType, number>();
  /** One object for each name that a part of the product subscribes by: a metric knows its row by it. */
  readonly #labels = new Map<string, { subscriber: string }>();
  readonly #dropped: Counter;
  readonly #latency: Histogram;
  #seq: number;
  /** The newest event that was retained and is no longer. */
  #lostSeq: number;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    // Events of a later process have greater numbers: who comes back after a restart learns of what was missed.
    this.#seq = clock.now() * 1000;
    this.#lostSeq = this.#seq;
    metrics.observe('bus_events_total', 'Events published on the bus, by type.', () =>
      Array.from(this.#published, ([type, count]) => [{ type }, count]),
    );
    this.#dropped = metrics.counter('bus_dropped_total', 'Events lost to a full subscriber queue, by subscriber.');
    this.#latency = metrics.histogram('bus_latency_seconds', 'Time an event waited in a subscriber queue.');
    metrics.observe('bus_queue_depth', 'Events waiting, by subscriber.', () => this.#depths());
  }

  publish(event: NewEvent): void {
    const full: GatewayEvent = { ...event, seq: ++this.#seq, at: this.#clock.now() };
    this.#published.set(full.type, (this.#published.get(full.type) ?? 0) + 1);
    // Deltas are a view of a reply that will come whole: keeping them would push everything else out.
    if (full.type !== 'run.delta') {
      this.#retained.push(full);
      if (this.#retained.length > retainedEvents) this.#lostSeq = this.#retained.shift()?.seq ?? this.#lostSeq;
    }
    const now = this.#clock.monotonic();
    if (full.sessionKey !== undefined) this.#offer(this.#bySession.get(full.sessionKey), full, now);
    this.#offer(this.#general, full, now);
  }

  subscribe(name: string, filter: EventFilter, limit = defaultLimit): Subscription {
    const subscription = new MemorySubscription(this, this.#labelsOf(name), filter, limit);
    for (const set of this.#setsOf(filter)) set.add(subscription);
    return subscription;
  }

  since(seq: number, filter: EventFilter): GatewayEvent[] | null {
    if (seq > this.#seq || seq < this.#lostSeq) return null;
    return this.#retained.filter((event) => event.seq > seq && matches(filter, event));
  }

  forget(): void {
    this.#lostSeq = this.#seq;
    this.#retained.length = 0;
  }

  remove(subscription: MemorySubscription): void {
    for (const set of this.#setsOf(subscription.filter)) set.delete(subscription);
    for (const key of subscription.filter.sessions ?? []) {
      if (this.#bySession.get(key)?.size === 0) this.#bySession.delete(key);
    }
  }

  delivered({ labels }: MemorySubscription, queuedAt: number): void {
    this.#latency.observe((this.#clock.monotonic() - queuedAt) / 1000, labels);
  }

  #offer(set: Set<MemorySubscription> | undefined, event: GatewayEvent, now: number): void {
    if (set === undefined) return;
    for (const subscription of set) {
      if (matches(subscription.filter, event) && !subscription.offer(event, now)) {
        this.#dropped.add(1, subscription.labels);
      }
    }
  }

  #labelsOf(subscriber: string): { subscriber: string } {
    const known = this.#labels.get(subscriber);
    if (known !== undefined) return known;
    const labels = { subscriber };
    this.#labels.set(subscriber, labels);
    return labels;
  }

  #setsOf(filter: EventFilter): Set<MemorySubscription>[] {
    if (filter.sessions === undefined) return [this.#general];
    return filter.sessions.map((key) => {
      let set = this.#bySession.get(key);
      if (set === undefined) this.#bySession.set(key, (set = new Set()));
      return set;
    });
  }

  #depths(): [Record<string, string>, number][] {
    const depths = new Map<string, number>();
    for (const set of [this.#general, ...this.#bySession.values()]) {
      for (const { labels, depth } of set) depths.set(labels.subscriber, (depths.get(labels.subscriber) ?? 0) + depth);
    }
    return [...depths].map(([subscriber, depth]) => [{ subscriber }, depth]);
  }
}
