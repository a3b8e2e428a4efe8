import type { ErrorData } from '../../../core/errors.ts';
import { type Database, toJson } from './database.ts';
import { lineOpenStates } from './lines.ts';

const left: ErrorData = {
  kind: 'conflict',
  code: 'restored',
  message:
    'It waited when the backup was made; what became of it after that is not known. Retry it if it is still due.',
  retryable: false,
};

/**
 * What waited in a backup may have been answered, sent or done after it was made, so nothing of it is begun by itself at
 * the moment of the restore: it is a dead letter that a person may retry. What was due once between backup and restore is
 * missed; recurring jobs have their own policy for that. The schema is that of the backup, which can be an older one.
 */
export function settle(db: Database, at: number): void {
  const error = toJson(left);
  db.run(
    `UPDATE runs SET state = 'dead', error = ?, finished_at = ? WHERE state = 'running' AND id IN (
       SELECT run_id FROM inbox WHERE state IN ('queued', 'running'))`,
    error,
    at,
  );
  db.run(`UPDATE inbox SET state = 'dead', error = ?, finished_at = ? WHERE state IN ('queued', 'running')`, error, at);
  db.run('UPDATE sessions SET queued_seq = NULL WHERE queued_seq IS NOT NULL');
  db.run(`UPDATE outbox SET state = 'dead', error = ?, finished_at = ? WHERE ${lineOpenStates}`, left.message, at);
  db.run('UPDATE lines SET due_at = NULL WHERE due_at IS NOT NULL');
  if (db.get(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'tasks'`) !== null)
    settleTasks(db, error, at);
}

function settleTasks(db: Database, error: string | null, at: number): void {
  db.run(
    `UPDATE tasks SET state = CASE chore WHEN 1 THEN 'cancelled' ELSE 'failed' END, error = ?1, finished_at = ?2,
       updated_at = ?2, ready = 0, node = NULL, lease_until = NULL
     WHERE state = 'running' OR state = 'queued' AND (run_at <= ?2 OR chore = 1)`,
    error,
    at,
  );
  // The first that is left in each line can be begun when its time has come.
  db.run(
    `UPDATE tasks SET ready = 1 WHERE state = 'queued' AND NOT EXISTS (
       SELECT 1 FROM tasks o WHERE o.job_id = tasks.job_id AND o.state = 'queued'
         AND (o.run_at, o.seq) < (tasks.run_at, tasks.seq))`,
  );
  const once = `state = 'active' AND next_at <= ? AND json_extract(timing, '$.schedule.type') = 'at'`;
  db.run(
    `INSERT INTO job_slots (job, due, owner, until, count, state, at)
     SELECT seq, next_at, owner, next_at, 1, 'missed', ? FROM jobs WHERE ${once} ON CONFLICT DO NOTHING`,
    at,
    at,
  );
  db.run(
    `UPDATE jobs SET state = 'finished', reason = 'restored', missed_runs = missed_runs + 1, next_at = NULL,
       revision = revision + 1, updated_at = ? WHERE ${once}`,
    at,
    at,
  );
}
