import { noLongerNeeded } from '../../core/abort.ts';
import type { PayloadKind } from '../../core/payload.ts';
import type { ScheduleStore, TaskRow } from '../../core/ports/schedule-store.ts';
import type { Counter, Histogram, Metrics } from '../../core/ports/system.ts';
import type { TaskProgress } from '../../core/task.ts';
import { cancelled, lost, stopped } from './aborted.ts';
import { CarryOut, type AttemptEnd, type CarryOutDeps } from './carry-out.ts';
import { HeldTask } from './held-task.ts';
import { Leases } from './leases.ts';
import { recoverTasks } from './recover-tasks.ts';
import { fieldsOf, publishTask } from './told.ts';

/** After a claim that gave nothing although something seems due. */
const minIdleMs = 250;
const firstBackoffMs = 1000;
const maxBackoffMs = 30_000;
/** How long aborted tasks may take to end when the gateway stops. */
const abortGraceMs = 750;
/**
 * What takes no place, as it is done in a moment or nobody waits for it, and how much of it at once: texts only have to be
 * handed over, and no long work may hold a reminder up; the gateway's own chores come one after the other.
 */
const besides = { text: 4, chore: 1 } as const;
type Placed = Exclude<PayloadKind, keyof typeof besides>;
const placed = { ask: 0, tool: 0, fetch: 0, lookup: 0, webhook: 0, file: 0, workflow: 0 } satisfies Record<Placed, 0>;
const placedKinds = Object.keys(placed) as Placed[];

/** What may be claimed: everything but these. */
interface Claim {
  busyOwners: string[];
  busyKinds: PayloadKind[];
}

export interface TaskSettings {
  /** Tasks at work at once, texts and chores aside; of these for one person, and of one kind. */
  concurrency: number;
  perPerson: number;
  kinds: Readonly<Partial<Record<PayloadKind, number | undefined>>>;
  /** Of one attempt. */
  timeoutMs: number;
  leaseMs: number;
  /** The longest time between two looks for work. */
  pollMs: number;
}

export interface TaskRunnerDeps extends Omit<CarryOutDeps, 'store' | 'timeoutMs'> {
  store: ScheduleStore;
  metrics: Metrics;
  /** Names this process, and no other one that ever was or will be. */
  node: string;
  /** Of the configuration in force. */
  settings: () => TaskSettings;
}

/**
 * Sees to it that every task is carried out: claims what is due while there are free places, keeps it held with signs of
 * life, and writes its end down. The tasks are rows; this holds only those that are at work, so a crash forgets nothing.
 */
export class TaskRunner {
  readonly #deps: TaskRunnerDeps;
  readonly #leases: Leases;
  readonly #carryOut: CarryOut;
  readonly #work = new Map<HeldTask, Promise<void>>();
  readonly #ended: Counter;
  readonly #waited: Histogram;
  readonly #seconds: Histogram;
  #claiming: Promise<void> | null = null;
  #wokenMeanwhile = false;
  #failures = 0;
  #callOff: (() => void) | null = null;
  #stopping = false;

  constructor(deps: TaskRunnerDeps) {
    const log = deps.log.with({ component: 'tasks' });
    const { settings, metrics } = deps;
    this.#deps = { ...deps, log };
    this.#leases = new Leases({ ...deps, log, leaseMs: () => settings().leaseMs });
    this.#carryOut = new CarryOut({ ...deps, log, timeoutMs: () => settings().timeoutMs });
    this.#ended = metrics.counter(
      'tasks_total',
      'Attempts of tasks that ended, by kind and outcome (completed, retrying, failed, cancelled, released, lost).',
    );
    this.#waited = metrics.histogram('task_wait_seconds', 'From when a task was due to its first attempt, by kind.');
    this.#seconds = metrics.histogram('task_seconds', 'Duration of one attempt of a task, by kind.');
    metrics.observe('tasks_active', 'Tasks at work.', () => this.#work.size);
  }

  /** Tasks at work. */
  get active(): number {
    return this.#work.size;
  }

  /** Takes up what an earlier life of the process left, and begins to work. */
  async start(): Promise<void> {
    await recoverTasks(this.#deps.node, this.#deps);
    this.wake();
  }

  /** There may be work: a task was stored or the settings changed. */
  wake(): void {
    // While the store fails, its timer is what looks again.
    if (this.#stopping || this.#failures > 0) return;
    if (this.#claiming === null) this.#claim();
    else this.#wokenMeanwhile = true;
  }

  /** The store has it as cancelled: it is aborted at once if it is at work here. */
  cancel(id: string): void {
    this.#leases.held.get(id)?.controller.abort(cancelled());
  }

  /** A person is gone, and nothing of theirs is claimed any more: what is at work for them is aborted, and over then. */
  async endOf(person: string): Promise<void> {
    const theirs = [...this.#work].filter(([{ task }]) => task.owner === person);
    for (const [{ controller }] of theirs) controller.abort(cancelled());
    await Promise.all(theirs.map(([, end]) => end));
  }

  /**
   * Begins nothing new and lets tasks end until the deadline; the others are aborted, and queued again for the next start
   * with their attempt not counted.
   */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { store, clock, log, node } = this.#deps;
    this.#callOff?.();
    await this.#within(deadlineMs);
    for (const { controller } of this.#work.keys()) controller.abort(stopped());
    await this.#within(abortGraceMs);
    this.#leases.stop();
    try {
      const released = await store.releaseTasks(node, clock.now());
      if (released > 0) log.info('tasks begin again after the restart', { tasks: released });
    } catch (error) {
      log.warn('tasks that were at work count as cut', { error });
    }
  }

  async #within(deadlineMs: number): Promise<void> {
    const enough = new AbortController();
    const late = this.#deps.clock.sleep(deadlineMs, enough.signal).catch(() => undefined);
    const done = Promise.resolve(this.#claiming).then(() => Promise.all(this.#work.values()));
    await Promise.race([done, late]);
    enough.abort(noLongerNeeded);
  }

  #claim(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#claiming = this.#look().then((waitMs) => {
      this.#claiming = null;
      if (this.#stopping) return;
      if (this.#wokenMeanwhile && this.#failures === 0) this.#claim();
      else this.#callOff = this.#deps.clock.after(waitMs, () => this.#claim());
      this.#wokenMeanwhile = false;
    });
  }

  /** How long to wait, in milliseconds, unless it is woken. */
  async #look(): Promise<number> {
    const { log } = this.#deps;
    try {
      this.#wokenMeanwhile = false;
      const waitMs = await this.#claimDue();
      if (this.#failures > 0) log.info('tasks are looked for again');
      this.#failures = 0;
      return waitMs;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) log.error('tasks cannot be looked for at the moment', { error });
      return Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(this.#failures - 1, 10));
    }
  }

  async #claimDue(): Promise<number> {
    const { store, clock, node, settings, crash } = this.#deps;
    for (;;) {
      const { pollMs } = settings();
      if (this.#stopping) return pollMs;
      // Asked first, as a claim is a write even when there is nothing to claim: who rests must not wake the disk.
      const first = await this.#firstDue();
      const now = clock.now();
      // The end of a task looks for the next one.
      if (first === null || first.at > now) return Math.min((first?.at ?? Infinity) - now, pollMs);
      await this.#leases.renewed(now);
      const lease = this.#leases.lease();
      const task = await store.claimTask({ now, node, leaseUntil: lease.until, ...first.claim });
      // A lease that ran out is seen to before anything is claimed.
      if (task === null && (await recoverTasks(null, this.#deps)) > 0) continue;
      if (task === null) return Math.min(minIdleMs, pollMs);
      crash('task_claimed');
      // One that a stop has overtaken is queued again with the rest.
      if (!this.#stopping) this.#begin(task, lease);
    }
  }

  /** When what may be begun next is due, and how to claim it; null: nothing waits for which there is a place. */
  async #firstDue(): Promise<{ at: number; claim: Claim } | null> {
    const { store, clock } = this.#deps;
    let first: { at: number; claim: Claim } | null = null;
    for (const claim of this.#free()) {
      if (first !== null && first.at <= clock.now()) break;
      const at = await store.nextTaskAt(claim.busyOwners, claim.busyKinds);
      if (at !== null && at < (first?.at ?? Infinity)) first = { at, claim };
    }
    return first;
  }

  /** What takes no place heeds neither places nor who is busy. */
  #free(): Claim[] {
    const { concurrency, perPerson, kinds } = this.#deps.settings();
    const owners = new Map<string, number>();
    const ofKind = new Map<PayloadKind, number>();
    let places = 0;
    for (const { task } of this.#work.keys()) {
      ofKind.set(task.kind, (ofKind.get(task.kind) ?? 0) + 1);
      if (Object.hasOwn(besides, task.kind)) continue;
      places += 1;
      owners.set(task.owner, (owners.get(task.owner) ?? 0) + 1);
    }
    const limits: TaskSettings['kinds'] = { ...kinds, ...besides };
    const full = [...ofKind].filter(([kind, count]) => count >= (limits[kind] ?? Infinity)).map(([kind]) => kind);
    const busyOwners = [...owners].filter(([, count]) => count >= perPerson).map(([owner]) => owner);
    const aside: Claim = { busyOwners: [], busyKinds: [...placedKinds, ...full] };
    if (places >= concurrency) return [aside];
    const all: Claim = { busyOwners, busyKinds: full };
    return busyOwners.length === 0 ? [all] : [aside, all];
  }

  #begin(task: TaskRow, lease: HeldTask['lease']): void {
    const { clock, bus } = this.#deps;
    const { id: taskId, jobId, kind, owner: person } = task;
    const before = this.#leases.held.get(task.id);
    const held = new HeldTask(task, lease, clock, (progress: TaskProgress) =>
      bus.publish({ type: 'task.progress', taskId, jobId, person, ...progress }),
    );
    if (task.fence === 1) this.#waited.observe(Math.max(0, clock.now() - task.runAt) / 1000, { kind });
    publishTask(bus, task);
    this.#leases.add(held);
    this.#work.set(held, this.#carry(held, before));
  }

  async #carry(held: HeldTask, before: HeldTask | undefined): Promise<void> {
    const { clock, log } = this.#deps;
    const { kind } = held.task;
    const startedAt = clock.monotonic();
    let end: AttemptEnd = 'lost';
    // An attempt of it that was aborted here and has not ended yet: never two at the same time.
    before?.controller.abort(lost());
    await (before && this.#work.get(before));
    try {
      end = await this.#carryOut.run(held);
    } catch (error) {
      log.error('a task could not be brought to its end', { ...fieldsOf(held.task), error });
    }
    held.close();
    this.#leases.remove(held);
    this.#work.delete(held);
    this.#ended.add(1, { kind, outcome: end });
    this.#seconds.observe((clock.monotonic() - startedAt) / 1000, { kind });
    this.wake();
  }
}
