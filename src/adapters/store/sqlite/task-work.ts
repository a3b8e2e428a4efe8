/** What the runner of tasks does with them. What is told under an older fence than the task's own changes nothing. */
import type { ErrorData } from '../../../core/errors.ts';
import type { Message } from '../../../core/message.ts';
import type { PayloadKind } from '../../../core/payload.ts';
import type { OutboxRow } from '../../../core/ports/outbox-store.ts';
import type {
  FailTask,
  FailureNotice,
  FinishedTask,
  FinishTask,
  RecoverTask,
  ScheduleStore,
  TaskRow,
  TaskStep,
} from '../../../core/ports/schedule-store.ts';
import type { TaskEventKind, TaskProgress } from '../../../core/task.ts';
import { type Database, fromJson, toJson } from './database.ts';
import { pauseCrashed, rememberFor } from './jobs.ts';
import { appendMessage } from './messages.ts';
import { planOutbound } from './outbound.ts';
import { saveProgress, sessionRecord } from './sessions.ts';
import { cancelRunsOf, cancelTask, insertTask, moved, taskFrom, type TaskRecord, tell } from './tasks.ts';

type ClaimRequest = Parameters<ScheduleStore['claimTask']>[0];

/** Ready tasks that are looked at one by one, before those of busy people and kinds are stepped over. */
const maxLooked = 50;

interface Head {
  seq: number;
  owner: string;
  kind: string;
  run_at: number;
}

/**
 * The longest due task of each person and kind that have one ready, found by stepping from one to the next: however many
 * wait behind them, it reads one entry of the index for each.
 */
const heads = `WITH RECURSIVE heads (seq, owner, kind, run_at) AS (
    SELECT * FROM (SELECT seq, owner, kind, run_at FROM tasks WHERE ready = 1 ORDER BY owner, kind, run_at, seq LIMIT 1)
    UNION ALL
    SELECT t.seq, t.owner, t.kind, t.run_at FROM heads h JOIN tasks t ON t.seq = (
      SELECT seq FROM tasks WHERE ready = 1 AND (owner, kind) > (h.owner, h.kind)
      ORDER BY owner, kind, run_at, seq LIMIT 1))
  SELECT * FROM heads ORDER BY run_at, seq`;

/** Of the tasks that may begin the one that is due first, or will be. */
function firstReady(db: Database, busyOwners: readonly string[], busyKinds: readonly string[]): Head | null {
  const free = ({ owner, kind }: Head): boolean => !busyOwners.includes(owner) && !busyKinds.includes(kind);
  const looked = db.all<Head>(
    'SELECT seq, owner, kind, run_at FROM tasks WHERE ready = 1 ORDER BY run_at, seq LIMIT ?',
    maxLooked,
  );
  const found = looked.find(free);
  if (found !== undefined || looked.length < maxLooked) return found ?? null;
  return db.all<Head>(heads).find(free) ?? null;
}

/** When the first lease of a running task ends, of those that are not busy. */
const firstLease = (db: Database, busyOwners: readonly string[], busyKinds: readonly string[]): number | undefined =>
  db.get<{ lease_until: number }>(
    `SELECT lease_until FROM tasks WHERE state = 'running' AND owner NOT IN (SELECT value FROM json_each(?))
       AND kind NOT IN (SELECT value FROM json_each(?)) ORDER BY lease_until LIMIT 1`,
    JSON.stringify(busyOwners),
    JSON.stringify(busyKinds),
  )?.lease_until;

export function claimTask(db: Database, request: ClaimRequest): TaskRow | null {
  const { now, busyOwners, busyKinds } = request;
  if ((firstLease(db, busyOwners, busyKinds) ?? Infinity) <= now) return null;
  const head = firstReady(db, busyOwners, busyKinds);
  return head === null || head.run_at > now ? null : begin(db, head.seq, request);
}

function begin(db: Database, seq: number, { now, node, leaseUntil }: ClaimRequest): TaskRow {
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET state = 'running', ready = 0, attempts = attempts + 1, fence = fence + 1, node = ?1,
       lease_until = ?2, progress = NULL, started_at = ?3, updated_at = ?3
     WHERE seq = ?4 AND state = 'queued' RETURNING *`,
    node,
    leaseUntil,
    now,
    seq,
  );
  if (record === null) throw new Error('a task that is ready is not queued');
  return moved(db, record, now, ['started', `attempt ${record.attempts}`]);
}

/** Nobody heard of this claim, so nothing was begun. */
export function undoClaimTask(db: Database, claim: TaskRow): void {
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET ${requeued}, attempts = attempts - 1 WHERE id = ? AND fence = ? AND state = 'running' RETURNING *`,
    claim.id,
    claim.fence,
  );
  if (record === null) return;
  // Its story must not say that something was cut.
  db.run(
    `DELETE FROM task_events WHERE task = ? AND n = (SELECT MAX(n) FROM task_events WHERE task = ?)`,
    record.seq,
    record.seq,
  );
  moved(db, record, record.updated_at);
}

const requeued = `state = 'queued', ready = 0, node = NULL, lease_until = NULL`;

export function nextTaskAt(
  db: Database,
  busyOwners: readonly string[],
  busyKinds: readonly PayloadKind[],
): number | null {
  const times = [firstReady(db, busyOwners, busyKinds)?.run_at, firstLease(db, busyOwners, busyKinds)].filter(
    (time) => time !== undefined,
  );
  return times.length === 0 ? null : Math.min(...times);
}

export function beatTasks(
  db: Database,
  node: string,
  leaseUntil: number,
  beats: readonly { id: string; fence: number; progress: TaskProgress | null }[],
): string[] {
  return beats
    .filter(
      ({ id, fence, progress }) =>
        db.run(
          `UPDATE tasks SET lease_until = ?, progress = COALESCE(?, progress)
           WHERE id = ? AND fence = ? AND node = ? AND state = 'running'`,
          leaseUntil,
          toJson(progress),
          id,
          fence,
          node,
        ) === 0,
    )
    .map(({ id }) => id);
}

export function finishTask(db: Database, finish: FinishTask): FinishedTask | null {
  const { id, fence, result, memory, note, at } = finish;
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET state = 'completed', ready = 0, node = NULL, lease_until = NULL, result = ?1, error = NULL,
       finished_at = ?2, updated_at = ?2
     WHERE id = ?3 AND fence = ?4 AND state = 'running' RETURNING *`,
    toJson(result),
    at,
    id,
    fence,
  );
  if (record === null) return null;
  const { outbox, delivered } = sendOff(db, finish);
  for (const each of finish.supersedes ?? []) cancelTask(db, each, null, 'a newer one waits', at);
  const noted = note === null ? null : appendNote(db, note);
  if (memory !== undefined && record.job_id !== null) rememberFor(db, record.job_id, memory);
  return { task: moved(db, record, at, ['completed', ''], ...delivered), outbox, note: noted };
}

/** What goes out with the end of a task, and what follows from it. */
function sendOff(
  db: Database,
  { outbox: planned, follows }: FailureNotice,
): { outbox: OutboxRow[]; delivered: [TaskEventKind, string][] } {
  const outbox = planOutbound(db, planned);
  for (const follower of follows) insertTask(db, follower);
  const places = new Set(outbox.map(({ conversation }) => `${conversation.channel}:${conversation.account}`));
  return { outbox, delivered: [...places].map((place) => ['delivered', `to ${place}`]) };
}

/** A history that is not there is not begun by what only tells of something. */
function appendNote(db: Database, { sessionKey, message }: NonNullable<FinishTask['note']>): Message | null {
  const session = sessionRecord(db, sessionKey);
  if (session === null) return null;
  const appended = appendMessage(db, session, null, message);
  saveProgress(db, session);
  return appended;
}

export function failTask(db: Database, { id, fence, error, retryAt, notice, at }: FailTask): TaskRow | null {
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET state = CASE WHEN ?1 IS NULL OR attempts >= max_attempts THEN 'failed' ELSE 'queued' END,
       run_at = CASE WHEN ?1 IS NULL OR attempts >= max_attempts THEN run_at ELSE ?1 END,
       finished_at = CASE WHEN ?1 IS NULL OR attempts >= max_attempts THEN ?2 END,
       ready = 0, node = NULL, lease_until = NULL, error = ?3, updated_at = ?2
     WHERE id = ?4 AND fence = ?5 AND state = 'running' RETURNING *`,
    retryAt,
    at,
    toJson(error),
    id,
    fence,
  );
  if (record === null) return null;
  if (record.state !== 'failed') return moved(db, record, at, ['retrying', error.code]);
  return moved(db, record, at, ['failed', error.code], ...sendOff(db, notice).delivered);
}

export function releaseTasks(db: Database, node: string, at: number): number {
  const records = db.all<TaskRecord>(
    `UPDATE tasks SET ${requeued}, attempts = attempts - 1, updated_at = ? WHERE state = 'running' AND node = ?
     RETURNING *`,
    at,
    node,
  );
  for (const record of records) moved(db, record, at, ['released', 'the gateway stopped']);
  return records.length;
}

export const cutTasks = (db: Database, node: string | null, now: number): TaskRow[] =>
  db
    .all<TaskRecord>(
      `SELECT * FROM tasks WHERE state = 'running' AND (node <> ? OR lease_until <= ?) ORDER BY lease_until`,
      node,
      now,
    )
    .map(taskFrom);

export function recoverTask(db: Database, { id, fence, node, error, notice, at }: RecoverTask): TaskRow | null {
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET state = CASE WHEN ?1 IS NULL THEN 'queued' ELSE 'failed' END, ready = 0, crashes = crashes + 1,
       node = NULL, lease_until = NULL, updated_at = ?2, finished_at = CASE WHEN ?1 IS NULL THEN finished_at ELSE ?2 END,
       error = COALESCE(?1, error)
     WHERE id = ?3 AND fence = ?4 AND state = 'running' AND (node <> ?5 OR lease_until <= ?2) RETURNING *`,
    toJson(error),
    at,
    id,
    fence,
    node,
  );
  if (record === null) return null;
  const told: [TaskEventKind, string] = ['crashed', `in attempt ${record.attempts}`];
  if (error === null) return moved(db, record, at, told);
  if (record.job_id !== null) {
    pauseCrashed(db, record.job_id, at);
    cancelRunsOf(db, record.job_id, at);
  }
  return moved(db, record, at, told, ['failed', error.code], ...sendOff(db, notice).delivered);
}

export const taskSteps = (db: Database, id: string): TaskStep[] =>
  db
    .all<{ id: string; state: string; at: number; error: string | null; result: string | null }>(
      'SELECT id, state, at, error, result FROM task_steps WHERE task = (SELECT seq FROM tasks WHERE id = ?) ORDER BY n',
      id,
    )
    .map((record) => ({
      id: record.id,
      state: record.state as TaskStep['state'],
      result: fromJson<TaskStep['result']>(record.result),
      error: fromJson<ErrorData>(record.error),
      at: record.at,
    }));

export function saveTaskStep(db: Database, id: string, fence: number, step: TaskStep): boolean {
  // What a task that was cancelled did, or still did, is undone after its end.
  const task = db.get<{ seq: number; owner: string }>(
    `SELECT seq, owner FROM tasks WHERE id = ? AND fence = ? AND state IN ('running', 'cancelled')`,
    id,
    fence,
  );
  if (task === null) return false;
  db.run(
    `INSERT INTO task_steps (task, id, n, owner, state, at, error, result)
     VALUES (?1, ?2, (SELECT COALESCE(MAX(n), 0) + 1 FROM task_steps WHERE task = ?1), ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT (task, id) DO UPDATE SET state = excluded.state, at = excluded.at, error = excluded.error,
       result = excluded.result`,
    task.seq,
    step.id,
    task.owner,
    step.state,
    step.at,
    toJson(step.error),
    toJson(step.result),
  );
  tell(db, task, step.at, 'step', `${step.id}: ${step.state.replace('_', ' ')}`);
  return true;
}
