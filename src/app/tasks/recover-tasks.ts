import type { Bus } from '../../core/ports/bus.ts';
import { noNotice, type ScheduleStore, type TaskRow } from '../../core/ports/schedule-store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { crashedError, maxTaskCrashes } from '../../core/task.ts';
import type { CrashPoint } from '../lifecycle/crash-points.ts';
import { noticeOf, type FailureNoticeDeps } from './failure-notice.ts';
import { fieldsOf, publishTask, wakeFor, type Waking } from './told.ts';

export interface RecoverDeps extends FailureNoticeDeps {
  store: Pick<ScheduleStore, 'cutTasks' | 'recoverTask' | 'listTasks'>;
  clock: Clock;
  bus: Bus;
  crash: CrashPoint;
  delivery: Waking;
}

/**
 * Takes up what nobody holds any more, see cutTasks: queued again, its crash counted, or, with the last crash that a task
 * may have, a dead letter of which its owner hears by the same commit. Resolves with how many there were.
 */
export async function recoverTasks(node: string | null, deps: RecoverDeps): Promise<number> {
  const cut = await deps.store.cutTasks(node, deps.clock.now());
  const recovered = await Promise.all(cut.map((task) => recover(task, node, deps)));
  return recovered.filter(Boolean).length;
}

async function recover(task: TaskRow, node: string | null, deps: RecoverDeps): Promise<boolean> {
  const { store, clock, log, bus, crash, delivery } = deps;
  const at = clock.now();
  const error = task.crashes + 1 >= maxTaskCrashes ? crashedError : null;
  const notice = error === null ? noNotice : await noticeOf({ ...task, state: 'failed', error }, at, deps);
  if (error !== null) crash('before_task_failure');
  const recovered = await store.recoverTask({ id: task.id, fence: task.fence, node, error, notice, at });
  if (recovered === null) return false;
  if (error !== null) crash('after_task_failure');
  log.warn('the gateway died while a task was at work', { ...fieldsOf(task), becomes: recovered.state });
  publishTask(bus, recovered);
  wakeFor(notice.outbox, delivery);
  return true;
}
