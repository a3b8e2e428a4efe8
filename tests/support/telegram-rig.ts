/** A Telegram channel on real sockets, with a store that a test can hold, break and read, and a clock it can hurry. */
import type { LookupFunction } from 'node:net';
import { createTelegramChannel } from '../../src/adapters/channels/telegram/index.ts';
import type { TelegramChannelOptions } from '../../src/adapters/channels/telegram/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { Channel, CursorUpdate, InboundEvent, InboundSink } from '../../src/core/ports/channel.ts';
import type { Clock, Log, LogFields, Metrics } from '../../src/core/ports/system.ts';
import { Secret } from '../../src/core/secret.ts';
import { afterSleep } from './after-sleep.ts';

/** The limits of a call and of a poll of 1 s, and the pause after a refused token: whole numbers, as backoffs never are. */
const isWatchdog = (ms: number): boolean => ms === 15_000 || ms === 16_000 || ms === 300_000;

/** Backoffs pass in a hundredth of their time and are noted; watchdogs end only when `wake` is called. */
export class HurriedClock implements Clock {
  readonly naps: number[] = [];
  readonly #held = new Set<() => void>();

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  wake(): void {
    for (const wake of this.#held) wake();
  }

  after(ms: number, wake: () => void): () => void {
    return afterSleep(this, ms, wake);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const leave = (): void => {
        clearTimeout(timer);
        this.#held.delete(done);
        signal?.removeEventListener('abort', abort);
      };
      const done = (): void => {
        leave();
        resolve();
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      let timer: NodeJS.Timeout | undefined;
      if (isWatchdog(ms)) {
        this.#held.add(done);
      } else {
        this.naps.push(ms);
        timer = setTimeout(done, ms / 100);
      }
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

/** Keeps what was committed, once per dedupe key, as the store does. */
export class TestSink implements InboundSink {
  readonly events = new Map<string, InboundEvent>();
  readonly malformedDetails: string[] = [];
  cursors = new Map<string, string>();
  commits = 0;
  /** Rejects this many commits. */
  broken = 0;
  /** While set, commits wait for it. */
  held: Promise<void> | null = null;
  #changed = Promise.withResolvers<void>();

  async commit(batch: InboundEvent[], cursor?: CursorUpdate): Promise<void> {
    this.commits++;
    this.#notify();
    await this.held;
    if (this.broken > 0) {
      this.broken--;
      throw new Error('the disk is full');
    }
    for (const event of batch) if (!this.events.has(event.dedupe)) this.events.set(event.dedupe, event);
    if (cursor) this.cursors.set(cursor.key, cursor.value);
    this.#notify();
  }

  malformed(detail: string): void {
    this.malformedDetails.push(detail);
    this.#notify();
  }

  texts(): string[] {
    return [...this.events.values()].map((event) => event.text);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Keeps every line, to prove what is not in them. */
export function recordingLog(lines: string[]): Log {
  const line = (message: string, fields?: LogFields): void => {
    lines.push(
      `${message} ${JSON.stringify(fields ?? {}, (_, value: unknown) => (value instanceof Error ? value.stack : value))}`,
    );
  };
  const log: Log = { trace: line, debug: line, info: line, warn: line, error: line, with: () => log };
  return log;
}

const nothing = { add: () => undefined, set: () => undefined, observe: () => undefined };
const noMetrics: Metrics = {
  counter: () => nothing,
  gauge: () => nothing,
  histogram: () => nothing,
  observe: () => undefined,
  render: () => '',
};

export interface TelegramRig {
  channel: Channel;
  sink: TestSink;
  clock: HurriedClock;
  log: string[];
  start(): void;
  /** Resolves when health says so. */
  state(state: string, detail?: RegExp): Promise<void>;
  close(): Promise<void>;
}

export function telegramRig(
  server: { apiRoot: string; botToken: string },
  options: Partial<TelegramChannelOptions> & { resolver?: LookupFunction; cursors?: Map<string, string> } = {},
): TelegramRig {
  const log: string[] = [];
  const sink = new TestSink();
  const clock = new HurriedClock();
  const stopping = new AbortController();
  const { resolver, cursors = new Map<string, string>(), ...rest } = options;
  const http = createHttpClient({ log: recordingLog(log), metrics: noMetrics, ...(resolver ? { resolver } : {}) });
  const channel = createTelegramChannel({
    account: 'main',
    token: new Secret(server.botToken),
    apiRoot: server.apiRoot,
    pollTimeoutMs: 1000,
    http,
    random: systemRandom,
    ...rest,
  });
  return {
    channel,
    sink,
    clock,
    log,
    start: () => channel.start(sink, { signal: stopping.signal, cursors, clock, log: recordingLog(log) }),
    async state(state, detail = /^/) {
      const giveUp = performance.now() + 60_000;
      while (channel.health().state !== state || !detail.test(channel.health().detail)) {
        if (performance.now() > giveUp) throw new Error(`still ${JSON.stringify(channel.health())}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    async close() {
      stopping.abort();
      await channel.stop(5000);
      http.close();
    },
  };
}
