import { ClankerError, errorData } from '../../core/errors.ts';
import type { Bus } from '../../core/ports/bus.ts';
import { noNotice, type FinishTask, type ScheduleStore, type TaskRow } from '../../core/ports/schedule-store.ts';
import type { TaskKind, TaskKinds, TaskOutcome, TaskWork } from '../../core/ports/task-kind.ts';
import type { Clock, Random } from '../../core/ports/system.ts';
import { nextAttemptMs } from '../../core/task.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { abortedBy, cutCodes, lost, outcomeUnknown } from './aborted.ts';
import { attempt } from './attempt.ts';
import { noticeOf, type FailureNoticeDeps } from './failure-notice.ts';
import type { HeldTask } from './held-task.ts';
import { fieldsOf, publishNote, publishTask, wakeFor, type Waking } from './told.ts';

const firstStoreRetryMs = 250;
const maxStoreRetryMs = 10_000;
/** What was aborted is still offered to the store, but not for long. */
const triesOnceAborted = 5;
/** What a run keeps for the next one of its job, as JSON. */
const maxMemoryChars = 65_536;

/** How a result leaves a task. */
export type HandedOver = Pick<FinishTask, 'outbox' | 'note' | 'follows' | 'supersedes'>;

/** How an attempt ended. `released`: it begins again after the restart. `lost`: another process holds it, or nobody. */
export type AttemptEnd = 'completed' | 'retrying' | 'failed' | 'cancelled' | 'released' | 'lost';

export interface CarryOutDeps extends FailureNoticeDeps {
  store: Pick<
    ScheduleStore,
    'job' | 'task' | 'listTasks' | 'taskEvents' | 'taskSteps' | 'saveTaskStep' | 'finishTask' | 'failTask'
  >;
  clock: Clock;
  random: Random;
  bus: Bus;
  crash: CrashPoint;
  kinds: TaskKinds;
  /** How the result is handed over: what is stored with the end of the task. */
  handOver: (task: TaskRow, outcome: TaskOutcome, now: number) => Promise<HandedOver>;
  delivery: Waking;
  /** How long an attempt may take whose kind says nothing else. */
  timeoutMs: () => number;
}

/** Carries out one attempt of a task, from its claim to its end in the store. What the store does not take is void. */
export class CarryOut {
  readonly #deps: CarryOutDeps;

  constructor(deps: CarryOutDeps) {
    this.#deps = deps;
  }

  async run(held: HeldTask): Promise<AttemptEnd> {
    let kind: TaskKind | null = null;
    try {
      kind = await this.#deps.kinds(held.task.kind);
      if (kind === null)
        throw new ClankerError('config', 'unknown_kind', `Tasks of the kind "${held.task.kind}" cannot be done here.`);
      const outcome = await this.#attempt(held, kind);
      return await this.#finish(held, outcome);
    } catch (error) {
      return this.#fail(held, kind, error);
    }
  }

  async #attempt(held: HeldTask, kind: TaskKind): Promise<TaskOutcome> {
    const { store, clock, timeoutMs } = this.#deps;
    const { task } = held;
    const again = task.fence > 1 && (await this.#stored(held, () => this.#wasCut(task)));
    if (again && !kind.repeatable) throw outcomeUnknown();
    const { jobId } = task;
    const job = jobId === null ? null : await this.#stored(held, () => store.job(jobId, null));
    const work: TaskWork = {
      task,
      payload: task.payload,
      key: task.id,
      again,
      memory: job?.memory ?? null,
      signal: held.signal,
      progress: (progress) => held.progressed(progress),
      steps: {
        known: () => this.#stored(held, () => store.taskSteps(task.id)),
        save: async (step) => {
          if (!(await this.#stored(held, () => store.saveTaskStep(task.id, task.fence, step)))) throw lost();
        },
      },
    };
    return attempt(kind, work, { clock, timeoutMs: kind.timeoutMs ?? timeoutMs() });
  }

  /** Since it was queued anew, an attempt of it was cut. */
  async #wasCut(task: TaskRow): Promise<boolean> {
    const events = await this.#deps.store.taskEvents(task.id);
    const since = events.findLastIndex(({ kind }) => kind === 'queued');
    return events
      .slice(since + 1)
      .some(({ kind, detail }) => kind === 'crashed' || kind === 'released' || cutCodes.includes(detail));
  }

  async #finish(held: HeldTask, outcome: TaskOutcome): Promise<AttemptEnd> {
    const { store, clock, bus, log, crash, handOver, delivery } = this.#deps;
    const { task } = held;
    const { text, files, outside } = outcome;
    const handed = await this.#stored(held, async () => handOver(await this.#asItIs(task), outcome, clock.now()));
    crash('before_task_end');
    const ended = await this.#stored(held, () =>
      store.finishTask({
        id: task.id,
        fence: task.fence,
        result: { text, files, outside },
        ...this.#memoryOf(task, outcome),
        ...handed,
        at: clock.now(),
      }),
    );
    crash('after_task_end');
    if (ended === null) return this.#void(held);
    wakeFor(ended.outbox, delivery);
    publishTask(bus, ended.task);
    if (ended.note !== null) publishNote(bus, ended.task, ended.note);
    log.info('a task was done', { ...fieldsOf(task), ms: ended.task.updatedAt - (task.startedAt ?? task.createdAt) });
    return 'completed';
  }

  /** While it was at work its chat may have moved, or its owner become one with somebody. */
  async #asItIs(task: TaskRow): Promise<TaskRow> {
    const { owner, deliver } = (await this.#deps.store.task(task.id, null)) ?? task;
    return { ...task, owner, deliver };
  }

  #memoryOf(task: TaskRow, { memory }: TaskOutcome): Pick<FinishTask, 'memory'> {
    if (memory === undefined) return {};
    if (JSON.stringify(memory).length <= maxMemoryChars) return { memory };
    this.#deps.log.warn('what a task keeps for the next run is too long and was dropped', fieldsOf(task));
    return {};
  }

  async #fail(held: HeldTask, kind: TaskKind | null, thrown: unknown): Promise<AttemptEnd> {
    const { store, clock, random, bus, log, crash, delivery } = this.#deps;
    const { task, signal } = held;
    const by = abortedBy(signal);
    if (by === 'cancelled') return by;
    if (by === 'stopped') return 'released';
    const failure = by === 'lost' && kind?.repeatable === false ? outcomeUnknown() : thrown;
    const error = errorData(failure);
    const waitMs = nextAttemptMs(error, task, random.unit());
    try {
      const { ended, notice } = await this.#stored(held, async () => {
        const at = clock.now();
        const retryAt = waitMs === null ? null : at + waitMs;
        const notice =
          retryAt !== null
            ? noNotice
            : await noticeOf({ ...(await this.#asItIs(task)), state: 'failed', error }, at, this.#deps);
        if (retryAt === null) crash('before_task_failure');
        return { ended: await store.failTask({ id: task.id, fence: task.fence, error, retryAt, notice, at }), notice };
      });
      if (waitMs === null) crash('after_task_failure');
      if (ended === null) return this.#void(held);
      publishTask(bus, ended);
      log[error.code === 'internal' ? 'error' : 'warn']('an attempt of a task failed', {
        ...fieldsOf(task),
        error: failure,
        again_in_ms: waitMs ?? undefined,
      });
      if (ended.state !== 'failed') return 'retrying';
      wakeFor(notice.outbox, delivery);
      return 'failed';
    } catch (notStored) {
      // Its lease runs out, and it counts as cut.
      log.error('the failure of a task could not be stored', { ...fieldsOf(task), error: notStored, failure });
      return 'lost';
    }
  }

  /** It was cancelled, or another process holds it: what came of it here is not kept. */
  #void({ task, signal }: HeldTask): AttemptEnd {
    if (abortedBy(signal) === 'cancelled') return 'cancelled';
    this.#deps.log.warn('what came of a task is dropped: it is not held here any more', fieldsOf(task));
    return 'lost';
  }

  /** What the store cannot take at the moment is offered again while the task is held. */
  async #stored<T>({ signal }: HeldTask, offer: () => Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    for (let tries = 1; ; tries++) {
      try {
        return await offer();
      } catch (error) {
        const passing = error instanceof ClankerError && error.kind === 'storage' && error.retryable;
        if (!passing || (signal.aborted && tries >= triesOnceAborted)) throw error;
        // Not with the signal: a task that was aborted has something to tell, too.
        await clock.sleep(Math.min(maxStoreRetryMs, firstStoreRetryMs * 2 ** (tries - 1)));
      }
    }
  }
}
