import type { Firing, JobRow, SlotRow, TaskRow } from '../../../core/ports/schedule-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { DecidedSlot } from '../../../core/schedule.ts';
import type { Database } from './database.ts';
import { jobFrom, type JobRecord, over, withoutMemory } from './jobs.ts';
import { cursorText, page, readCursor } from './paging.ts';
import { insertTask } from './tasks.ts';

interface SlotRecord {
  due: number;
  owner: string;
  until: number;
  count: number;
  state: string;
  task_id: string | null;
  at: number;
}

const slotFrom = (record: SlotRecord, jobId: string): SlotRow => ({
  jobId,
  owner: record.owner,
  due: record.due,
  until: record.until,
  count: record.count,
  state: record.state as DecidedSlot['state'],
  taskId: record.task_id,
  at: record.at,
});

export const dueJobs = (db: Database, now: number, limit: number): JobRow[] =>
  db
    .all<JobRecord>(
      `SELECT ${withoutMemory} FROM jobs WHERE state = 'active' AND next_at <= ? ORDER BY next_at, seq LIMIT ?`,
      now,
      limit,
    )
    .map(jobFrom);

export const nextDue = (db: Database): number | null =>
  db.get<{ next_at: number }>(
    `SELECT next_at FROM jobs WHERE state = 'active' AND next_at IS NOT NULL ORDER BY next_at, seq LIMIT 1`,
  )?.next_at ?? null;

export const aheadJobs = (db: Database, now: number, limit: number): JobRow[] =>
  db
    .all<JobRecord>(
      `SELECT ${withoutMemory} FROM jobs WHERE state = 'active' AND decided_at > ? ORDER BY decided_at LIMIT ?`,
      now,
      limit,
    )
    .map(jobFrom);

export function fire(db: Database, firing: Firing): { slots: SlotRow[]; tasks: TaskRow[] } | null {
  const { jobId, revision, dueAt, nextAt, at } = firing;
  const job = db.get<{ seq: number; owner: string }>(
    `SELECT seq, owner FROM jobs WHERE id = ? AND state = 'active' AND revision = ? AND next_at = ?`,
    jobId,
    revision,
    dueAt,
  );
  if (job === null) return null;
  const slots: SlotRow[] = [];
  const tasks: TaskRow[] = [];
  let missed = 0;
  const prepared = firing.tasks.values();
  let room = firing.tasks.length === 0 ? 0 : firing.maxWaiting - waitingOf(db, jobId, firing.maxWaiting);
  for (const slot of firing.slots) {
    const made = slot.state === 'fired' ? prepared.next().value : null;
    if (made === undefined) throw new Error('a slot that fired has no task');
    const task = room > 0 ? made : null;
    if (task !== null) room -= 1;
    const state = task === null ? 'missed' : 'fired';
    const row: SlotRow = { ...slot, state, jobId, owner: job.owner, taskId: task?.id ?? null, at };
    const kept = task === null ? keepMissed(db, job.seq, row) : keepFired(db, job.seq, row);
    if (kept === null) continue;
    missed += kept.missed;
    slots.push(kept.slot);
    if (task !== null) tasks.push(insertTask(db, task));
  }
  db.run(
    `UPDATE jobs SET runs = runs + ?1, missed_runs = missed_runs + ?2, next_at = ?3, revision = revision + 1,
       state = CASE WHEN ?3 IS NULL THEN 'finished' ELSE state END, reason = CASE WHEN ?3 IS NULL THEN '${over}' END,
       last_fired_at = CASE WHEN ?1 > 0 THEN ?4 ELSE last_fired_at END, decided_at = ?4, updated_at = ?4
     WHERE seq = ?5`,
    tasks.length,
    missed,
    nextAt,
    at,
    job.seq,
  );
  return { slots, tasks };
}

const waitingOf = (db: Database, jobId: string, most: number): number =>
  db.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM (SELECT 1 FROM tasks WHERE job_id = ? AND state = 'queued' LIMIT ?)`,
    jobId,
    most,
  )?.n ?? 0;

/** A slot as it is stored, and by how many due times more are missed with it. */
interface Kept {
  slot: SlotRow;
  missed: number;
}

/** What was missed while the clock was ahead may fire now that it was set back; what fired does not fire again. */
function keepFired(db: Database, job: number, slot: SlotRow): Kept | null {
  if (insertSlot(db, job, slot)) return { slot, missed: 0 };
  const { due } = slot;
  const before = db.get<Pick<SlotRow, 'until' | 'count' | 'at'>>(
    `DELETE FROM job_slots WHERE job = ? AND due = ? AND state = 'missed' RETURNING until, count, at`,
    job,
    due,
  );
  if (before === null) return null;
  insertSlot(db, job, slot);
  const rest: SlotRow = { ...slot, ...before, due: due + 1, count: before.count - 1, state: 'missed', taskId: null };
  return { slot, missed: (rest.count > 0 ? putMissed(db, job, rest).missed : 0) - before.count };
}

/**
 * What fired among them already was not missed. Before a clock was set back the job may have had other times: those that
 * fired between these do not hide them.
 */
function keepMissed(db: Database, job: number, slot: SlotRow): Kept | null {
  const fired = db.get<{ n: number; first: number | null; last: number | null }>(
    `SELECT COUNT(*) AS n, MIN(due) AS first, MAX(due) AS last FROM job_slots
     WHERE job = ? AND due BETWEEN ? AND ? AND state = 'fired'`,
    job,
    slot.due,
    slot.until,
  );
  const count = slot.count - (fired?.n ?? 0);
  if (count === 0 && fired?.first === slot.due && fired.last === slot.until) return null;
  return putMissed(db, job, { ...slot, count: Math.max(1, count) });
}

/** At the first of them, or right behind what fired there; with what was missed there before it becomes one. */
function putMissed(db: Database, job: number, slot: SlotRow): Kept {
  const row = { ...slot };
  for (;;) {
    const there = db.get<Pick<SlotRow, 'until' | 'count' | 'state' | 'at'>>(
      'SELECT until, count, state, at FROM job_slots WHERE job = ? AND due = ?',
      job,
      row.due,
    );
    if (there?.state === 'fired') {
      row.due += 1;
      continue;
    }
    if (there !== null) {
      row.until = Math.max(row.until, there.until);
      row.count = Math.max(row.count, there.count);
      // Of a clock that was set back: the last of them was decided about when it had come.
      row.at = Math.max(row.at, there.at);
      db.run('DELETE FROM job_slots WHERE job = ? AND due = ?', job, row.due);
    }
    insertSlot(db, job, row);
    return { slot: row, missed: row.count - (there?.count ?? 0) };
  }
}

const insertSlot = (db: Database, job: number, slot: SlotRow): boolean =>
  db.run(
    `INSERT INTO job_slots (job, due, owner, until, count, state, task_id, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (job, due) DO NOTHING`,
    job,
    slot.due,
    slot.owner,
    slot.until,
    slot.count,
    slot.state,
    slot.taskId,
    slot.at,
  ) > 0;

export function slots(db: Database, jobId: string, { limit, cursor }: ListOptions): Listed<SlotRow> {
  const [before] = readCursor<[number]>(cursor) ?? [Number.MAX_SAFE_INTEGER];
  const records = db.all<SlotRecord>(
    `SELECT * FROM job_slots WHERE job = (SELECT seq FROM jobs WHERE id = ?) AND due < ? ORDER BY due DESC LIMIT ?`,
    jobId,
    before,
    limit + 1,
  );
  return page(
    records,
    limit,
    (record) => slotFrom(record, jobId),
    (last) => cursorText([last.due]),
  );
}
