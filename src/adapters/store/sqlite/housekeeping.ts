import { monthOf } from '../../../core/budget.ts';
import type { Store } from '../../../core/ports/store.ts';
import { tidyApprovals } from './approvals.ts';
import type { Database } from './database.ts';
import { removeExpiredNotes } from './notes.ts';
import { closeStale } from './sessions.ts';

type Limits = Parameters<Store['maintain']>[0];

/** Every step touches at most `batch` rows, so that no one waits long behind housekeeping. */
export function maintain(db: Database, limits: Limits): boolean {
  const steps = [
    releaseKeys,
    removePassing,
    forgetRefusals,
    forgetCodes,
    forgetRecordings,
    tidyApprovals,
    removeExpiredNotes,
    closeIdleSessions,
    trimHistories,
    forgetSpent,
    purge,
  ];
  return steps.map((step) => step(db, limits)).some((more) => more);
}

/** The row stays for its trace; only its key is free to be used anew. */
const releaseKeys = (db: Database, { keysBefore, batch }: Limits): boolean =>
  db.run(
    `UPDATE inbox SET dedupe = 'released:' || id, body_hash = NULL WHERE seq IN (
       SELECT seq FROM inbox WHERE body_hash IS NOT NULL AND received_at < ? AND state NOT IN ('queued', 'running')
       ORDER BY received_at LIMIT ?)`,
    keysBefore,
    batch,
  ) === batch;

const removePassing = (db: Database, { refusedBefore, batch }: Limits): boolean =>
  db.run(
    `DELETE FROM inbox WHERE seq IN (
       SELECT seq FROM inbox WHERE state IN ('refused', 'handled') AND received_at < ? ORDER BY received_at LIMIT ?)`,
    refusedBefore,
    batch,
  ) === batch;

const forgetRefusals = (db: Database, { refusedBefore, batch }: Limits): boolean =>
  db.run(
    `DELETE FROM refusals WHERE (channel, account, sender, chat) IN (
       SELECT channel, account, sender, chat FROM refusals WHERE last_at < ? ORDER BY last_at LIMIT ?)`,
    refusedBefore,
    batch,
  ) === batch;

/** Who was let in stays in: admissions are rows of their own. */
const forgetCodes = (db: Database, { refusedBefore, batch }: Limits): boolean =>
  db.run(
    'DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE expires_at < ? ORDER BY expires_at LIMIT ?)',
    refusedBefore,
    batch,
  ) === batch;

const forgetRecordings = (db: Database, { refusedBefore, batch }: Limits): boolean =>
  db.run(
    `DELETE FROM recordings WHERE (run_id, n) IN (SELECT run_id, n FROM recordings WHERE at < ? ORDER BY at LIMIT ?)`,
    refusedBefore,
    batch,
  ) === batch;

const closeIdleSessions = (db: Database, { sessionsBefore, batch }: Limits): boolean =>
  sessionsBefore !== null && closeStale(db, sessionsBefore, null, batch) === batch;

function trimHistories(db: Database, { maxMessages, batch }: Limits): boolean {
  if (maxMessages === null) return false;
  const long = db.get<{ id: number; last_seq: number; trimmed_seq: number }>(
    'SELECT id, last_seq, trimmed_seq FROM sessions WHERE last_seq - trimmed_seq > ? LIMIT 1',
    maxMessages,
  );
  if (long === null) return false;
  const upTo = Math.min(long.last_seq - maxMessages, long.trimmed_seq + batch);
  db.run('DELETE FROM messages WHERE session = ? AND seq <= ?', long.id, upTo);
  db.run('UPDATE sessions SET trimmed_seq = ? WHERE id = ?', upTo, long.id);
  return true;
}

/** Sums of months that are over; those of the ledger stay. */
const forgetSpent = (db: Database, { keysBefore, batch }: Limits): boolean =>
  db.run(
    `DELETE FROM budget_spent WHERE (period, account) IN (
       SELECT period, account FROM budget_spent WHERE period < ? ORDER BY period LIMIT ?)`,
    monthOf(keysBefore),
    batch,
  ) === batch;

/** What a deleted session left behind: first its messages, then the journals of its runs, then the texts of its inbox. */
function purge(db: Database, { batch }: Limits): boolean {
  const left = db.get<{ session: number; session_key: string; inbox_seq: number }>('SELECT * FROM purges LIMIT 1');
  if (left === null) return false;
  const removed =
    db.run(
      'DELETE FROM messages WHERE session = ? AND seq IN (SELECT seq FROM messages WHERE session = ? ORDER BY seq LIMIT ?)',
      left.session,
      left.session,
      batch,
    ) ||
    db.run(
      `DELETE FROM journal WHERE run_id IN (
         SELECT r.id FROM journal j JOIN runs r ON r.id = j.run_id
         WHERE j.session = ? AND r.state <> 'running' LIMIT ?)`,
      left.session,
      batch,
    ) ||
    db.run(
      `UPDATE inbox SET text = '', attachments = '[]' WHERE seq IN (
         SELECT seq FROM inbox WHERE session_key = ? AND seq <= ? AND state NOT IN ('queued', 'running')
           AND (text <> '' OR attachments <> '[]') ORDER BY seq LIMIT ?)`,
      left.session_key,
      left.inbox_seq,
      batch,
    );
  if (removed === 0) db.run('DELETE FROM purges WHERE session = ?', left.session);
  return true;
}
