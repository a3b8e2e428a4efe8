import type { ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import { wordsIn } from '../../core/notices/index.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { plainText } from '../../core/rich-text.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { ModelCaller } from '../models/caller.ts';
import { replyMaxAgeMs } from './reply-plan.ts';
import type { RunQueue } from './queue.ts';

/** Messages that wait for a model; beyond that they stay dead letters, which a person can retry. */
const maxKept = 1000;
/** A message is taken up again by itself so often, and no longer than this after it was written. */
const maxRetries = 3;
const maxAgeMs = 3_600_000;
const firstProbeMs = 15_000;
const maxProbeMs = 120_000;
/** Dead letters looked through at the start. */
const maxLoaded = 200;

export interface OutageDeps {
  store: Store;
  clock: Clock;
  log: Log;
  mintId: MintId;
  models: ModelCaller;
  delivery: Delivery;
  runs: () => RunQueue;
}

/**
 * What was asked while no model could be reached: the person is told so once, the message is kept (as a dead letter,
 * so also over a restart), and when a model is back that is said, once per conversation, and the messages are answered.
 */
export class Outages {
  readonly #deps: OutageDeps;
  readonly #retries = new Map<string, number>();
  readonly #kept = new Map<string, InboxRow>();
  #probeMs = firstProbeMs;

  constructor(deps: OutageDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'outages' }) };
  }

  /**
   * Takes the message of a failed run when its failure will pass. `told`: the person was told before; null: the failure
   * is for good.
   */
  keep(inbound: InboxRow, error: ClankerError): 'first' | 'told' | null {
    if (!passes(inbound, error) || this.#deps.clock.now() - inbound.receivedAt > maxAgeMs) return null;
    const retries = this.#retries.get(inbound.id) ?? 0;
    if (retries >= maxRetries || this.#kept.size >= maxKept) {
      this.#retries.delete(inbound.id);
      return null;
    }
    this.#kept.set(inbound.id, inbound);
    return retries === 0 ? 'first' : 'told';
  }

  /** Whoever asked does not wait for it any more. */
  async giveUp(sessionKey: string): Promise<void> {
    for (const { id } of [...this.#kept.values()].filter((row) => row.sessionKey === sessionKey)) {
      this.#kept.delete(id);
      await this.#deps.store.clearDead(null, id);
    }
  }

  /** Looks, while something is kept, whether a model is back; ends with the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    await this.#load().catch((error: unknown) => log.warn('what an outage left open could not be read', { error }));
    while (!signal.aborted) {
      const idle = this.#kept.size === 0;
      await clock.sleep(idle ? firstProbeMs : this.#probeMs, signal).catch(() => undefined);
      if (signal.aborted || idle) continue;
      try {
        if (await this.#isBack(signal)) await this.#takeUp();
        else this.#probeMs = Math.min(maxProbeMs, this.#probeMs * 2);
      } catch (error) {
        log.warn('what an outage left open could not be taken up yet', { error });
      }
    }
  }

  /** What was kept before a restart. */
  async #load(): Promise<void> {
    const { store, clock } = this.#deps;
    const { items } = await store.deadLetters(null, { limit: maxLoaded });
    for (const letter of items) {
      if (letter.kind !== 'inbox' || letter.row.error === null || !passes(letter.row, letter.row.error)) continue;
      if (clock.now() - letter.row.receivedAt <= maxAgeMs) this.#kept.set(letter.row.id, letter.row);
    }
  }

  async #isBack(signal: AbortSignal): Promise<boolean> {
    const { models } = this.#deps;
    for (const provider of new Set(models.resolve(null).map(({ desk }) => desk.id))) {
      if ((await models.probe(provider, signal)).ok) return true;
    }
    return false;
  }

  /** Says so once per conversation, to who wants notices, then lets every kept message run again, in its order. */
  async #takeUp(): Promise<void> {
    const { clock, runs, log } = this.#deps;
    const rows = [...this.#kept.values()].toSorted((a, b) => a.seq - b.seq);
    const told = new Set<string>();
    for (const row of rows) {
      // Given up meanwhile.
      if (!this.#kept.delete(row.id)) continue;
      const now = clock.now();
      // A person retried or cleared it meanwhile.
      if (now - row.receivedAt > maxAgeMs || !(await this.#requeue(row, now))) continue;
      const retries = (this.#retries.get(row.id) ?? 0) + 1;
      this.#retries.set(row.id, retries);
      if (this.#retries.size > maxKept) this.#retries.delete(this.#retries.keys().next().value ?? '');
      if (retries === 1 && !told.has(row.sessionKey)) {
        // The answer says as much: it never waits for the notice.
        await this.#tell(row).catch((error: unknown) => log.warn('the end of an outage could not be told', { error }));
      }
      told.add(row.sessionKey);
      runs().wake(row.sessionKey);
    }
    this.#probeMs = firstProbeMs;
    log.info('a model is back; what was left open is answered', { messages: rows.length });
  }

  async #requeue(row: InboxRow, now: number): Promise<boolean> {
    try {
      return await this.#deps.store.retryDead(row.id, now, now + replyMaxAgeMs);
    } catch (error) {
      this.#kept.set(row.id, row);
      throw error;
    }
  }

  async #tell(row: InboxRow): Promise<void> {
    const { store, clock, mintId, delivery } = this.#deps;
    if (row.conversation === null) return;
    if (!(await store.preferences(row.owner)).notices) return;
    const words = wordsIn((await store.person(row.owner))?.language ?? null);
    const now = clock.now();
    const notice = {
      id: mintId('out'),
      idempotencyKey: `outage:${row.id}:over`,
      runId: null,
      sessionKey: row.sessionKey,
      owner: row.owner,
      conversation: row.conversation,
      chatType: row.chatType,
      replyTo: null,
      part: 0,
      body: plainText(words.outageOver),
      correlation: row.correlation,
      createdAt: now,
      expiresAt: now + replyMaxAgeMs,
    };
    await store.planOutbound([notice]);
    delivery.wake(row.conversation, row.chatType);
  }
}

/** Chat messages only: an API client repeats its request itself. */
const passes = (inbound: InboxRow, error: { kind: string; retryable: boolean }): boolean =>
  inbound.conversation !== null && inbound.kind === 'message' && error.kind === 'provider' && error.retryable;
