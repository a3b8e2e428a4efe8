import { ClankerError, errorData } from '../../core/errors.ts';
import type { ClaimedRun, Store } from '../../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../../core/ports/system.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';

/** Runs at work at the same time; how many of them talk to one provider is the provider's own limit. */
const maxActiveRuns = 256;
const maxReadySessions = 10_000;
/** A run that was begun this often and never ended is a dead letter. */
const maxStarts = 5;
/** Messages of a history, however many steps its exchanges had. */
const maxHistory = 2000;
const retryClaimMs = 1000;

export type QueueMode = 'followup' | 'collect' | 'interrupt';

/** Why a run was told to stop. `shutdown` leaves it in the store to be answered after the restart. */
export type AbortCause = 'left' | 'requested' | 'interrupted' | 'shutdown';

export class RunAborted extends Error {
  readonly why: AbortCause;
  constructor(why: AbortCause, message: string) {
    super(message);
    this.why = why;
  }
}

export interface ActiveRun {
  claimed: ClaimedRun;
  signal: AbortSignal;
}

interface Active {
  runId: string | null;
  owner: string | null;
  controller: AbortController;
  done: Promise<void>;
}

/**
 * One run at a time per session, many sessions at once, first come first served. The queue itself is durable rows;
 * this holds only which sessions may have some, so a crash forgets nothing.
 */
export class RunQueue {
  readonly #deps: {
    store: Store;
    clock: Clock;
    log: Log;
    crash: CrashPoint;
    /** Messages of the user that the widest window can need. */
    historyTurns: () => number;
    queueMode: (channel: string) => QueueMode;
    execute: (run: ActiveRun) => Promise<void>;
  };
  readonly #active = new Map<string, Active>();
  readonly #ready = new Set<string>();
  /** Runs whose owner left before they began; they end as aborted when their turn comes. Bounded by their sockets. */
  readonly #cancelled = new Set<string>();
  #overflowed = false;
  #stopping = false;

  constructor(deps: {
    store: Store;
    clock: Clock;
    log: Log;
    metrics: Metrics;
    crash: CrashPoint;
    historyTurns: () => number;
    queueMode: (channel: string) => QueueMode;
    execute: (run: ActiveRun) => Promise<void>;
  }) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'runs' }) };
    deps.metrics.observe('runs_active', 'Runs at work.', () => this.#active.size);
    deps.metrics.observe('run_queue_depth', 'Sessions waiting for a run.', () => this.#ready.size);
  }

  get active(): number {
    return this.#active.size;
  }

  /** Takes up what an earlier life of the process left. */
  async start(): Promise<void> {
    const interrupted = await this.#deps.store.recoverRuns();
    if (interrupted > 0) this.#deps.log.warn('runs were interrupted and begin again', { runs: interrupted });
    await this.#refill();
  }

  /** The session has a queued message. */
  wake(sessionKey: string): void {
    if (this.#ready.size >= maxReadySessions) this.#overflowed = true;
    else this.#ready.add(sessionKey);
    this.#fill();
  }

  /** False when this run is neither active nor waiting here. `owner` null may abort anyone's. */
  abortRun(runId: string, owner: string | null, why: AbortCause, reason: string): boolean {
    for (const active of this.#active.values()) {
      if (active.runId === runId && (owner === null || active.owner === owner)) {
        active.controller.abort(new RunAborted(why, reason));
        return true;
      }
    }
    return false;
  }

  /** Aborts a run now or as soon as it would begin. */
  cancel(runId: string, why: AbortCause, reason: string): void {
    if (!this.abortRun(runId, null, why, reason)) this.#cancelled.add(runId);
  }

  /** The run ended in another way: forget a cancellation that came too late. */
  forget(runId: string): void {
    this.#cancelled.delete(runId);
  }

  abortSession(sessionKey: string, reason: string, why: AbortCause = 'requested'): boolean {
    const active = this.#active.get(sessionKey);
    active?.controller.abort(new RunAborted(why, reason));
    return active !== undefined;
  }

  /** Begins nothing new and lets active runs end until the deadline; the rest stays in the store for the next start. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    const settled = (): Promise<unknown> => Promise.allSettled([...this.#active.values()].map(({ done }) => done));
    const deadline = new AbortController();
    await Promise.race([settled(), this.#deps.clock.sleep(deadlineMs, deadline.signal).catch(() => undefined)]);
    deadline.abort(new Error('drained'));
    for (const { controller } of this.#active.values()) {
      controller.abort(new RunAborted('shutdown', 'The gateway is restarting.'));
    }
    await settled();
  }

  #fill(): void {
    for (const sessionKey of this.#ready) {
      if (this.#stopping || this.#active.size >= maxActiveRuns) return;
      if (this.#active.has(sessionKey)) continue;
      this.#ready.delete(sessionKey);
      this.#begin(sessionKey);
    }
    if (this.#overflowed && this.#ready.size === 0) {
      this.#overflowed = false;
      this.#refill().catch((error: unknown) => this.#deps.log.error('waiting sessions could not be listed', { error }));
    }
  }

  async #refill(): Promise<void> {
    const sessions = await this.#deps.store.queuedSessions(maxReadySessions);
    this.#overflowed = sessions.length === maxReadySessions;
    for (const key of sessions) this.#ready.add(key);
    this.#fill();
  }

  #begin(sessionKey: string): void {
    const controller = new AbortController();
    const active: Active = { runId: null, owner: null, controller, done: Promise.resolve() };
    this.#active.set(sessionKey, active);
    active.done = this.#run(sessionKey, active)
      .catch(async (error: unknown) => {
        // The store could not be reached: the rows are safe there, so ask again a little later.
        this.#deps.log.error('a run could not be carried out and will be tried again', {
          session: sessionKey,
          error: errorData(error),
          cause: error,
        });
        await this.#deps.clock.sleep(retryClaimMs, controller.signal).catch(() => undefined);
        return true;
      })
      .then((more) => {
        this.#active.delete(sessionKey);
        if (more && !this.#stopping) this.#ready.add(sessionKey);
        this.#fill();
      });
  }

  /** True when the session may have more to do. */
  async #run(sessionKey: string, active: Active): Promise<boolean> {
    const { store, clock, crash, historyTurns, queueMode, execute } = this.#deps;
    const claimed = await store.claimRun({
      sessionKey,
      mode: queueMode(sessionKey.split(':', 1)[0] ?? '') === 'collect' ? 'collect' : 'followup',
      maxStarts,
      historyTurns: historyTurns(),
      historyLimit: maxHistory,
      at: clock.now(),
    });
    if (claimed === null) return false;
    crash('after_claim');
    active.runId = claimed.run.id;
    active.owner = claimed.run.owner;
    if (this.#cancelled.delete(claimed.run.id))
      active.controller.abort(new RunAborted('left', 'The client left before the run began.'));
    await execute({ claimed, signal: active.controller.signal });
    return true;
  }
}

/** What a waiting client is told when the gateway stops before its run ended. */
export const restarting = (): ClankerError =>
  new ClankerError('storage', 'restarting', 'The gateway is restarting; the message is kept and will be answered.', {
    retryable: true,
  });
