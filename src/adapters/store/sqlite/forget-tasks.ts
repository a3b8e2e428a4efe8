/** Housekeeping of jobs and tasks: what is over for long enough goes, a bounded step at a time. */
import { jobChannel } from '../../../core/session-key.ts';
import type { Database } from './database.ts';
import { deleteSession } from './sessions.ts';

/** Who asked the agent something, and the session in which that stands. */
interface Asker {
  id: string;
  session: string;
}

const sessionOf = (id: string): string => `'${jobChannel}:' || owner || ':' || ${id} AS session`;

export function forgetTasks(db: Database, before: number, silentBefore: number, batch: number): boolean {
  const ended = seqsOf(db, 'SELECT seq FROM tasks WHERE finished_at < ? ORDER BY finished_at LIMIT ?', before, batch);
  const silent = seqsOf(
    db,
    `SELECT seq FROM tasks WHERE chore = 1 AND state = 'completed' AND created_at < ?
       AND json_extract(result, '$.text') = '' ORDER BY created_at LIMIT ?`,
    silentBefore,
    batch,
  );
  // Of what nobody hears of not even the time is kept.
  db.run(
    `DELETE FROM job_slots WHERE (job, due) IN (
       SELECT j.seq, t.due FROM tasks t JOIN jobs j ON j.id = t.job_id WHERE t.seq IN (SELECT value FROM json_each(?)))`,
    JSON.stringify(silent),
  );
  const tasks = removeTasks(db, [...ended, ...silent]);
  const slots = db.run(
    'DELETE FROM job_slots WHERE (job, due) IN (SELECT job, due FROM job_slots WHERE at < ? ORDER BY at LIMIT ?)',
    before,
    batch,
  );
  // Its slots are as old, and go by themselves.
  const jobs = db.all<Asker>(
    `DELETE FROM jobs WHERE seq IN (
       SELECT seq FROM jobs WHERE chore = 0 AND state = 'finished' AND updated_at < ? AND NOT EXISTS (
         SELECT 1 FROM tasks WHERE job_id = jobs.id AND state IN ('queued', 'running')) LIMIT ?)
     RETURNING id, ${sessionOf('id')}`,
    before,
    batch,
  );
  for (const asker of [...tasks, ...jobs]) forgetSession(db, asker);
  return [ended.length, silent.length, slots, jobs.length].includes(batch);
}

const seqsOf = (db: Database, sql: string, before: number, batch: number): number[] =>
  db.all<{ seq: number }>(sql, before, batch).map(({ seq }) => seq);

function removeTasks(db: Database, seqs: readonly number[]): Asker[] {
  const gone = JSON.stringify(seqs);
  const these = 'IN (SELECT value FROM json_each(?))';
  for (const table of ['task_events', 'task_steps']) db.run(`DELETE FROM ${table} WHERE task ${these}`, gone);
  const asker = 'COALESCE(job_id, id)';
  const removed = db.all<Asker & { chore: number }>(
    `DELETE FROM tasks WHERE seq ${these} RETURNING chore, ${asker} AS id, ${sessionOf(asker)}`,
    gone,
  );
  return removed.filter(({ chore }) => chore === 0);
}

/** With the last that is known of a job, or of a task of no job, goes what it asked: nobody can come back to it. */
function forgetSession(db: Database, { id, session }: Asker): void {
  const known =
    db.get('SELECT 1 FROM jobs WHERE id = ?', id) ?? db.get('SELECT 1 FROM tasks WHERE job_id = ? LIMIT 1', id);
  if (known === null) deleteSession(db, session);
}
