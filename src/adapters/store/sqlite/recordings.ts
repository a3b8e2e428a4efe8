import type { JsonObject } from '../../../core/message.ts';
import type { RecordingRow, RecordingStore } from '../../../core/ports/recording-store.ts';
import { type Database, toJson } from './database.ts';
import { historyOf } from './messages.ts';
import { sessionRecord } from './sessions.ts';
import { summaryOf } from './summaries.ts';

/** The recording of a run that was tried again takes the place of the one before as a whole. */
export function saveRecording(db: Database, rows: RecordingRow[]): void {
  const [first] = rows;
  if (first !== undefined) db.run('DELETE FROM recordings WHERE run_id = ? AND n >= ?', first.runId, rows.length);
  for (const { runId, n, owner, sessionKey, data, at } of rows) {
    db.run(
      `INSERT INTO recordings (run_id, n, owner, session_key, data, at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (run_id, n) DO UPDATE SET data = excluded.data, at = excluded.at`,
      runId,
      n,
      owner,
      sessionKey,
      toJson(data),
      at,
    );
  }
}

export const recording = (db: Database, runId: string, owner: string | null): RecordingRow[] =>
  db
    .all<{ n: number; owner: string; session_key: string; data: string; at: number }>(
      'SELECT n, owner, session_key, data, at FROM recordings WHERE run_id = ? AND (? IS NULL OR owner = ?) ORDER BY n',
      runId,
      owner,
      owner,
    )
    .map(({ session_key, data, ...row }) => ({
      ...row,
      runId,
      sessionKey: session_key,
      data: JSON.parse(data) as JsonObject,
    }));

export function sessionHistory(
  db: Database,
  key: string,
  owner: string | null,
  { turns, messages }: Parameters<RecordingStore['sessionHistory']>[2],
): Awaited<ReturnType<RecordingStore['sessionHistory']>> {
  const session = sessionRecord(db, key);
  if (session === null || (owner !== null && session.owner !== owner)) return null;
  return { history: historyOf(db, session, turns, messages), summary: summaryOf(db, session) };
}
