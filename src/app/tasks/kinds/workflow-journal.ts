import { type ClankerError, errorFrom, type ErrorData } from '../../../core/errors.ts';
import type { TaskOutcome, TaskWork } from '../../../core/ports/task-kind.ts';
import type { TaskStep } from '../../../core/ports/schedule-store.ts';
import type { Clock } from '../../../core/ports/system.ts';

const wayBack: readonly TaskStep['state'][] = ['undoing', 'undone', 'not_undone'];
/** Of a workflow that ran out of time between two steps, so that none of them says why. */
const cut: ErrorData = {
  kind: 'storage',
  code: 'workflow_cut',
  message: 'The workflow was cut, and what it had done is undone.',
  retryable: false,
};

/**
 * What is written down of the steps of a workflow, each line before what it announces or after what it reports. It says
 * after any crash what was done, what was begun, and whether the way leads forward or back.
 *
 * A step that has `failed` with an error that is retryable may be tried again; with another one the workflow has failed
 * for good, as it has when anything of it was undone.
 */
export class WorkflowJournal {
  readonly #save: (step: TaskStep) => Promise<void>;
  readonly #clock: Clock;
  readonly #steps: Map<string, TaskStep>;
  /** Times only grow here whatever the clock does: they tell the order in which steps were done. */
  #latest: number;
  #broken: { by: unknown } | null = null;

  static async open({ steps }: Pick<TaskWork, 'steps'>, clock: Clock): Promise<WorkflowJournal> {
    return new WorkflowJournal(await steps.known(), (step) => steps.save(step), clock);
  }

  private constructor(known: readonly TaskStep[], save: (step: TaskStep) => Promise<void>, clock: Clock) {
    this.#steps = new Map(known.map((step) => [step.id, step]));
    this.#save = save;
    this.#clock = clock;
    this.#latest = Math.max(0, ...known.map(({ at }) => at));
  }

  /** Undefined: it has not begun. */
  state(id: string): TaskStep['state'] | undefined {
    return this.#steps.get(id)?.state;
  }

  /** Of a step that is done, or was before it was undone. */
  result(id: string): TaskOutcome | undefined {
    return this.#steps.get(id)?.result ?? undefined;
  }

  /** A line could not be written: what is known here is not what will be found, and nothing may be decided by it. */
  get broken(): boolean {
    return this.#broken !== null;
  }

  get done(): number {
    return [...this.#steps.values()].filter(({ state }) => state === 'done').length;
  }

  /** The step for which it has failed for good, and why; null: it has not. */
  failure(): { step: string; error: ClankerError } | null {
    for (const { id, state, error } of this.#steps.values()) {
      if (state === 'failed' && error !== null && !error.retryable) return { step: id, error: errorFrom(error) };
    }
    const back = [...this.#steps.values()].find(({ state }) => wayBack.includes(state));
    return back === undefined ? null : { step: back.id, error: errorFrom(cut) };
  }

  /** Those whose end nobody saw. */
  begun(): string[] {
    return [...this.#steps.values()].filter(({ state }) => state === 'started').map(({ id }) => id);
  }

  notUndone(): string[] {
    return [...this.#steps.values()].filter(({ state }) => state === 'not_undone').map(({ id }) => id);
  }

  /** What is to be undone, in this order: what was cut in the middle of it, then from the newest on what is done. */
  toUndo(): { id: string; cut: boolean }[] {
    const all = [...this.#steps.values()].toSorted((a, b) => b.at - a.at);
    const cut = all.filter(({ state }) => state === 'undoing');
    return [...cut, ...all.filter(({ state }) => state === 'done')].map(({ id, state }) => ({
      id,
      cut: state === 'undoing',
    }));
  }

  /** The result that it has stays with it unless another one is given. After a line that was not written none is. */
  async write(
    id: string,
    state: TaskStep['state'],
    { result = this.result(id) ?? null, error = null }: { result?: TaskOutcome | null; error?: ErrorData | null } = {},
  ): Promise<void> {
    if (this.#broken !== null) throw this.#broken.by;
    this.#latest = Math.max(this.#clock.now(), this.#latest + 1);
    const step = { id, state, result, error, at: this.#latest };
    try {
      await this.#save(step);
    } catch (error_) {
      this.#broken = { by: error_ };
      throw error_;
    }
    this.#steps.set(id, step);
  }
}
