/** Events in memory: one line of them, and a bounded queue for each who listens. */
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import type { GatewayEvent, NewEvent } from '../../src/core/events.ts';
import { idMint, type MintId } from '../../src/core/ids.ts';
import type { EventFilter, Subscription } from '../../src/core/ports/bus.ts';
import type { Principal } from '../../src/core/principal.ts';
import { ScriptedMaintenance } from './scripted-maintenance.ts';

/** A bounded queue that one consumer reads. */
export class Queue implements Subscription {
  readonly filter: EventFilter;
  readonly #limit: number;
  readonly #items: GatewayEvent[] = [];
  #wake = (): void => {};
  #hear: ((event: GatewayEvent) => void) | null = null;
  closed = false;
  overflowed = false;

  constructor(filter: EventFilter, limit: number) {
    this.filter = filter;
    this.#limit = limit;
  }

  offer(event: GatewayEvent): void {
    if (this.#hear !== null) this.#hear(event);
    else if (this.#items.length >= this.#limit) this.overflowed = true;
    else this.#items.push(event);
    this.#wake();
  }

  forward(hear: (event: GatewayEvent) => void): void {
    this.#hear = hear;
    for (const event of this.#items.splice(0)) hear(event);
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GatewayEvent> {
    while (!this.closed || this.#items.length > 0) {
      const next = this.#items.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield next;
    }
  }
}

const matches = ({ types, sessions, person }: EventFilter, event: GatewayEvent): boolean =>
  (types === undefined || types.includes(event.type)) &&
  (sessions === undefined || sessions.includes(event.sessionKey ?? '')) &&
  (person === undefined || event.person === person);

export class ScriptedEvents extends ScriptedMaintenance {
  readonly mintId: MintId = idMint(systemClock, systemRandom);
  readonly startedAt = systemClock.now();
  readonly #queues = new Set<Queue>();
  readonly #events: GatewayEvent[] = [];
  #seq = 0;

  publish(event: NewEvent): GatewayEvent {
    const full = { ...event, seq: ++this.#seq, at: systemClock.now() };
    this.#events.push(full);
    if (this.#events.length > 512) this.#events.shift();
    for (const queue of this.#queues) if (matches(queue.filter, full)) queue.offer(full);
    return full;
  }

  subscribe(principal: Principal, _name: string, filter: EventFilter, limit = 100_000): Subscription {
    const queue = new Queue({ ...filter, person: principal.person }, limit);
    this.#queues.add(queue);
    const close = queue.close.bind(queue);
    queue.close = () => {
      this.#queues.delete(queue);
      close();
    };
    return queue;
  }

  eventsSince(principal: Principal, seq: number, filter: EventFilter): GatewayEvent[] | null {
    const oldest = this.#events[0]?.seq ?? this.#seq + 1;
    if (seq > this.#seq || seq < oldest - 1) return null;
    return this.#events.filter((event) => event.seq > seq && matches({ ...filter, person: principal.person }, event));
  }

  get subscriptions(): number {
    return this.#queues.size;
  }
}
