import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError } from '../../core/errors.ts';
import type { ConversationRef } from '../../core/message.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { OutboxRow, SendRecord } from '../../core/ports/outbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Histogram, Log, Metrics } from '../../core/ports/system.ts';
import { repeatOnce } from '../../core/send-rules.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { accountId, fieldsOf, Lane, type Target } from './lane.ts';

/** Rows whose end somebody waits for; over that the longest waiting is told to look later. */
const maxWatchedRows = 1000;

interface DeliveryDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  crash: CrashPoint;
  /** The bytes of a stored file; null when it is gone. */
  readFile: (id: string) => Promise<Uint8Array | null>;
}

interface Watcher {
  row: Promise<OutboxRow>;
  resolve(row: OutboxRow): void;
  reject(error: Error): void;
}

/**
 * Takes outbox rows to their platforms: one at a time per conversation, many conversations at once, head of line per
 * conversation only, each account on a lane of its own. A row is marked `sending` before its one attempt and gets its
 * outcome right after, so that what a crash leaves behind is known to be ambiguous.
 */
export class Delivery {
  readonly #deps: DeliveryDeps;
  readonly #lanes = new Map<string, Lane>();
  readonly #watchers = new Map<string, Watcher>();
  readonly #stop = new AbortController();
  readonly #sends: Counter;
  readonly #retries: Counter;
  readonly #settledCount: Counter;
  readonly #seconds: Histogram;

  constructor(deps: DeliveryDeps & { metrics: Metrics }) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'delivery' }) };
    this.#sends = deps.metrics.counter('sends_total', 'Delivery attempts, by channel and outcome.');
    this.#retries = deps.metrics.counter('send_retries_total', 'Messages that will be sent again, by channel.');
    this.#settledCount = deps.metrics.counter(
      'deliveries_total',
      'Messages whose delivery ended, by channel and outcome (sent, uncertain, dead).',
    );
    this.#seconds = deps.metrics.histogram('send_seconds', 'Duration of one delivery attempt, by channel.');
    deps.metrics.observe('delivery_active', 'Conversations being delivered to.', () =>
      [...this.#lanes.values()].reduce((sum, { active }) => sum + active, 0),
    );
  }

  /** Judges what a crash left in the air. Before any channel is attached. */
  async start(): Promise<void> {
    const { store, clock, log } = this.#deps;
    for (const row of await store.interruptedSends()) {
      if (row.state === 'streaming') {
        // It stays open: its run is answered again, and the end of the reply is a marked repeat.
        await store.setStreamRef(row.id, null);
        log.warn('a reply may have begun before a crash; its end is marked as a repeat', fieldsOf(row));
        continue;
      }
      const record =
        row.ref === null
          ? repeatOnce(row, clock.now(), 'The gateway stopped while this was being sent.')
          : ({ state: 'retry', at: clock.now(), error: 'The gateway stopped during an edit.' } as const);
      log.warn('a send was cut by a crash', { ...fieldsOf(row), becomes: record.state });
      this.#announce(await store.recordSend(row.id, record), record);
    }
  }

  /** Sends through a channel from now on, beginning with what is planned for it. */
  attach(channel: Channel, signal: AbortSignal): void {
    const id = accountId({ channel: channel.type, account: channel.account });
    const lane = new Lane(channel, signal, {
      ...this.#deps,
      sends: this.#sends,
      seconds: this.#seconds,
      stopping: this.#stop.signal,
      recorded: (row, record) => this.#announce(row, record),
      handOver: (target) => this.#wake(target),
    });
    this.#lanes.set(id, lane);
    signal.addEventListener('abort', () => this.#lanes.get(id) === lane && this.#lanes.delete(id), { once: true });
    lane.start();
  }

  /** A conversation's account, for streams and typing; null when it is not attached. */
  lane(conversation: ConversationRef): Pick<Lane, 'channel' | 'pacer' | 'signal'> | null {
    return this.#lanes.get(accountId(conversation)) ?? null;
  }

  /** There are planned rows for this conversation. */
  wake(conversation: ConversationRef, chatType: 'direct' | 'group'): void {
    this.#wake({ conversation, group: chatType === 'group' });
  }

  /**
   * Resolves with the row once it is sent, uncertain or dead. Rejects with `delivery_pending` when too many rows are
   * waited for; the row is delivered all the same.
   */
  async settled(id: string): Promise<OutboxRow> {
    const watcher = this.#watcherOf(id);
    const row = await this.#deps.store.outbound(id);
    if (row !== null && ['sent', 'uncertain', 'dead'].includes(row.state)) this.#tell(row);
    return watcher.row;
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop.abort(noLongerNeeded);
    const enough = new AbortController();
    await Promise.race([
      Promise.all([...this.#lanes.values()].map((lane) => lane.settled())),
      this.#deps.clock.sleep(deadlineMs, enough.signal).catch(() => undefined),
    ]);
    enough.abort(noLongerNeeded);
  }

  #wake(target: Target): void {
    this.#lanes.get(accountId(target.conversation))?.wake(target);
  }

  #watcherOf(id: string): Watcher {
    const known = this.#watchers.get(id);
    if (known !== undefined) return known;
    const { promise: row, resolve, reject } = Promise.withResolvers<OutboxRow>();
    // Who asked may have left.
    row.catch(() => undefined);
    const watcher = { row, resolve, reject };
    this.#watchers.set(id, watcher);
    const [oldest] = this.#watchers;
    if (this.#watchers.size > maxWatchedRows && oldest !== undefined) {
      this.#watchers.delete(oldest[0]);
      oldest[1].reject(
        new ClankerError('channel', 'delivery_pending', 'The message still waits; it is delivered when it can be.', {
          retryable: true,
        }),
      );
    }
    return watcher;
  }

  #announce(row: OutboxRow, record: SendRecord): void {
    const { bus, log } = this.#deps;
    const { channel } = row.conversation;
    if (record.state === 'retry') {
      this.#retries.add(1, { channel });
      return;
    }
    this.#settledCount.add(1, { channel, outcome: record.state });
    const about = {
      outboxId: row.id,
      channel: accountId(row.conversation),
      person: row.owner,
      correlation: row.correlation,
      ...(row.sessionKey === null ? {} : { sessionKey: row.sessionKey }),
    };
    if (record.state === 'sent') {
      log.debug('a message was delivered', { ...fieldsOf(row), part: row.part });
      bus.publish({ type: 'delivery.sent', ...about });
    } else {
      const words =
        record.state === 'dead' ? 'a message could not be delivered' : 'a message may or may not have arrived';
      log.warn(words, { ...fieldsOf(row), detail: record.error });
      bus.publish({ type: `delivery.${record.state}`, ...about, detail: record.error });
    }
    this.#tell(row);
  }

  #tell(row: OutboxRow): void {
    this.#watchers.get(row.id)?.resolve(row);
    this.#watchers.delete(row.id);
  }
}
