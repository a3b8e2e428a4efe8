import type { Firing, JobRow, SlotRow, TaskRow } from '../../../core/ports/schedule-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/store.ts';
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
  const prepared = firing.tasks.values();
  for (const slot of firing.slots) {
    const task = slot.state === 'fired' ? prepared.next().value : null;
    if (task === undefined) throw new Error('a slot that fired has no task');
    const row: SlotRow = { ...slot, jobId, owner: job.owner, taskId: task?.id ?? null, at };
    const inserted = task === null ? insertMissed(db, job.seq, row) : insertFired(db, job.seq, row);
    if (inserted === null) continue;
    slots.push(inserted);
    if (task !== null) tasks.push(insertTask(db, task));
  }
  const missed = slots.reduce((sum, { state, count }) => sum + (state === 'missed' ? count : 0), 0);
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

/** What was missed while the clock was ahead may fire now that it was set back; what fired does not fire again. */
function insertFired(db: Database, job: number, slot: SlotRow): SlotRow | null {
  if (insertSlot(db, job, slot)) return slot;
  const { due } = slot;
  const missed = db.get<Pick<SlotRow, 'until' | 'count' | 'at'>>(
    `DELETE FROM job_slots WHERE job = ? AND due = ? AND state = 'missed' RETURNING until, count, at`,
    job,
    due,
  );
  if (missed === null) return null;
  insertSlot(db, job, slot);
  const rest: SlotRow = { ...slot, ...missed, due: due + 1, count: missed.count - 1, state: 'missed', taskId: null };
  if (rest.count > 0) saveMissed(db, job, rest);
  return slot;
}

/** What fired among them already was not missed. */
function insertMissed(db: Database, job: number, slot: SlotRow): SlotRow | null {
  const fired = db.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM job_slots WHERE job = ? AND due BETWEEN ? AND ? AND state = 'fired'`,
    job,
    slot.due,
    slot.until,
  );
  const count = slot.count - (fired?.n ?? 0);
  return count > 0 ? saveMissed(db, job, { ...slot, count }) : null;
}

/** At the first of them, or right behind what fired there; what was missed there before becomes one with it. */
function saveMissed(db: Database, job: number, slot: SlotRow): SlotRow {
  const row = { ...slot };
  while (
    !insertSlot(
      db,
      job,
      row,
      `DO UPDATE SET until = MAX(until, excluded.until), count = MAX(count, excluded.count) WHERE state = 'missed'`,
    )
  )
    row.due += 1;
  return row;
}

const insertSlot = (db: Database, job: number, slot: SlotRow, conflict = 'DO NOTHING'): boolean =>
  db.run(
    `INSERT INTO job_slots (job, due, owner, until, count, state, task_id, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (job, due) ${conflict}`,
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
