import { createHash } from 'node:crypto';
import { noLongerNeeded } from '../../../core/abort.ts';
import { ClankerError, errorData, invalidInput } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/message.ts';
import type { Payload, PayloadKind, SimplePayload, WorkflowStep } from '../../../core/payload.ts';
import type { TaskKind, TaskKinds, TaskOutcome, TaskWork } from '../../../core/ports/task-kind.ts';
import type { Clock, Random } from '../../../core/ports/system.ts';
import { nextAttemptMs } from '../../../core/task.ts';
import { filled, maxStepsAtOnce, outsideOf, workflowProblem, workflowResult } from '../../../core/workflow.ts';
import { abortedBy, outcomeUnknown, TaskAborted, timedOut } from '../aborted.ts';
import { attempt } from '../attempt.ts';
import { WorkflowJournal } from './workflow-journal.ts';

/** Tries of a step within one attempt of its task, for what passes in seconds. */
const maxStepTries = 3;
const firstStepRetryMs = 1000;
/** What asks for a longer wait is left to the next attempt of the task. */
const maxStepWaitMs = 10_000;
const workflowTimeoutMs = 6 * 3_600_000;
/** How long a workflow that was cancelled or is out of time may undo what it did, and what is left to write that down. */
const undoMs = 50_000;
const graceMs = undoMs + 10_000;

export interface WorkflowDeps {
  kinds: TaskKinds;
  clock: Clock;
  random: Random;
  /** Of a step whose kind says nothing else. */
  timeoutMs: () => number;
}

/**
 * Steps in the order of their needs, some at the same time. Each is in the journal before it begins and after it ended, so
 * that after a crash none that is done is done again, and one whose end nobody saw only where that is harmless; else the
 * workflow fails. When it has failed for good, was cancelled, or is out of time, what was done is undone from the newest
 * on, each at most once, and what could not be undone is said.
 */
export const workflowKind = (deps: WorkflowDeps): TaskKind<'workflow'> => ({
  kind: 'workflow',
  repeatable: true,
  timeoutMs: workflowTimeoutMs,
  graceMs,
  async problem({ steps }, owner) {
    const wrong = workflowProblem(steps);
    if (wrong !== null) return wrong;
    for (const { id, do: work, undo } of steps) {
      for (const payload of undo === undefined ? [work] : [work, undo]) {
        const kind = await deps.kinds(payload.kind);
        const problem = kind === null ? `"${payload.kind}" cannot be done here.` : await kind.problem?.(payload, owner);
        if (problem) return `The step "${id}": ${problem}`;
      }
    }
    return null;
  },
  run: async (work) => new Workflow(deps, work, await WorkflowJournal.open(work, deps.clock)).run(),
});

type WorkflowWork = TaskWork<Extract<Payload, { kind: 'workflow' }>>;

/** One thing that is done in a step: the step itself, or its undoing. */
interface Effect {
  step: WorkflowStep;
  payload: SimplePayload;
  key: string;
  /** It was begun before, and its end was not seen. */
  again: boolean;
}

/** Why a step did not succeed. `forGood`: neither it nor the workflow is tried again. */
interface StepFailure {
  step: string;
  error: unknown;
  forGood: boolean;
}

class Workflow {
  readonly #deps: WorkflowDeps;
  readonly #work: WorkflowWork;
  readonly #journal: WorkflowJournal;
  readonly #nonce: string;

  constructor(deps: WorkflowDeps, work: WorkflowWork, journal: WorkflowJournal) {
    this.#deps = deps;
    this.#work = work;
    this.#journal = journal;
    this.#nonce = createHash('sha256').update(work.key).digest('hex').slice(0, 12);
  }

  async run(): Promise<TaskOutcome> {
    const { steps } = this.#work.payload;
    const before = this.#journal.failure();
    const failure = before === null ? await this.#forward() : named(before.step, before.error, false);
    if (failure === null) {
      const memory = this.#memory();
      return {
        ...workflowResult(steps, (id) => this.#journal.result(id)),
        ...(memory === null ? {} : { memory }),
      };
    }
    await this.#back();
    const left = this.#journal.notUndone().map((id) => `"${id}"`);
    if (!(failure instanceof ClankerError)) throw failure;
    const notUndone = left.length === 0 ? '' : ` Not undone: ${left.join(', ')}.`;
    throw new ClankerError(failure.kind, failure.code, `${failure.message}${notUndone}`, { cause: failure });
  }

  /** Null when all steps are done; why it has failed for good. Rejects with what is to be tried again. */
  async #forward(): Promise<unknown> {
    const { payload, signal } = this.#work;
    const atWork = new Map<string, Promise<void>>();
    const failures: StepFailure[] = [];
    const broken: unknown[] = [];
    const over = (): boolean => failures.length + broken.length > 0 || signal.aborted;
    for (;;) {
      for (const step of payload.steps) {
        if (over() || atWork.size >= maxStepsAtOnce) break;
        if (atWork.has(step.id) || !this.#ready(step)) continue;
        const done = this.#step(step).then(
          (failure) => void (failure === null || failures.push(failure)),
          (error: unknown) => void broken.push(error),
        );
        atWork.set(
          step.id,
          done.then(() => void atWork.delete(step.id)),
        );
      }
      if (atWork.size === 0) break;
      // What is at work ends by itself also when another step has failed: cutting it would hide what becomes of it.
      await Promise.race(atWork.values());
    }
    if (broken.length > 0) throw broken[0];
    const first = failures.find(({ forGood }) => forGood) ?? failures[0];
    if (first === undefined) return this.#journal.done === payload.steps.length ? null : this.#aborted();
    const { step, error, forGood } = first;
    if (!(error instanceof ClankerError)) return error;
    if (!forGood) throw named(step, error, true);
    return named(step, error, false);
  }

  #ready({ id, needs = [] }: WorkflowStep): boolean {
    return this.#journal.state(id) !== 'done' && needs.every((need) => this.#journal.state(need) === 'done');
  }

  /** The end of a workflow that was aborted between two steps: as `#forward`. */
  #aborted(): unknown {
    const { reason } = this.#work.signal;
    if (this.#goesOn(reason)) throw reason;
    return reason;
  }

  /** Whether there is a further attempt after this failure, so that nothing has to be undone. */
  #goesOn(error: unknown): boolean {
    const { signal, task } = this.#work;
    const by = abortedBy(signal);
    if (by === 'stopped' || by === 'lost') return true;
    // What counts for the task is why it was aborted, whatever its steps say.
    return nextAttemptMs(errorData(by === null ? error : signal.reason), task, 0) !== null;
  }

  /** Null: it is done. Rejects when nothing can be written down any more. */
  async #step(step: WorkflowStep): Promise<StepFailure | null> {
    const { id } = step;
    const { signal, key } = this.#work;
    const again = this.#journal.state(id) === 'started';
    try {
      const kind = await this.#kind(step.do.kind);
      if (again && !kind.repeatable) throw outcomeUnknown();
      const { payload, outside } = filled(step.do, (need) => this.#journal.result(need), this.#nonce);
      if (!again) await this.#journal.write(id, 'started');
      const outcome = await this.#tried(kind, { step, payload, key: `${key}:${id}`, again }, outside, signal);
      await this.#journal.write(id, 'done', { result: { ...outcome, outside: outsideOf([outcome.outside, outside]) } });
      this.#work.progress({ done: this.#journal.done / this.#work.payload.steps.length, text: id });
      return null;
    } catch (error) {
      if (this.#journal.broken) throw error;
      const cut = signal.aborted && error === signal.reason;
      const forGood = !this.#goesOn(error);
      // What was cut stands as begun, which is all that is known of it; unless nobody comes to look at it again.
      const { retryable, ...data } = errorData(cut ? outcomeUnknown() : error);
      if (!cut || forGood)
        await this.#journal.write(id, 'failed', { error: { ...data, retryable: retryable && !forGood } });
      return { step: id, error, forGood };
    }
  }

  /** Undoes what is done. Rejects when others have to go on with it. */
  async #back(): Promise<void> {
    const { payload, key } = this.#work;
    const steps = new Map(payload.steps.map((step) => [step.id, step]));
    const { signal, end } = this.#timeToUndo();
    for (const id of this.#journal.begun())
      await this.#journal.write(id, 'failed', { error: errorData(outcomeUnknown()) });
    try {
      for (const { id, cut } of this.#journal.toUndo()) {
        const step = steps.get(id);
        if (step?.undo === undefined) continue;
        await this.#undo({ step, payload: step.undo, key: `${key}:${id}:undo`, again: cut }, signal);
      }
    } finally {
      end();
    }
  }

  async #undo({ step, payload, key, again }: Effect, signal: AbortSignal): Promise<void> {
    const { id } = step;
    try {
      const kind = await this.#kind(payload.kind);
      if (again && !kind.repeatable) throw outcomeUnknown();
      signal.throwIfAborted();
      const { payload: work, outside } = filled(payload, (need) => this.#journal.result(need), this.#nonce);
      await this.#journal.write(id, 'undoing');
      await this.#tried(kind, { step, payload: work, key, again }, outside, signal);
    } catch (error) {
      const by = abortedBy(this.#work.signal);
      if (this.#journal.broken || by === 'stopped' || by === 'lost') throw error;
      await this.#journal.write(id, 'not_undone', { error: errorData(error) });
      return;
    }
    await this.#journal.write(id, 'undone');
  }

  /** What a cancelled workflow, or one that is out of time, has left for its undoing; nothing when others go on with it. */
  #timeToUndo(): { signal: AbortSignal; end: () => void } {
    const { clock } = this.#deps;
    const { signal } = this.#work;
    const controller = new AbortController();
    let callOff: (() => void) | null = null;
    const heard = (): void => {
      const by = abortedBy(signal);
      if (by === 'stopped' || by === 'lost') controller.abort(signal.reason);
      else callOff = clock.after(undoMs, () => controller.abort(timedOut(undoMs)));
    };
    if (signal.aborted) heard();
    else signal.addEventListener('abort', heard);
    return {
      signal: controller.signal,
      end() {
        signal.removeEventListener('abort', heard);
        callOff?.();
        controller.abort(noLongerNeeded);
      },
    };
  }

  /** Tries it some times, with short waits. */
  async #tried(kind: TaskKind, effect: Effect, outside: string | null, signal: AbortSignal): Promise<TaskOutcome> {
    const { clock, random, timeoutMs } = this.#deps;
    const work = this.#workOf(effect, outside, signal);
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(kind, work, { clock, timeoutMs: kind.timeoutMs ?? timeoutMs() });
      } catch (error) {
        const passing = error instanceof ClankerError && error.retryable && !(error instanceof TaskAborted);
        if (!passing || signal.aborted || tries >= maxStepTries) throw error;
        const waitMs = Math.max(error.retryAfterMs ?? 0, firstStepRetryMs * 2 ** (tries - 1) * (0.5 + random.unit()));
        if (waitMs > maxStepWaitMs) throw error;
        // Aborted meanwhile it has still failed, and is not cut.
        await clock.sleep(waitMs, signal).catch(() => Promise.reject(error));
      }
    }
  }

  #workOf({ step, payload, key, again }: Effect, outside: string | null, signal: AbortSignal): TaskWork {
    const { task, memory } = this.#work;
    const share = (done: number | null): number => (this.#journal.done + (done ?? 0)) / this.#work.payload.steps.length;
    return {
      task: { ...task, origin: { ...task.origin, tainted: outsideOf([task.origin.tainted, outside]) } },
      payload,
      key,
      again,
      memory: memoryOf(memory?.[step.id]),
      signal,
      progress: ({ done, text }) => this.#work.progress({ done: share(done), text: `${step.id}: ${text}` }),
      steps: {
        known: () => Promise.resolve([]),
        save: () => Promise.reject(new Error('a step has no steps of its own')),
      },
    };
  }

  /** What each step keeps for itself in the job's next run; null: none keeps anything new. */
  #memory(): JsonObject | null {
    const kept = this.#work.payload.steps.flatMap(({ id }) => {
      const memory = this.#journal.result(id)?.memory;
      return memory === undefined ? [] : [[id, memory] as const];
    });
    return kept.length === 0 ? null : { ...this.#work.memory, ...Object.fromEntries(kept) };
  }

  async #kind(name: PayloadKind): Promise<TaskKind> {
    const kind = await this.#deps.kinds(name);
    if (kind === null) throw invalidInput('unknown_kind', `"${name}" cannot be done here.`);
    return kind;
  }
}

function named(step: string, error: ClankerError, retryable: boolean): ClankerError {
  const { kind, code, message, retryAfterMs } = error;
  return new ClankerError(kind, code, `The step "${step}" failed: ${message}`, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: error,
  });
}

const memoryOf = (value: unknown): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
