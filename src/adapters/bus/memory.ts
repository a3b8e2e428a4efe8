import type { GatewayEvent, NewEvent } from '../../core/events.ts';
import type { Bus, EventFilter, Subscription } from '../../core/ports/bus.ts';
import type { Clock, Counter, Histogram, Metrics } from '../../core/ports/system.ts';

const retainedEvents = 512;
const defaultLimit = 1000;

interface Queued {
  event: GatewayEvent;
  at: number;
}

function matches(filter: EventFilter, event: GatewayEvent): boolean {
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false;
  if (filter.sessions !== undefined && !filter.sessions.includes(event.sessionKey ?? '')) return false;
  return filter.person === undefined || event.person === filter.person;
}

/** One subscriber's bounded queue, read by one consumer. */
class MemorySubscription implements Subscription {
  readonly name: string;
  readonly filter: EventFilter;
  readonly #limit: number;
  readonly #bus: MemoryBus;
  #queue: Queued[] = [];
  #wake: (() => void) | null = null;
  #closed = false;
  overflowed = false;

  constructor(bus: MemoryBus, name: string, filter: EventFilter, limit: number) {
    this.#bus = bus;
    this.name = name;
    this.filter = filter;
    this.#limit = limit;
  }

  get depth(): number {
    return this.#queue.length;
  }

  /** False when the queue is full: the event is lost to this subscriber. */
  offer(item: Queued): boolean {
    if (this.#queue.length >= this.#limit) {
      this.overflowed = true;
      return false;
    }
    this.#queue.push(item);
    this.#wake?.();
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bus.remove(this);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<GatewayEvent> {
    try {
      while (!this.#closed || this.#queue.length > 0) {
        if (this.#queue.length === 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = null;
          continue;
        }
        const batch = this.#queue;
        this.#queue = [];
        for (const { event, at } of batch) {
          this.#bus.delivered(this.name, at);
          yield event;
        }
      }
    } finally {
      this.close();
    }
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
  readonly #published: Counter;
  readonly #dropped: Counter;
  readonly #latency: Histogram;
  #seq = 0;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#published = metrics.counter('bus_events_total', 'Events published on the bus, by type.');
    this.#dropped = metrics.counter('bus_dropped_total', 'Events lost to a full subscriber queue, by subscriber.');
    this.#latency = metrics.histogram('bus_latency_seconds', 'Time an event waited in a subscriber queue.');
    metrics.observe('bus_queue_depth', 'Events waiting, by subscriber.', () => this.#depths());
  }

  publish(event: NewEvent): void {
    const full: GatewayEvent = { ...event, seq: ++this.#seq, at: this.#clock.now() };
    this.#published.add(1, { type: full.type });
    // Deltas are a view of a reply that will come whole: keeping them would push everything else out.
    if (full.type !== 'run.delta') {
      this.#retained.push(full);
      if (this.#retained.length > retainedEvents) this.#retained.shift();
    }
    const item = { event: full, at: this.#clock.monotonic() };
    if (full.sessionKey !== undefined) this.#offer(this.#bySession.get(full.sessionKey), item);
    this.#offer(this.#general, item);
  }

  subscribe(name: string, filter: EventFilter, limit = defaultLimit): Subscription {
    const subscription = new MemorySubscription(this, name, filter, limit);
    for (const set of this.#setsOf(filter)) set.add(subscription);
    return subscription;
  }

  since(seq: number, filter: EventFilter): GatewayEvent[] | null {
    const oldest = this.#retained[0]?.seq ?? this.#seq + 1;
    if (seq > this.#seq || (seq < oldest - 1 && this.#retained.length === retainedEvents)) return null;
    return this.#retained.filter((event) => event.seq > seq && matches(filter, event));
  }

  remove(subscription: MemorySubscription): void {
    for (const set of this.#setsOf(subscription.filter)) set.delete(subscription);
    for (const key of subscription.filter.sessions ?? []) {
      if (this.#bySession.get(key)?.size === 0) this.#bySession.delete(key);
    }
  }

  delivered(name: string, queuedAt: number): void {
    this.#latency.observe((this.#clock.monotonic() - queuedAt) / 1000, { subscriber: name });
  }

  #offer(set: Set<MemorySubscription> | undefined, item: Queued): void {
    for (const subscription of set ?? []) {
      if (matches(subscription.filter, item.event) && !subscription.offer(item)) {
        this.#dropped.add(1, { subscriber: subscription.name });
      }
    }
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
      for (const { name, depth } of set) depths.set(name, (depths.get(name) ?? 0) + depth);
    }
    return [...depths].map(([subscriber, depth]) => [{ subscriber }, depth]);
  }
}
