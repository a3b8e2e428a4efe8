/** A Discord channel on real sockets, with a store that a test can hold, break and read, and a clock that hurries. */
import type { TestContext } from 'node:test';
import { createDiscordChannel } from '../../src/adapters/channels/discord/index.ts';
import type { DiscordChannelOptions } from '../../src/adapters/channels/discord/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type {
  Channel,
  CursorUpdate,
  InboundEvent,
  InboundReceipt,
  InboundSink,
  OutboundPart,
} from '../../src/core/ports/channel.ts';
import type { Clock } from '../../src/core/ports/system.ts';
import { plainText } from '../../src/core/rich-text.ts';
import { Secret } from '../../src/core/secret.ts';
import { directId, startDiscordServer } from './discord-server.ts';
import type { DiscordServer } from './discord-server.ts';
import { afterSleep } from './after-sleep.ts';
import { CountedMetrics, KeptLog } from './door.ts';

const patienceMs = 60_000;

/** Every sleep passes in a part of its time and is noted. */
export class HastyClock implements Clock {
  readonly naps: number[] = [];
  readonly #times: number;
  /** Added to the wall clock. */
  aheadMs = 0;

  constructor(times: number) {
    this.#times = times;
  }

  now(): number {
    return Date.now() + this.aheadMs;
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, wake: () => void): () => void {
    return afterSleep(this, ms, wake);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.naps.push(ms);
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms / this.#times);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

/** Keeps what was committed, once per dedupe key, as the store does. */
export class KeepingSink implements InboundSink {
  readonly events = new Map<string, InboundEvent>();
  /** In the order of their commits, repeats too. */
  readonly committed: InboundEvent[] = [];
  readonly malformedDetails: string[] = [];
  readonly cursors = new Map<string, string>();
  /** Cursors that came, oldest first. */
  readonly moves: CursorUpdate[] = [];
  /** While set, commits wait for it. */
  held: Promise<void> | null = null;
  /** Rejects so many commits. */
  broken = 0;
  receipt: InboundReceipt = { messageId: 'msg_1', bodyHash: null };
  readonly #looking = new Set<() => void>();

  async commit(batch: InboundEvent[], cursor?: CursorUpdate): Promise<readonly InboundReceipt[]> {
    await this.held;
    if (this.broken > 0) {
      this.broken--;
      throw new Error('the disk is full');
    }
    for (const event of batch) if (!this.events.has(event.dedupe)) this.events.set(event.dedupe, event);
    this.committed.push(...batch);
    if (cursor !== undefined) {
      this.cursors.set(cursor.key, cursor.value);
      this.moves.push(cursor);
    }
    this.look();
    return batch.map(() => this.receipt);
  }

  malformed(detail: string): void {
    this.malformedDetails.push(detail);
    this.look();
  }

  look(): void {
    for (const look of this.#looking) look();
  }

  texts(): string[] {
    return [...this.events.values()].map(({ text }) => text);
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what}; there is ${JSON.stringify(this.texts())}`)),
        patienceMs,
      );
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      look();
    });
  }

  heard(...texts: string[]): Promise<void> {
    return this.until(() => texts.every((text) => this.texts().includes(text)), `waiting for ${texts.join(', ')}`);
  }
}

export interface DiscordRig {
  server: DiscordServer;
  channel: Channel;
  sink: KeepingSink;
  clock: HastyClock;
  log: KeptLog;
  start(): void;
  stop(): Promise<void>;
  /** Resolves when health says so. */
  state(state: string, detail?: RegExp): Promise<void>;
  /** The same account again, after a restart: with the cursors of this one's store and the same server. */
  again(): DiscordRig;
}

export interface RigOptions extends Partial<DiscordChannelOptions> {
  /** How many times faster than the clock on the wall. Default 20. */
  times?: number;
  heartbeatMs?: number;
}

export async function discordRig(t: TestContext, options: RigOptions = {}): Promise<DiscordRig> {
  const { heartbeatMs } = options;
  const server = await startDiscordServer(heartbeatMs === undefined ? {} : { heartbeatMs });
  t.after(() => server.close());
  return rigOn(t, server, new KeepingSink(), options);
}

function rigOn(t: TestContext, server: DiscordServer, sink: KeepingSink, options: RigOptions): DiscordRig {
  const { times = 20, heartbeatMs: _, ...rest } = options;
  const log = new KeptLog();
  const clock = new HastyClock(times);
  const stopping = new AbortController();
  const http = createHttpClient({ log, metrics: new CountedMetrics() });
  const channel = createDiscordChannel({
    account: 'main',
    token: new Secret(server.token),
    apiRoot: server.apiRoot,
    http,
    random: systemRandom,
    ...rest,
  });
  const stop = async (): Promise<void> => {
    await channel.stop(5000);
    stopping.abort();
    http.close();
  };
  t.after(stop);
  return {
    server,
    channel,
    sink,
    clock,
    log,
    start: () => channel.start(sink, { signal: stopping.signal, cursors: new Map(sink.cursors), clock, log }),
    stop,
    async state(state, detail = /^/) {
      const giveUp = performance.now() + patienceMs;
      while (channel.health().state !== state || !detail.test(channel.health().detail)) {
        if (performance.now() > giveUp) throw new Error(`still ${JSON.stringify(channel.health())}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    again: () => rigOn(t, server, sink, options),
  };
}

export const partTo = (native = directId, more: Partial<OutboundPart> = {}): OutboundPart => ({
  idempotencyKey: 'run_1:0',
  conversation: { channel: 'discord', account: 'main', native },
  body: plainText('An answer'),
  ...more,
});

export const forever = new AbortController().signal;
