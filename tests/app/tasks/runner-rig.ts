import type { TestContext } from 'node:test';
import type { AttemptEnd } from '../../../src/app/tasks/carry-out.ts';
import { workflowKind } from '../../../src/app/tasks/kinds/workflow.ts';
import { TaskRunner, type TaskRunnerDeps, type TaskSettings } from '../../../src/app/tasks/runner.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import type { NewEvent } from '../../../src/core/events.ts';
import type { Payload, PayloadKind } from '../../../src/core/payload.ts';
import { noNotice, type FailureNotice, type NewTask, type TaskRow } from '../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { TaskKind, TaskOutcome, TaskWork } from '../../../src/core/ports/task-kind.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { freshStore } from '../../support/store.ts';
import { Asked, StoreClock } from '../../support/store-clock.ts';
import { done } from './workflow-rig.ts';

export const minute = 60_000;
export const settings: TaskSettings = {
  concurrency: 4,
  perPerson: 4,
  kinds: {},
  timeoutMs: 10 * minute,
  leaseMs: minute,
  pollMs: 30_000,
};

export const away = (): ClankerError =>
  new ClankerError('storage', 'storage_closed', 'The database is not open.', { retryable: true });

export interface RigRunner {
  runner: TaskRunner;
  clock: StoreClock;
  /** How often each operation was asked for. */
  calls: Map<string, number>;
  /** Before each operation; what it throws comes in its place. */
  fault: (operation: string) => void;
  /** Its process is no more. */
  dead: boolean;
}

/** Runners over one real store. What a task does is scripted by `play`; kinds but `webhook` may be repeated. */
export class RunnerRig {
  readonly store: Store;
  readonly asked = new Asked();
  readonly clock = new StoreClock(this.asked);
  readonly log = new KeptLog();
  readonly metrics = new CountedMetrics();
  readonly events: NewEvent[] = [];
  readonly told: TaskRow[] = [];
  readonly woken: string[] = [];
  play: (work: TaskWork, node: string) => Promise<TaskOutcome> | TaskOutcome = () => done();
  notice: (task: TaskRow) => Promise<FailureNotice> = () => Promise.resolve(noNotice);
  handOver: TaskRunnerDeps['handOver'] = () => Promise.resolve({ outbox: [], note: null, follows: [] });
  #watched = new Map<string, (task: NewEvent) => void>();
  #added = 0;

  static async open(t: TestContext): Promise<RunnerRig> {
    return new RunnerRig(await freshStore(t), t);
  }

  readonly #t: TestContext;

  private constructor(store: Store, t: TestContext) {
    this.store = this.#counted(store, { calls: new Map(), fault: () => undefined, dead: false });
    this.#t = t;
  }

  runner(node: string, more: Partial<TaskSettings> = {}, clock = this.clock): RigRunner {
    const rigged: RigRunner = {
      clock,
      calls: new Map(),
      fault: () => undefined,
      dead: false,
      runner: undefined as unknown as TaskRunner,
    };
    const kinds = (kind: PayloadKind): TaskKind | null => {
      if (kind === 'file') return null;
      if (kind === 'workflow')
        return workflowKind({
          clock,
          random,
          timeoutMs: () => 10 * minute,
          kinds: (name) => Promise.resolve(kinds(name)),
        }) as TaskKind;
      return {
        kind,
        repeatable: kind !== 'webhook',
        run: async (work) => this.play(work, node),
      };
    };
    rigged.runner = new TaskRunner({
      store: this.#counted(this.store, rigged),
      clock,
      random,
      log: this.log,
      metrics: this.metrics,
      bus: {
        publish: (event) => {
          this.events.push(event);
          if (event.type === 'task.changed') this.#watched.get(event.taskId)?.(event);
        },
        subscribe: () => Promise.reject(new Error('not asked')) as never,
        since: () => null,
        forget: () => undefined,
      },
      crash: () => undefined,
      node,
      kinds: (kind) => Promise.resolve(kinds(kind)),
      handOver: (...of) => this.handOver(...of),
      failureNotice: (task) => {
        this.told.push(task);
        return this.notice(task);
      },
      delivery: { wake: ({ native }) => void this.woken.push(native) },
      settings: () => ({ ...settings, ...more }),
    });
    this.#t.after(() => (rigged.dead ? undefined : clock.until(rigged.runner.stop(0))));
    return rigged;
  }

  task(payload: Payload = { kind: 'ask', prompt: 'x' }, more: Partial<NewTask> = {}): NewTask {
    const now = this.clock.now();
    return {
      id: `task_${++this.#added}`,
      owner: 'owner',
      jobId: null,
      due: null,
      trigger: 'request',
      name: 'a task',
      payload,
      deliver: { to: 'nowhere' },
      origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
      runAt: now,
      maxAttempts: 1,
      createdAt: now,
      ...more,
    };
  }

  async add(payload?: Payload, more?: Partial<NewTask>): Promise<string> {
    const task = await this.store.addTask(this.task(payload, more), 10_000);
    if (task === null) throw new Error('too many');
    return task.id;
  }

  async row(id: string): Promise<TaskRow> {
    const row = await this.store.task(id, null);
    if (row === null) throw new Error(`there is no ${id}`);
    return row;
  }

  /** Resolves with the row once its state is one of these. Time passes as it is needed. */
  async until(id: string, ...states: TaskRow['state'][]): Promise<TaskRow> {
    const heard = Promise.withResolvers<void>();
    this.#watched.set(id, (event) => {
      if (event.type === 'task.changed' && states.includes(event.state)) heard.resolve();
    });
    const row = await this.store.task(id, null);
    if (row !== null && states.includes(row.state)) return row;
    const late = this.clock
      .sleep(30 * 24 * 60 * minute)
      .then(() => Promise.reject(new Error(`${id} never was ${states.join()}`)));
    await this.clock.until(Promise.race([heard.promise, late]));
    return this.row(id);
  }

  ends(outcome: AttemptEnd): number {
    let sum = 0;
    for (const [name, value] of this.metrics.values)
      if (name.startsWith('tasks_total{') && name.includes(`outcome=${outcome}`)) sum += value;
    return sum;
  }

  #counted(store: Store, of: Pick<RigRunner, 'calls' | 'fault' | 'dead'>): Store {
    const { asked } = this;
    return new Proxy(store, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== 'function') return found;
        return async (...given: unknown[]): Promise<unknown> => {
          if (of.dead) return new Promise(() => undefined);
          asked.begin();
          of.calls.set(String(name), (of.calls.get(String(name)) ?? 0) + 1);
          try {
            of.fault(String(name));
            return await (found.apply(target, given) as unknown);
          } finally {
            asked.end();
          }
        };
      },
    });
  }
}

const random = { bytes: (count: number) => new Uint8Array(count), unit: () => 0.5 };
