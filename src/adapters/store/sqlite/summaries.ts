import type { SummaryRow } from '../../../core/ports/run-store.ts';
import type { Database } from './database.ts';
import { type SessionRecord, sessionRecord } from './sessions.ts';

/** What stands for the older messages of a session; null when there is none, or a new history began since. */
export function summaryOf(db: Database, session: SessionRecord): SummaryRow | null {
  if (session.summary_seq <= session.reset_seq) return null;
  return db.get<SummaryRow>('SELECT seq, text, outside, at FROM summaries WHERE session = ?', session.id);
}

/** A summary of less than there is already, of what was forgotten meanwhile, or of an earlier session of this key, changes nothing. */
export function saveSummary(db: Database, key: string, { seq, text, outside, at }: SummaryRow): void {
  const session = sessionRecord(db, key);
  if (session === null || seq > session.last_seq || seq <= session.reset_seq || seq <= session.summary_seq) return;
  db.run(
    `INSERT INTO summaries (session, owner, seq, text, outside, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (session) DO UPDATE SET owner = excluded.owner, seq = excluded.seq, text = excluded.text,
       outside = excluded.outside, at = excluded.at`,
    session.id,
    session.owner,
    seq,
    text,
    outside,
    at,
  );
  db.run('UPDATE sessions SET summary_seq = ? WHERE id = ?', seq, session.id);
}
