import type { ErrorData } from '../../../core/errors.ts';
import type { Payload, PayloadKind } from '../../../core/payload.ts';
import type { NewTask, Origin, TaskFilter, TaskRow, TaskTrigger } from '../../../core/ports/schedule-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import {
  type TaskDelivery,
  type TaskEvent,
  type TaskEventKind,
  type TaskProgress,
  type TaskResult,
  type TaskState,
  taskStates,
  taskTransitions,
} from '../../../core/task.ts';
import { type Database, fromJson } from './database.ts';
import { readCursor } from './paging.ts';
import { choreFlags, listRanges, type RangeKey } from './ranges.ts';

/** Of the story of a task; the oldest go. */
const maxTaskEvents = 500;
const maxDetail = 200;

export interface TaskRecord {
  seq: number;
  id: string;
  owner: string;
  job_id: string | null;
  due: number | null;
  cause: string;
  name: string;
  kind: string;
  state: string;
  run_at: number;
  attempts: number;
  max_attempts: number;
  crashes: number;
  node: string | null;
  lease_until: number | null;
  fence: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  updated_at: number;
  progress: string | null;
  error: string | null;
  deliver: string;
  origin: string;
  payload: string;
  result: string | null;
}

export const taskFrom = (record: TaskRecord): TaskRow => ({
  seq: record.seq,
  id: record.id,
  owner: record.owner,
  jobId: record.job_id,
  due: record.due,
  trigger: record.cause as TaskTrigger,
  name: record.name,
  kind: record.kind as PayloadKind,
  payload: JSON.parse(record.payload) as Payload,
  deliver: JSON.parse(record.deliver) as TaskDelivery,
  origin: JSON.parse(record.origin) as Origin,
  runAt: record.run_at,
  maxAttempts: record.max_attempts,
  state: record.state as TaskState,
  attempts: record.attempts,
  crashes: record.crashes,
  node: record.node,
  leaseUntil: record.lease_until,
  fence: record.fence,
  progress: fromJson<TaskProgress>(record.progress),
  result: fromJson<TaskResult>(record.result),
  error: fromJson<ErrorData>(record.error),
  createdAt: record.created_at,
  startedAt: record.started_at,
  finishedAt: record.finished_at,
  updatedAt: record.updated_at,
});

/** After every change of a task's state: its line goes on, and its story is told. Every such change sets `ready` to 0. */
export function moved(db: Database, record: TaskRecord, at: number, ...told: [TaskEventKind, string][]): TaskRow {
  goOn(db, record);
  for (const [kind, detail] of told) tell(db, record, at, kind, detail);
  return taskFrom(record);
}

/** The task that is first in line is ready: of a job the longest due one, and none while one is running. */
function goOn(db: Database, { seq, job_id: jobId, state }: Pick<TaskRecord, 'seq' | 'job_id' | 'state'>): void {
  if (jobId === null) {
    if (state === 'queued') db.run('UPDATE tasks SET ready = 1 WHERE seq = ?', seq);
    return;
  }
  db.run(`UPDATE tasks SET ready = 0 WHERE job_id = ? AND state = 'queued' AND ready = 1`, jobId);
  if (db.get(`SELECT 1 FROM tasks WHERE job_id = ? AND state = 'running' LIMIT 1`, jobId) !== null) return;
  db.run(
    `UPDATE tasks SET ready = 1 WHERE seq = (SELECT seq FROM tasks WHERE job_id = ? AND state = 'queued' AND ready = 0
       ORDER BY run_at, seq LIMIT 1)`,
    jobId,
  );
}

export function tell(
  db: Database,
  { seq, owner }: Pick<TaskRecord, 'seq' | 'owner'>,
  at: number,
  kind: TaskEventKind,
  detail: string,
): void {
  const n = (db.get<{ n: number | null }>('SELECT MAX(n) AS n FROM task_events WHERE task = ?', seq)?.n ?? 0) + 1;
  db.run(
    'INSERT INTO task_events (task, n, owner, at, kind, detail) VALUES (?, ?, ?, ?, ?, ?)',
    seq,
    n,
    owner,
    at,
    kind,
    detail.slice(0, maxDetail).toWellFormed(),
  );
  if (n > maxTaskEvents) db.run('DELETE FROM task_events WHERE task = ? AND n <= ?', seq, n - maxTaskEvents);
}

const recordOf = (db: Database, id: string): TaskRecord | null =>
  db.get<TaskRecord>('SELECT * FROM tasks WHERE id = ?', id);

export function task(db: Database, id: string, owner: string | null): TaskRow | null {
  const record = recordOf(db, id);
  return record === null || (owner !== null && record.owner !== owner) ? null : taskFrom(record);
}

/** One whose id exists is returned as stored. */
export function insertTask(db: Database, added: NewTask): TaskRow {
  const { payload } = added;
  const record = db.get<TaskRecord>(
    `INSERT INTO tasks (id, owner, job_id, due, cause, name, kind, chore, state, run_at, max_attempts, created_at,
       updated_at, deliver, origin, payload)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9, ?10, ?11, ?11, ?12, ?13, ?14)
     ON CONFLICT (id) DO NOTHING RETURNING *`,
    added.id,
    added.owner,
    added.jobId,
    added.due,
    added.trigger,
    added.name,
    payload.kind,
    payload.kind === 'chore' ? 1 : 0,
    added.runAt,
    added.maxAttempts,
    added.createdAt,
    JSON.stringify(added.deliver),
    JSON.stringify(added.origin),
    JSON.stringify(payload),
  );
  if (record !== null) return moved(db, record, added.createdAt, ['queued', added.trigger]);
  const stored = recordOf(db, added.id);
  if (stored === null) throw new Error('a duplicate was refused, but it is not there');
  return taskFrom(stored);
}

export function addTask(db: Database, added: NewTask, maxOpen: number): TaskRow | null {
  const stored = recordOf(db, added.id);
  if (stored !== null) return taskFrom(stored);
  return added.payload.kind !== 'chore' && openTasks(db, added.owner) >= maxOpen ? null : insertTask(db, added);
}

const openTasks = (db: Database, owner: string): number =>
  db.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM tasks WHERE owner = ? AND chore = 0 AND state IN ('queued', 'running')`,
    owner,
  )?.n ?? 0;

export function listTasks(db: Database, filter: TaskFilter, options: ListOptions): Listed<TaskRow> {
  const states = filter.state === undefined ? taskStates : [filter.state];
  const [at, seq] = readCursor<[number, number]>(options.cursor) ?? [filter.to ?? Number.MAX_SAFE_INTEGER, -1];
  const rest = [at, seq, filter.from ?? 0, options.limit + 1] as const;
  const keys = states.flatMap((state) => keysOf(db, filter, state, rest));
  return listRanges(db, { table: 'tasks', columns: '*', order: 'descending', keys, map: taskFrom }, options);
}

/** A job is of one person, and its tasks are chores or none is. */
function keysOf(
  db: Database,
  { owner, jobId, chores }: TaskFilter,
  state: TaskState,
  rest: readonly [number, number, number, number],
): RangeKey[] {
  const flags = choreFlags(chores);
  const select = 'SELECT created_at AS at, seq FROM tasks WHERE';
  const from = '(created_at, seq) < (?, ?) AND created_at >= ? ORDER BY created_at DESC, seq DESC LIMIT ?';
  if (jobId !== undefined) {
    return db.all<RangeKey>(
      `${select} job_id = ? AND state = ? AND (? IS NULL OR owner = ?) AND chore BETWEEN ? AND ? AND ${from}`,
      jobId,
      state,
      owner,
      owner,
      Math.min(...flags),
      Math.max(...flags),
      ...rest,
    );
  }
  return flags.flatMap((chore) =>
    owner === null
      ? db.all<RangeKey>(`${select} chore = ? AND state = ? AND ${from}`, chore, state, ...rest)
      : db.all<RangeKey>(`${select} owner = ? AND chore = ? AND state = ? AND ${from}`, owner, chore, state, ...rest),
  );
}

export const taskEvents = (db: Database, id: string): TaskEvent[] =>
  db.all<TaskEvent>(
    'SELECT n, at, kind, detail FROM task_events WHERE task = (SELECT seq FROM tasks WHERE id = ?) ORDER BY n',
    id,
  );

/** The states from which a task may come to this one. */
const comingTo = (state: TaskState): string =>
  taskStates
    .filter((from) => taskTransitions[from].includes(state))
    .map((from) => `'${from}'`)
    .join(', ');

const cancelled = `state = 'cancelled', ready = 0, node = NULL, lease_until = NULL, finished_at = ?1, updated_at = ?1`;

export function cancelTask(db: Database, id: string, owner: string | null, reason: string, at: number): TaskRow | null {
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET ${cancelled}
     WHERE id = ?2 AND (?3 IS NULL OR owner = ?3) AND state IN (${comingTo('cancelled')}) RETURNING *`,
    at,
    id,
    owner,
  );
  return record === null ? null : moved(db, record, at, ['cancelled', reason]);
}

/** All that waits of a job that is removed. */
export const cancelQueuedOf = (db: Database, jobId: string, at: number): void =>
  cancelQueued(db, jobId, at, { but: '', reason: 'its job was removed' });

/** Of a job that ends the process: what would do the same work. What only hands a result over stays. */
export const cancelRunsOf = (db: Database, jobId: string, at: number): void =>
  cancelQueued(db, jobId, at, { but: 'task', reason: 'its job crashes' });

function cancelQueued(
  db: Database,
  jobId: string,
  at: number,
  { but, reason }: { but: TaskTrigger | ''; reason: string },
): void {
  const records = db.all<TaskRecord>(
    `UPDATE tasks SET ${cancelled} WHERE job_id = ?2 AND state = 'queued' AND cause <> ?3 RETURNING *`,
    at,
    jobId,
    but,
  );
  for (const record of records) tell(db, record, at, 'cancelled', reason);
}

export function retryTask(db: Database, id: string, owner: string | null, at: number): TaskRow | null {
  const record = db.get<TaskRecord>(
    `UPDATE tasks SET state = 'queued', ready = 0, cleared = 0, attempts = 0, crashes = 0, run_at = ?1, progress = NULL,
       error = NULL, started_at = NULL, finished_at = NULL, updated_at = ?1
     WHERE id = ?2 AND (?3 IS NULL OR owner = ?3) AND state IN ('failed', 'cancelled') RETURNING *`,
    at,
    id,
    owner,
  );
  if (record === null) return null;
  beginStepsAnew(db, record.seq);
  return moved(db, record, at, ['queued', 'again, by hand']);
}

/** What failed or was undone is done anew; what stands as it was done is not. */
function beginStepsAnew(db: Database, seq: number): void {
  db.run(`DELETE FROM task_steps WHERE task = ? AND state IN ('failed', 'undone')`, seq);
  db.run(
    `UPDATE task_steps SET state = CASE state WHEN 'undoing' THEN 'started' ELSE 'done' END, error = NULL
     WHERE task = ? AND state IN ('undoing', 'not_undone')`,
    seq,
  );
}

export function taskCounts(db: Database): { jobs: number; queued: number; running: number; failed: number } {
  const count = (sql: string): number => db.get<{ n: number }>(sql)?.n ?? 0;
  return {
    jobs: count(`SELECT COUNT(*) AS n FROM jobs WHERE chore IN (0, 1) AND state IN ('active', 'paused')`),
    queued: count(`SELECT COUNT(*) AS n FROM tasks WHERE chore IN (0, 1) AND state = 'queued'`),
    running: count(`SELECT COUNT(*) AS n FROM tasks WHERE state = 'running'`),
    failed: count(`SELECT COUNT(*) AS n FROM tasks WHERE state = 'failed' AND cleared = 0`),
  };
}
