/** The few things of the machine the domain may ask for. Injected, so a test can hold every one of them. */

export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump; never measure a duration with it. */
  now(): number;
  /** Monotonic milliseconds for durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, rejects with the signal's reason when aborted first. Never keeps a stopping process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `wake` after `ms`, unless what it returns is called first. For hot paths: no promise, no signal. */
  after(ms: number, wake: () => void): () => void;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1), for jitter. */
  unit(): number;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Field values; an Error prints as its kind, code and message. Secrets are masked by value and by key name. */
export type LogFields = Record<string, unknown>;

/**
 * The next moment at which the clock of this machine shows a time of the day. Asking for its time zone by name would load
 * what Intl knows of all languages, 10 MB and more.
 */
export type NextLocal = (hour: number, minute: number, after: number) => number;

/** One line per call, never throws. `with` binds fields (`component`, `correlation_id`, `session`) for every line. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  with(fields: LogFields): Log;
}

/** Not changed any more once it was passed. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(value?: number, labels?: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
}
export interface Histogram {
  /** Seconds, as Prometheus wants. */
  observe(seconds: number, labels?: Labels): void;
}

/**
 * A bounded registry: a metric keeps at most 200 label sets, what comes after counts under `other`. Names are written
 * without the product's prefix and with their unit: `_seconds`, `_bytes`, `_total` for what only grows.
 */
export interface Metrics {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  /** Read at scrape time: a gauge, or under a name with `_total` a counter. */
  observe(name: string, help: string, read: () => number | [Labels, number][]): void;
  histogram(name: string, help: string, buckets?: readonly number[]): Histogram;
  /** Prometheus text exposition format 0.0.4. */
  render(): string;
}

/** Something with a life. `start` resolves when it works; `stop` settles by its deadline and may be called twice. */
export interface Service {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(deadlineMs: number): Promise<void>;
}
