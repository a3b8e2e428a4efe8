import { noLongerNeeded } from '../../core/abort.ts';
import { ClankerError, errorData } from '../../core/errors.ts';
import type { ClaimedRun } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../../core/ports/system.ts';
import { maxHistory } from '../agent/settings.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';

/** Runs at work at the same time; how many of them talk to one provider is the provider's own limit. */
const maxActiveRuns = 256;
const maxReadySessions = 10_000;
/** A run that was begun this often and never ended is a dead letter. */
export const maxStarts = 5;
const retryClaimMs = 1000;
/** Cancellations of runs that have not begun; the oldest is forgotten, and then its run is carried out. */
const maxCancelled = 10_000;
/** How long aborted runs may take to end when the gateway stops. */
const abortGraceMs = 750;

/** `steer`: what comes while a run is at work joins it between two steps, or waits for the next one. */
export type QueueMode = 'followup' | 'collect' | 'interrupt' | 'steer';

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
  /** Aborts when the gateway waits no longer for runs to end. */
  stopping: AbortSignal;
}

interface Active {
  runId: string | null;
  owner: string | null;
  /** The newest inbox row it answers, once it is claimed. */
  newest: number | null;
  /** The newest inbox row that interrupts what is older. */
  interruptedBy: number;
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
  /** Runs that were given up before they began; they end as aborted when their turn comes. */
  readonly #cancelled = new Map<string, RunAborted>();
  readonly #stop = new AbortController();
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

  /** Before anything runs: what an earlier life of the process was at when it ended waits again. */
  async recover(): Promise<void> {
    const interrupted = await this.#deps.store.recoverRuns();
    if (interrupted > 0) this.#deps.log.warn('runs were interrupted and begin again', { runs: interrupted });
  }

  /** Takes up what an earlier life of the process left; once the channels it may be answered on are known. */
  takeUp(): Promise<void> {
    return this.#refill();
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
    if (this.abortRun(runId, null, why, reason)) return;
    this.#cancelled.set(runId, new RunAborted(why, reason));
    if (this.#cancelled.size > maxCancelled) this.#cancelled.delete(this.#cancelled.keys().next().value ?? '');
  }

  abortSession(sessionKey: string, reason: string): boolean {
    const active = this.#active.get(sessionKey);
    active?.controller.abort(new RunAborted('requested', reason));
    return active !== undefined;
  }

  /** The message `seq` came: aborts the session's run unless that run answers it already. */
  interrupt(sessionKey: string, seq: number): void {
    const active = this.#active.get(sessionKey);
    if (active === undefined) return;
    active.interruptedBy = seq;
    abortIfOlder(active);
  }

  /**
   * Begins nothing new and lets active runs end until the deadline; the rest stays in the store for the next start. A
   * run that does not even end when it is aborted is left behind.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    await this.#settled(deadlineMs);
    for (const { controller } of this.#active.values()) {
      controller.abort(new RunAborted('shutdown', 'The gateway is restarting.'));
    }
    this.#stop.abort(noLongerNeeded);
    await this.#settled(abortGraceMs);
    if (this.#active.size > 0)
      this.#deps.log.warn('runs did not end and begin again after the restart', { runs: this.#active.size });
  }

  async #settled(deadlineMs: number): Promise<void> {
    const enough = new AbortController();
    const late = this.#deps.clock.sleep(deadlineMs, enough.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled([...this.#active.values()].map(({ done }) => done)), late]);
    enough.abort(noLongerNeeded);
  }

  #fill(): void {
    for (const sessionKey of this.#ready) {
      if (this.#stopping || this.#active.size >= maxActiveRuns) return;
      if (this.#active.has(sessionKey)) continue;
      this.#ready.delete(sessionKey);
      this.#begin(sessionKey);
    }
    if (this.#overflowed && this.#ready.size === 0 && !this.#stopping) {
      this.#overflowed = false;
      this.#refill().catch(async (error: unknown) => {
        const { log, clock } = this.#deps;
        log.error('waiting sessions could not be listed; they are looked for again', { error });
        await clock.sleep(retryClaimMs, this.#stop.signal).catch(() => undefined);
        this.#overflowed = true;
        this.#fill();
      });
    }
  }

  async #refill(): Promise<void> {
    const sessions = await this.#deps.store.queuedSessions(maxReadySessions);
    if (sessions.length === maxReadySessions) this.#overflowed = true;
    for (const key of sessions) this.#ready.add(key);
    this.#fill();
  }

  #begin(sessionKey: string): void {
    const controller = new AbortController();
    const active: Active = {
      runId: null,
      owner: null,
      newest: null,
      interruptedBy: 0,
      controller,
      done: Promise.resolve(),
    };
    this.#active.set(sessionKey, active);
    active.done = this.#run(sessionKey, active)
      .catch(async (error: unknown) => {
        // The store could not be reached: the rows are safe there, so ask again a little later.
        this.#deps.log.error('a run could not be carried out and will be tried again', {
          session: sessionKey,
          error: errorData(error),
          cause: error,
        });
        await this.#deps.clock.sleep(retryClaimMs, this.#stop.signal).catch(() => undefined);
        return true;
      })
      .then((more) => {
        this.#active.delete(sessionKey);
        if (more && !this.#stopping) this.#ready.add(sessionKey);
        this.#fill();
      });
  }

  /** True when the session has more to do that nobody will wake it for. */
  async #run(sessionKey: string, active: Active): Promise<boolean> {
    const { store, clock, crash, historyTurns, queueMode, execute } = this.#deps;
    const claimed = await store.claimRun({
      sessionKey,
      // Messages that interrupt come in bursts: those that wait behind the interrupted run are answered together.
      mode: queueMode(sessionKey.split(':', 1)[0] ?? '') === 'followup' ? 'followup' : 'collect',
      // One more than the work is begun: that start ends the run in words instead of silently.
      maxStarts: maxStarts + 1,
      historyTurns: historyTurns(),
      historyLimit: maxHistory,
      at: clock.now(),
    });
    if (claimed === null) return false;
    crash('after_claim');
    active.runId = claimed.run.id;
    active.owner = claimed.run.owner;
    active.newest = claimed.inbound.at(-1)?.seq ?? 0;
    abortIfOlder(active);
    const cancelled = this.#cancelled.get(claimed.run.id);
    this.#cancelled.delete(claimed.run.id);
    if (cancelled !== undefined) active.controller.abort(cancelled);
    await execute({ claimed, signal: active.controller.signal, stopping: this.#stop.signal });
    return claimed.more;
  }
}

function abortIfOlder({ newest, interruptedBy, controller }: Active): void {
  if (newest !== null && newest < interruptedBy)
    controller.abort(new RunAborted('interrupted', 'A newer message came.'));
}

/** What a waiting client is told when the gateway stops before its run ended. */
export const restarting = (): ClankerError =>
  new ClankerError('storage', 'restarting', 'The gateway is restarting; the message is kept and will be answered.', {
    retryable: true,
  });
