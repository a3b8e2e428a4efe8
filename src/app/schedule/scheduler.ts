import { noLongerNeeded } from '../../core/abort.ts';
import type { MintId } from '../../core/ids.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import type { Firing, JobRow, NewTask, ScheduleStore } from '../../core/ports/schedule-store.ts';
import type { Clock, Counter, Log, Metrics } from '../../core/ports/system.ts';
import { afterSetBack, decideDue } from '../../core/schedule.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { jitterOf } from './jitter.ts';

/** Jobs that are decided about in one go: they share a commit, and hold the store for a few milliseconds. */
const maxAtOnce = 10;
/** A clock that is put right by less than this is not worth a look at all jobs. */
const noticedMs = 500;

/** What becomes of the times of a job that are due at once. */
type Decided = Pick<Firing, 'slots' | 'tasks' | 'nextAt'>;

export interface SchedulerSettings {
  enabled: boolean;
  graceMs: number;
  pollMs: number;
  /** See Firing. */
  maxWaiting: number;
}

export interface SchedulerDeps {
  store: Pick<ScheduleStore, 'dueJobs' | 'nextDue' | 'aheadJobs' | 'fire' | 'changeJob'>;
  calendar: Calendar;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  crash: CrashPoint;
  /** Who carries out what fired. */
  tasks: { wake(): void };
  settings: () => SchedulerSettings;
}

/**
 * Sees to it that every due time of every job is attended: fired or missed, by the job's own policy, once. It holds no
 * truth of its own. What is due is asked of the store, inserting the slot is the permission to run it, and a scheduler
 * that dies between any two steps is followed by one that finds things as they are.
 */
export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #fired: Counter;
  readonly #missed: Counter;
  #woken = new AbortController();

  constructor(deps: SchedulerDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'scheduler' }) };
    this.#fired = deps.metrics.counter('job_slots_fired_total', 'Due times of jobs that fired, by kind.');
    this.#missed = deps.metrics.counter(
      'job_slots_missed_total',
      'Due times of jobs that nobody attended in time, by kind.',
    );
  }

  /** A job was made or changed, or the settings were. */
  wake(): void {
    this.#woken.abort(noLongerNeeded);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#deps;
    /** The nearest due time; undefined: to be asked for. */
    let nextAt: number | null | undefined;
    // It may have been set back while we were away.
    await this.#setBack();
    let clocks = { wall: clock.now(), monotonic: clock.monotonic() };
    while (!signal.aborted) {
      const { enabled, pollMs } = settings();
      const before = clocks;
      clocks = { wall: clock.now(), monotonic: clock.monotonic() };
      if (clocks.wall - before.wall - (clocks.monotonic - before.monotonic) < -noticedMs) {
        await this.#setBack();
        nextAt = undefined;
      }
      // Woken while it looks, it looks again.
      if (this.#woken.signal.aborted) {
        this.#woken = new AbortController();
        nextAt = undefined;
      }
      // The wall clock may be moved at any time, so it is looked at even when nothing should be due for long.
      if (enabled && (nextAt === undefined || (nextAt !== null && nextAt <= clock.now()))) nextAt = await this.attend();
      const idleMs = !enabled || nextAt === null || nextAt === undefined ? pollMs : nextAt - clock.now();
      const either = AbortSignal.any([signal, this.#woken.signal]);
      await clock.sleep(Math.min(Math.max(idleMs, 0), pollMs), either).catch(() => undefined);
    }
  }

  /** Attends to what is due now, where jobs run at all. */
  async settle(): Promise<void> {
    if (this.#deps.settings().enabled) await this.attend();
  }

  /** Attends to all that is due; the nearest due time after it, or null when there is none. */
  async attend(): Promise<number | null> {
    const { store, clock, calendar } = this.#deps;
    for (;;) {
      const now = clock.now();
      const due = await store.dueJobs(now, maxAtOnce);
      if (due.length === 0) return store.nextDue();
      const decided: [JobRow, Decided | null][] = [];
      // One after the other: where days off have to be reckoned, others have their turn in between.
      for (const job of due) {
        await calendar.load([job]);
        decided.push([job, this.#planned(job, () => this.#decide(job, now))]);
      }
      await Promise.all(decided.map(([job, of]) => (of === null ? this.#pause(job, now) : this.#fire(job, of, now))));
    }
  }

  /**
   * What was decided about at a later time than it is now is due from now on: a clock that was years ahead must not
   * silence its jobs for years. What fired already keeps its slot and does not fire again.
   */
  async #setBack(): Promise<void> {
    const { store, clock, calendar, log } = this.#deps;
    for (;;) {
      const now = clock.now();
      const ahead = await store.aheadJobs(now, maxAtOnce);
      if (ahead.length === 0) return;
      log.warn('the clock was set back: jobs are planned anew', { jobs: ahead.length });
      await calendar.load(ahead);
      const replanned = (job: JobRow): Promise<unknown> => {
        const { id, revision, nextAt } = job;
        const schedule = afterSetBack(job.schedule, job.decidedAt, now);
        const planned = this.#planned(job, () => ({ next: calendar.next({ ...job, schedule }, now) }));
        if (planned === null) return this.#pause(job, now);
        // What was due and not attended yet stays due.
        const sooner = Math.min(nextAt ?? Infinity, planned.next ?? Infinity);
        const change = { nextAt: sooner === Infinity ? nextAt : sooner, at: now };
        return store.changeJob(id, revision, { settings: { schedule }, ...change });
      };
      await Promise.all(ahead.map(replanned));
    }
  }

  async #fire(job: JobRow, decided: Decided, now: number): Promise<void> {
    const { store, bus, crash, tasks, log, settings } = this.#deps;
    const { id: jobId, owner, revision, nextAt: dueAt, payload } = job;
    if (dueAt === null) return;
    crash('before_fire');
    const done = await store.fire({ jobId, revision, dueAt, ...decided, maxWaiting: settings().maxWaiting, at: now });
    crash('after_fire');
    // Somebody changed it meanwhile: it is looked at again as it is now.
    if (done === null) return;
    for (const task of done.tasks) {
      this.#fired.add(1, { kind: payload.kind });
      bus.publish({ type: 'job.fired', person: owner, jobId, taskId: task.id, due: task.due ?? dueAt });
    }
    for (const { state, due, count } of done.slots) {
      if (state !== 'missed') continue;
      this.#missed.add(count, { kind: payload.kind });
      log.warn('a job was not attended in time', { job: jobId, due: new Date(due).toISOString(), times: count });
      bus.publish({ type: 'job.missed', person: owner, jobId, due, count });
    }
    if (done.tasks.length > 0) tasks.wake();
  }

  /** Null when its times cannot be told any more: such a job must not stand in the way of the others. */
  #planned<T>(job: JobRow, plan: () => T): T | null {
    try {
      return plan();
    } catch (error) {
      // Its country may have left the list of holidays with an update.
      this.#deps.log.error('a job cannot be planned any more and is paused', { job: job.id, error });
      return null;
    }
  }

  async #pause({ id, revision }: JobRow, at: number): Promise<void> {
    await this.#deps.store.changeJob(id, revision, { state: 'paused', reason: 'broken', nextAt: null, at });
  }

  #decide(job: JobRow, now: number): Decided {
    const { calendar, settings } = this.#deps;
    const dueAt = job.nextAt ?? now;
    const runsLeft = job.maxRuns === null ? Infinity : Math.max(0, job.maxRuns - job.runs);
    const limits = { graceMs: settings().graceMs, runsLeft };
    const { slots, nextAt } = decideDue(dueAt, now, (after) => calendar.next(job, after), job.missed, limits);
    const fired = slots.filter(({ state }) => state === 'fired');
    return { slots, nextAt, tasks: fired.map(({ due }) => this.#taskOf(job, due, now)) };
  }

  #taskOf(job: JobRow, due: number, now: number): NewTask {
    const { id: jobId, owner, name, payload, deliver, origin, maxAttempts } = job;
    return {
      id: this.#deps.mintId('task'),
      owner,
      jobId,
      due,
      trigger: 'slot',
      name,
      payload,
      deliver,
      origin,
      runAt: due + jitterOf(job, due),
      maxAttempts,
      createdAt: now,
    };
  }
}
