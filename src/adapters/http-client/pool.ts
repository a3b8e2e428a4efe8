import { noLongerNeeded } from '../../core/abort.ts';
import type { Connection } from './connection.ts';
import { aborted } from './failure.ts';

/** Requests past these wait for one that ends, still abortable. */
const maxPerOrigin = 256;
const maxConnections = 1024;
/** A handshake costs more than a turn: what a hundred sessions just used is kept for their next turns. */
const maxIdlePerOrigin = 64;
/** Shorter than the idle limit of common servers and balancers (60 s), so that a pooled socket is rarely a dead one. */
const idleMs = 15_000;
/** What a server says it keeps a connection for is shortened by this: its end and our next request may cross. */
const idleMarginMs = 1000;

/** What a pool knows of a connection. */
type Pooled = Pick<Connection, 'origin' | 'open' | 'keptMs' | 'rest' | 'drop' | 'destroy'>;

/** Where requests of one origin stand. */
interface Place<C> {
  /** The one that was used last is taken first, so that the others grow old and go. */
  idle: C[];
  open: number;
  waiting: Set<Waiting<C>>;
}

interface Waiting<C> {
  url: URL;
  go: (connection: C) => void;
  stop: () => void;
}

/** The connections of a client. */
export class Pool<C extends Pooled = Connection> {
  readonly #connect: (url: URL, pool: Pool<C>) => C;
  readonly #places = new Map<string, Place<C>>();
  readonly #all = new Set<C>();

  constructor(connect: (url: URL, pool: Pool<C>) => C) {
    this.#connect = connect;
  }

  /** One that is free, or a new one; a promise while as many as there may be are at work: it rejects with an abort. */
  take(url: URL, signal: AbortSignal): C | Promise<C> {
    const place = this.#placeOf(url.origin);
    for (let idle = place.idle.pop(); idle !== undefined; idle = place.idle.pop()) if (idle.open) return idle;
    return this.#mayOpen(place) ? this.#open(url, place) : wait(url, place, signal);
  }

  onIdle(connection: C): void {
    const place = this.#placeOf(connection.origin);
    const [first] = place.waiting;
    if (first !== undefined) return first.go(connection);
    const keptMs = Math.min(idleMs, (connection.keptMs ?? Infinity) - idleMarginMs);
    const wanted =
      this.#all.size >= maxConnections && [...this.#places.values()].some(({ waiting }) => waiting.size > 0);
    if (keptMs <= 0 || wanted) return connection.drop();
    place.idle.push(connection);
    connection.rest(keptMs);
    if (place.idle.length > maxIdlePerOrigin) place.idle.shift()?.drop();
  }

  onGone(connection: C): void {
    const place = this.#placeOf(connection.origin);
    this.#all.delete(connection);
    place.open--;
    place.idle = place.idle.filter((idle) => idle !== connection);
    // Its room is for whoever waits at this origin, or anywhere.
    for (const other of [place, ...this.#places.values()]) {
      const [first] = other.waiting;
      if (first !== undefined && this.#mayOpen(other)) first.go(this.#open(first.url, other));
    }
    if (place.open === 0 && place.waiting.size === 0) this.#places.delete(connection.origin);
  }

  close(): void {
    for (const { waiting } of this.#places.values()) for (const { stop } of waiting) stop();
    for (const connection of this.#all) connection.destroy(noLongerNeeded);
  }

  #open(url: URL, place: Place<C>): C {
    const connection = this.#connect(url, this);
    place.open++;
    this.#all.add(connection);
    return connection;
  }

  /** Closes one that nobody uses where there are as many as there may be. */
  #mayOpen({ open }: Place<C>): boolean {
    if (open >= maxPerOrigin) return false;
    if (this.#all.size < maxConnections) return true;
    for (const { idle } of this.#places.values()) {
      const oldest = idle.shift();
      if (oldest === undefined) continue;
      oldest.drop();
      return true;
    }
    return false;
  }

  #placeOf(origin: string): Place<C> {
    let place = this.#places.get(origin);
    if (place === undefined) this.#places.set(origin, (place = { idle: [], open: 0, waiting: new Set() }));
    return place;
  }
}

function wait<C>(url: URL, { waiting }: Place<C>, signal: AbortSignal): Promise<C> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      waiting.delete(waiter);
      signal.removeEventListener('abort', stop);
    };
    const stop = (): void => {
      end();
      reject(aborted('connect'));
    };
    const waiter = {
      url,
      go: (connection: C): void => {
        end();
        resolve(connection);
      },
      stop,
    };
    waiting.add(waiter);
    signal.addEventListener('abort', stop, { once: true });
  });
}
