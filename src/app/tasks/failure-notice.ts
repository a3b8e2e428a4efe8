import { ClankerError } from '../../core/errors.ts';
import { noNotice, type FailureNotice, type ScheduleStore, type TaskRow } from '../../core/ports/schedule-store.ts';
import type { Log } from '../../core/ports/system.ts';
import { fieldsOf } from './told.ts';

/** Of a job's tasks, to find the last one that ended. */
const maxLookedBack = 20;

export interface FailureNoticeDeps {
  store: Pick<ScheduleStore, 'listTasks'>;
  log: Log;
  /** What tells the owner, where the result would have gone, that the task has failed for good. */
  failureNotice: (task: TaskRow, now: number) => Promise<FailureNotice>;
}

/**
 * What is stored with the end of a task that fails for good, `task` as it will be then. Of a job that goes on failing only
 * the first time is told; what the gateway does for itself fails in the log. Rejects only when the store cannot be reached
 * at the moment: a failure that nobody may hear of is one all the same.
 */
export async function noticeOf(
  task: TaskRow,
  now: number,
  { store, log, failureNotice }: FailureNoticeDeps,
): Promise<FailureNotice> {
  try {
    if (task.kind === 'chore' || (await failedBefore(task, store))) return noNotice;
    return await failureNotice(task, now);
  } catch (error) {
    if (error instanceof ClankerError && error.kind === 'storage' && error.retryable) throw error;
    log.warn('nobody could be told that a task failed', { ...fieldsOf(task), error });
    return noNotice;
  }
}

async function failedBefore({ jobId, seq, trigger }: TaskRow, store: FailureNoticeDeps['store']): Promise<boolean> {
  if (jobId === null || trigger !== 'slot') return false;
  const { items } = await store.listTasks({ owner: null, jobId }, { limit: maxLookedBack });
  const before = items.find((task) => task.seq < seq && (task.state === 'completed' || task.state === 'failed'));
  return before?.state === 'failed';
}
