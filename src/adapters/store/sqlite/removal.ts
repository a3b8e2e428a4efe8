/** How rows go: one by one, by their key, so that no one waits long behind it. */
import type { RowKeys } from '../../../core/ports/rights-store.ts';
import type { Database } from './database.ts';
import { keyOf } from './owned.ts';

/** The tables are those of our own schema; the statement is not kept, as this is seldom. */
export function removeRow(db: Database, table: string, key: readonly (string | number)[]): void {
  const columns = keyOf(db, table);
  db.once(`DELETE FROM ${table} WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')}`, ...key);
}

/** What a channel's retention has outlived. */
export function expireRows(db: Database, { table, keys }: RowKeys): void {
  for (const [first = 0, seq = 0] of keys) {
    if (table === 'messages') expireMessage(db, first, seq);
    else if (table === 'runs') expireRun(db, first);
    else if (table === 'outbox') expireOutbound(db, first);
    else if (table === 'inbox') expireInbound(db, first);
    else throw new Error(`"${table}" has no retention`);
  }
}

/** Messages go from the oldest on, and the session knows where its history begins. A summary goes with the newest it tells of. */
function expireMessage(db: Database, session: string | number, seq: string | number): void {
  removeRow(db, 'messages', [session, seq]);
  db.run('UPDATE sessions SET trimmed_seq = ? WHERE id = ? AND trimmed_seq < ?', seq, session, seq);
  if (db.run('DELETE FROM summaries WHERE session = ? AND seq <= ?', session, seq) === 0) return;
  db.run('UPDATE sessions SET summary_seq = 0 WHERE id = ?', session);
}

function expireRun(db: Database, id: string | number): void {
  db.run('DELETE FROM journal WHERE run_id = ?', id);
  db.once('DELETE FROM attempts WHERE run_id = ?', id);
  removeRow(db, 'runs', [id]);
}

function expireOutbound(db: Database, seq: string | number): void {
  db.once('DELETE FROM feedback WHERE outbox_id = (SELECT id FROM outbox WHERE seq = ?)', seq);
  removeRow(db, 'outbox', [seq]);
}

/** While its idempotency key is remembered the row stays, without what was said. */
function expireInbound(db: Database, seq: string | number): void {
  db.once(`UPDATE inbox SET text = '', attachments = '[]' WHERE seq = ? AND body_hash IS NOT NULL`, seq);
  db.once('DELETE FROM inbox WHERE seq = ? AND body_hash IS NULL', seq);
}

export const unknownFiles = (db: Database, ids: string[]): string[] => {
  const known = new Set(
    db
      .all<{ id: string }>('SELECT id FROM files WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids))
      .map(({ id }) => id),
  );
  return ids.filter((id) => !known.has(id));
};

export function forgetFiles(db: Database, ids: string[]): void {
  db.run('DELETE FROM files WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
}
