import { notFound } from '../../../core/errors.ts';
import type { FinishRun } from '../../../core/ports/run-store.ts';
import { type Database, toJson } from './database.ts';
import { saveAttempts } from './ledger.ts';
import { appendMessage, messageOf } from './messages.ts';
import { closeStreams, finishStream, planOutbound } from './outbound.ts';
import { type RunRecord, runRecord } from './runs.ts';
import { refreshQueue, saveProgress, type SessionRecord } from './sessions.ts';

/**
 * The end of a run. Said twice, the second time changes nothing and gives the same answer, so a caller that lost the
 * first answer may ask again.
 */
export function finishRun(db: Database, finish: FinishRun): number | null {
  const error = toJson(finish.error);
  const run = db.get<Pick<RunRecord, 'id' | 'session' | 'session_key' | 'message_id'>>(
    `UPDATE runs SET state = ?, model = ?, finish_reason = ?, error = ?, usage = ?, cost = ?, reply_id = ?,
       finished_at = ? WHERE id = ? AND state = 'running' RETURNING id, session, session_key, message_id`,
    finish.state,
    finish.model,
    finish.finishReason,
    error,
    toJson(finish.usage),
    finish.cost,
    finish.replyId,
    finish.at,
    finish.runId,
  );
  if (run === null) return storedReply(db, finish);
  db.run(
    `UPDATE inbox SET state = ?, error = ?, finished_at = ? WHERE id = ? AND state = 'running'`,
    finish.inbox,
    error,
    finish.at,
    run.message_id,
  );
  // A session that was deleted meanwhile takes no more messages; the reply on its way is still delivered.
  const session = db.get<SessionRecord>('SELECT * FROM sessions WHERE id = ?', run.session);
  const messages =
    session === null ? [] : finish.messages.map((message) => appendMessage(db, session, run.id, message));
  for (const row of finish.outbox) if (finishStream(db, row, finish.at) === null) planOutbound(db, [row]);
  closeStreams(db, run.id, finish.at);
  saveAttempts(db, finish.attempts);
  // What it did is in the history now, also when it failed. A run that can be tried again keeps what stands before its
  // first step: a call that a person approved, which is made once.
  if (finish.state === 'finished') db.run('DELETE FROM journal WHERE run_id = ?', run.id);
  else db.run(`DELETE FROM journal WHERE run_id = ? AND NOT (n = 1 AND kind = 'tool')`, run.id);
  if (session === null) refreshQueue(db, run.session_key);
  else saveProgress(db, session);
  return messages.find(({ id }) => id === finish.replyId)?.seq ?? null;
}

function storedReply(db: Database, { runId, replyId }: FinishRun): number | null {
  const run = runRecord(db, runId);
  if (run === null) throw notFound('run');
  return replyId === null ? null : (messageOf(db, run.session, replyId)?.seq ?? null);
}
