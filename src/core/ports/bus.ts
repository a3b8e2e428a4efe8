import type { GatewayEvent, GatewayEventType, NewEvent } from '../events.ts';

export interface EventFilter {
  /** Absent: all types. */
  types?: readonly GatewayEventType[];
  /** Only events of these sessions. */
  sessions?: readonly string[];
  /** Only events of this run. */
  runId?: string;
  /** Only events of this person (events without a person are not theirs). */
  person?: string;
}

/** A bounded queue of events. When it overflows, the newest event is dropped, counted, and `overflowed` turns true. */
export interface Subscription extends AsyncIterable<GatewayEvent> {
  readonly overflowed: boolean;
  /** In place of iterating: hands on what waits, and from now on each event in the moment it comes. Must not throw. */
  forward(hear: (event: GatewayEvent) => void): void;
  close(): void;
}

export interface Bus {
  publish(event: NewEvent): void;
  /** `name` labels the metrics (queue depth, latency, drops); `limit` defaults to 5000 events. */
  subscribe(name: string, filter: EventFilter, limit?: number): Subscription;
  /** The retained events after `seq`, oldest first, or null when they are no longer all there (512 are kept). */
  since(seq: number, filter: EventFilter): GatewayEvent[] | null;
  /** Drops what is retained: somebody in it was erased. */
  forget(): void;
}
