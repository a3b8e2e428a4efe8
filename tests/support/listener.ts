/** A channel that listens, with a sink that keeps, fails on demand and can be waited for; restarts keep the cursors. */
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/adapters/system/index.ts';
import type { Channel, ChannelState, CursorUpdate, InboundEvent } from '../../src/core/ports/channel.ts';
import type { Counterpart } from './counterpart.ts';
import { KeptLog } from './door.ts';

const patienceMs = 60_000;

export class Listener {
  readonly counterpart: Counterpart;
  readonly log = new KeptLog();
  /** Committed, in the order of their commits; what a store would know as a duplicate is here twice. */
  readonly committed: InboundEvent[] = [];
  /** Offered, whether the commit succeeded or not. */
  readonly offered: InboundEvent[] = [];
  readonly cursors = new Map<string, string>();
  readonly malformed: string[] = [];
  /** So many of the next commits with events fail, as with a full disk. */
  failures = 0;
  channel: Channel | null = null;
  #stop = new AbortController();
  readonly #waiting = new Set<() => void>();

  constructor(t: TestContext, counterpart: Counterpart) {
    this.counterpart = counterpart;
    t.after(() => this.end());
  }

  async begin(): Promise<Channel> {
    const channel = await this.counterpart.channel();
    this.channel = channel;
    this.#stop = new AbortController();
    channel.start(
      {
        commit: (batch, cursor) => this.#commit(batch, cursor),
        malformed: (detail) => void this.malformed.push(detail),
      },
      { signal: this.#stop.signal, cursors: new Map(this.cursors), clock: systemClock, log: this.log },
    );
    return channel;
  }

  async end(): Promise<void> {
    const channel = this.channel;
    this.channel = null;
    await channel?.stop(2000);
    this.#stop.abort(new Error('over'));
  }

  /** The first committed event that fits. */
  event(fits: (event: InboundEvent) => boolean, what: string): Promise<InboundEvent> {
    return this.#until(() => this.committed.find(fits), what);
  }

  message(text: string): Promise<InboundEvent> {
    return this.event((event) => event.kind === 'message' && event.text === text, `the message "${text}"`);
  }

  /** Resolves when health says so; a channel does not announce it. */
  async health(state: ChannelState, detail = /^/): Promise<void> {
    const giveUp = performance.now() + patienceMs;
    for (;;) {
      const now = this.channel?.health();
      if (now?.state === state && detail.test(now.detail)) return;
      if (performance.now() > giveUp) throw new Error(`health is still ${JSON.stringify(now)}`);
      await sleep(2);
    }
  }

  /** Messages with this text as a store keeps them: once per dedupe key. */
  kept(text: string): InboundEvent[] {
    const byKey = new Map(this.committed.filter((e) => e.kind === 'message').map((event) => [event.dedupe, event]));
    return [...byKey.values()].filter((event) => event.text === text);
  }

  #commit(batch: InboundEvent[], cursor?: CursorUpdate): Promise<void> {
    this.offered.push(...batch);
    if (batch.length > 0 && this.failures > 0) {
      this.failures--;
      return Promise.reject(new Error('the disk is full'));
    }
    this.committed.push(...batch);
    if (cursor !== undefined) this.cursors.set(cursor.key, cursor.value);
    for (const look of this.#waiting) look();
    return Promise.resolve();
  }

  #until<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const state = JSON.stringify(this.channel?.health());
        reject(new Error(`${what} did not come; health ${state}; committed ${JSON.stringify(this.committed)}`));
      }, patienceMs);
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
