/** Jobs and tasks for the store's tests: everything has a default, a test names only what it is about. */
import {
  noNotice,
  type FinishTask,
  type JobRow,
  type NewJob,
  type NewTask,
  type RecoverTask,
  type TaskRow,
} from '../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { DecidedSlot } from '../../../src/core/schedule.ts';
import { crashedError, maxTaskCrashes, type TaskResult } from '../../../src/core/task.ts';
import { noon } from './rows.ts';

export const minute = 60_000;

export const newJob = (id: string, more: Partial<NewJob> = {}): NewJob => ({
  id,
  owner: 'owner',
  name: `name of ${id}`,
  schedule: { type: 'every', everyMs: minute, from: noon },
  zone: 'Europe/Berlin',
  except: ['2026-12-24/2027-01-02', 'holidays:DE'],
  endAt: null,
  maxRuns: null,
  payload: { kind: 'text', text: `text of ${id}` },
  deliver: { to: 'nowhere' },
  missed: { policy: 'once', max: 1, maxLatenessMs: null },
  jitterMs: 0,
  maxAttempts: 3,
  origin: { kind: 'token', id: 'operator', role: 'owner', tainted: null },
  nextAt: noon,
  createdAt: noon - minute,
  ...more,
});

export const newTask = (id: string, more: Partial<NewTask> = {}): NewTask => ({
  id,
  owner: 'owner',
  jobId: null,
  due: null,
  trigger: 'request',
  name: `name of ${id}`,
  payload: { kind: 'text', text: `text of ${id}` },
  deliver: { to: 'nowhere' },
  origin: { kind: 'token', id: 'operator', role: 'owner', tainted: null },
  runAt: noon,
  maxAttempts: 3,
  createdAt: noon,
  ...more,
});

export const fired = (due: number): DecidedSlot => ({ due, until: due, count: 1, state: 'fired' });
export const missed = (due: number, until = due, count = 1): DecidedSlot => ({ due, until, count, state: 'missed' });

/** What was decided about a job as it is stored; each slot that fired has the task `<job>@<due>`. */
export const fire = (
  store: Pick<Store, 'fire'>,
  job: Pick<JobRow, 'id' | 'owner' | 'revision' | 'nextAt'>,
  slots: DecidedSlot[],
  nextAt: number | null,
  at = slots.at(-1)?.until ?? noon,
) =>
  store.fire({
    jobId: job.id,
    revision: job.revision,
    dueAt: job.nextAt ?? 0,
    slots,
    maxWaiting: 100,
    tasks: slots
      .filter(({ state }) => state === 'fired')
      .map(({ due }) =>
        newTask(`${job.id}@${due}`, {
          owner: job.owner,
          jobId: job.id,
          due,
          trigger: 'slot',
          runAt: due,
          createdAt: at,
        }),
      ),
    nextAt,
    at,
  });

export type ClaimRequest = Parameters<Store['claimTask']>[0];

export const claimTask = (store: Pick<Store, 'claimTask'>, more: Partial<ClaimRequest> = {}) =>
  store.claimTask({
    now: noon,
    node: 'node-1',
    leaseUntil: (more.now ?? noon) + minute,
    busyOwners: [],
    busyKinds: [],
    ...more,
  });

/** Claims what must be there. */
export async function begun(store: Pick<Store, 'claimTask'>, more: Partial<ClaimRequest> = {}): Promise<TaskRow> {
  const task = await claimTask(store, more);
  if (task === null) throw new Error('nothing to claim');
  return task;
}

/** As a start does, or, without a node, when a lease ran out; `crashes`: with so many a task has failed. */
export async function recover(
  store: Pick<Store, 'cutTasks' | 'recoverTask'>,
  node: string | null,
  at: number,
  more: Partial<RecoverTask> & { crashes?: number } = {},
): Promise<TaskRow[]> {
  const { crashes = maxTaskCrashes, ...over } = more;
  const cut = await store.cutTasks(node, at);
  const recovered = cut.map(({ id, fence, crashes: before }) => {
    const error = before + 1 >= crashes ? crashedError : null;
    return store.recoverTask({ id, fence, node, error, notice: noNotice, at, ...over });
  });
  return (await Promise.all(recovered)).filter((task) => task !== null);
}

export const result = (text: string): TaskResult => ({ text, files: [], outside: null });

export const finished = (task: Pick<TaskRow, 'id' | 'fence'>, more: Partial<FinishTask> = {}): FinishTask => ({
  id: task.id,
  fence: task.fence,
  result: result(`result of ${task.id}`),
  outbox: [],
  note: null,
  follows: [],
  at: noon + 1000,
  ...more,
});

export async function addJob(store: Pick<Store, 'addJob'>, id: string, more: Partial<NewJob> = {}): Promise<JobRow> {
  const job = await store.addJob(newJob(id, more), 100);
  if (job === null) throw new Error('the job was not added');
  return job;
}

/** As it is stored now. */
export async function jobOf(store: Pick<Store, 'job'>, id: string): Promise<JobRow> {
  const job = await store.job(id, null);
  if (job === null) throw new Error(`there is no job ${id}`);
  return job;
}

export async function taskOf(store: Pick<Store, 'task'>, id: string): Promise<TaskRow> {
  const task = await store.task(id, null);
  if (task === null) throw new Error(`there is no task ${id}`);
  return task;
}
