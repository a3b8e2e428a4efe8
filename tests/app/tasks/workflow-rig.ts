import { workflowKind } from '../../../src/app/tasks/kinds/workflow.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import type { Payload, PayloadKind, WorkflowStep } from '../../../src/core/payload.ts';
import type { TaskRow, TaskStep } from '../../../src/core/ports/schedule-store.ts';
import type { TaskKind, TaskOutcome, TaskWork } from '../../../src/core/ports/task-kind.ts';
import type { TaskProgress } from '../../../src/core/task.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export const done = (text = '', more: Partial<TaskOutcome> = {}): TaskOutcome => ({
  text,
  files: [],
  outside: null,
  ...more,
});
export const failing = (retryable = false, retryAfterMs?: number): ClankerError =>
  new ClankerError('network', 'down', 'It is down.', {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

export const taskOf = (payload: Payload, more: Partial<TaskRow> = {}): TaskRow => ({
  id: 'task_1',
  owner: 'owner',
  jobId: null,
  due: null,
  trigger: 'request',
  name: 'a task',
  payload,
  kind: payload.kind,
  deliver: { to: 'nowhere' },
  origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
  runAt: 0,
  maxAttempts: 1,
  createdAt: 0,
  seq: 1,
  state: 'running',
  attempts: 1,
  crashes: 0,
  node: 'n',
  leaseUntil: null,
  fence: 1,
  progress: null,
  result: null,
  error: null,
  startedAt: 0,
  finishedAt: null,
  updatedAt: 0,
  ...more,
});

/**
 * A workflow over a journal in memory. What a step does is scripted by the text of its payload: `play(key, work)`. `ask` is
 * a kind that may be repeated, `webhook` one that may not.
 */
export class WorkflowRig {
  readonly clock = new VirtualClock();
  readonly journal: Map<string, TaskStep>;
  readonly told: TaskProgress[] = [];
  play: (key: string, work: TaskWork) => Promise<TaskOutcome> | TaskOutcome = () => done();
  /** Around the writing of a line; what they reject with comes in its place. */
  writing: (step: TaskStep) => Promise<void> = () => Promise.resolve();
  written: (step: TaskStep) => Promise<void> = () => Promise.resolve();

  readonly kind = workflowKind({
    clock: this.clock,
    random: { bytes: (count) => new Uint8Array(count), unit: () => 0.5 },
    timeoutMs: () => 600_000,
    kinds: (name) => Promise.resolve(this.#kind(name)),
  });

  constructor(journal = new Map<string, TaskStep>()) {
    this.journal = journal;
  }

  #kind(name: PayloadKind): TaskKind | null {
    if (name === 'lookup') return null;
    return {
      kind: name,
      repeatable: name !== 'webhook',
      problem: (payload) => Promise.resolve(payload.kind === 'tool' ? `no tool ${payload.tool}.` : null),
      run: async (work) => this.play(work.key.replace('task_1:', ''), work),
    };
  }

  begin(steps: WorkflowStep[], more: Partial<TaskRow> = {}, signal = new AbortController().signal) {
    const payload = { kind: 'workflow' as const, steps };
    const { journal } = this;
    return this.kind.run({
      task: taskOf(payload, more),
      payload,
      key: 'task_1',
      again: false,
      memory: { kept: { of: 'the run before' } },
      signal,
      progress: (progress) => this.told.push(progress),
      steps: {
        known: () => Promise.resolve([...journal.values()].map((step) => structuredClone(step))),
        save: async (step) => {
          await this.writing(step);
          journal.set(step.id, structuredClone(step));
          await this.written(step);
        },
      },
    });
  }

  run(...of: Parameters<WorkflowRig['begin']>): Promise<TaskOutcome> {
    return this.clock.until(this.begin(...of));
  }

  states(): Record<string, TaskStep['state']> {
    return Object.fromEntries([...this.journal.values()].map(({ id, state }) => [id, state]));
  }
}
