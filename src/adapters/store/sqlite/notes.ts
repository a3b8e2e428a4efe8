import type { JsonObject } from '../../../core/message.ts';
import { searchText, similarTitles, titleKey } from '../../../core/notes.ts';
import type { NoteKey, NoteRow, NoteToSave } from '../../../core/ports/notes-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import { type Database, toJson } from './database.ts';
import { badCursor, cursorText, page, readCursor } from './paging.ts';

interface NoteRecord {
  seq: number;
  id: string;
  owner: string;
  title: string;
  text: string;
  metadata: string;
  source: string;
  outside: string | null;
  created_at: number;
  updated_at: number;
  expires_at: number | null;
}

const columns = 'seq, id, owner, title, text, metadata, source, outside, created_at, updated_at, expires_at';
const alive = '(expires_at IS NULL OR expires_at > ?)';

const noteFrom = (record: NoteRecord): NoteRow => ({
  id: record.id,
  owner: record.owner,
  title: record.title,
  text: record.text,
  metadata: JSON.parse(record.metadata) as JsonObject,
  source: record.source,
  outside: record.outside,
  createdAt: record.created_at,
  updatedAt: record.updated_at,
  expiresAt: record.expires_at,
});

const byKey = (db: Database, owner: string, key: string, now: number): NoteRecord | null =>
  db.get<NoteRecord>(`SELECT ${columns} FROM notes WHERE owner = ? AND title_key = ? AND ${alive}`, owner, key, now);

export function saveNote(
  db: Database,
  note: NoteToSave,
  limits: { notes: number; bytes: number },
): { note: NoteRow; created: boolean } | null {
  const { id, owner, title, text, metadata, source, outside, expiresAt, at } = note;
  const key = titleKey(title);
  // What has expired is gone, also when housekeeping has not come by yet.
  db.run('DELETE FROM notes WHERE owner = ? AND title_key = ? AND expires_at <= ?', owner, key, at);
  const before = byKey(db, owner, key, at);
  const others = db.get<{ n: number; bytes: number | null }>(
    `SELECT COUNT(*) AS n, SUM(octet_length(text)) AS bytes FROM notes WHERE owner = ? AND title_key <> ? AND ${alive}`,
    owner,
    key,
    at,
  );
  if (before === null && (others?.n ?? 0) >= limits.notes) return null;
  if ((others?.bytes ?? 0) + Buffer.byteLength(text) > limits.bytes) return null;
  db.run(
    `INSERT INTO notes (id, owner, title, title_key, title_words, text, text_words, metadata, source, outside,
       created_at, updated_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (owner, title_key) DO UPDATE SET title = excluded.title, title_words = excluded.title_words,
       text = excluded.text, text_words = excluded.text_words, metadata = excluded.metadata,
       source = excluded.source, outside = excluded.outside, updated_at = excluded.updated_at,
       expires_at = excluded.expires_at`,
    id,
    owner,
    title,
    key,
    searchText(title),
    text,
    searchText(text),
    toJson(metadata) ?? before?.metadata ?? '{}',
    source,
    outside,
    at,
    at,
    expiresAt === undefined ? (before?.expires_at ?? null) : expiresAt,
  );
  const saved = byKey(db, owner, key, at);
  if (saved === null) throw new Error('a note was saved, but it is not there');
  return { note: noteFrom(saved), created: before === null };
}

export function note(
  db: Database,
  owner: string,
  key: NoteKey,
  now: number,
): { note: NoteRow | null; suggestions: string[] } {
  const record =
    'id' in key
      ? db.get<NoteRecord>(`SELECT ${columns} FROM notes WHERE owner = ? AND id = ? AND ${alive}`, owner, key.id, now)
      : byKey(db, owner, titleKey(key.title), now);
  if (record !== null) return { note: noteFrom(record), suggestions: [] };
  if ('id' in key) return { note: null, suggestions: [] };
  const titles = db.all<{ title: string }>(`SELECT title FROM notes WHERE owner = ? AND ${alive}`, owner, now);
  return {
    note: null,
    suggestions: similarTitles(
      key.title,
      titles.map(({ title }) => title),
    ),
  };
}

/**
 * Each word counts most for being there at all, then for being in the title, then for beginning a word. Ranks shift as
 * notes do, so a page is told by how many were before it.
 */
export function searchNotes(
  db: Database,
  owner: string,
  words: readonly string[],
  now: number,
  options: ListOptions,
): Listed<NoteRow> {
  const [skipped] = readCursor<[number]>(options.cursor) ?? [0];
  if (!Number.isSafeInteger(skipped)) throw badCursor();
  const records = db.all<NoteRecord>(
    `SELECT * FROM (
       SELECT ${columns}, (
         SELECT SUM(CASE WHEN instr(text_words, value) = 0 THEN (instr(title_words, value) > 0) * 8
             WHEN instr(text_words, ' ' || value) = 0 THEN 8 ELSE 9 END
           + (instr(title_words, value) > 0) * 3 + (instr(title_words, ' ' || value) > 0) * 2)
         FROM json_each(?)) AS rank
       FROM notes WHERE owner = ? AND ${alive})
     WHERE rank > 0 ORDER BY rank DESC, updated_at DESC, seq DESC LIMIT ? OFFSET ?`,
    toJson(words),
    owner,
    now,
    options.limit + 1,
    skipped,
  );
  return page(records, options.limit, noteFrom, () => cursorText([skipped + options.limit]));
}

export function listNotes(db: Database, owner: string, now: number, options: ListOptions): Listed<NoteRow> {
  const [updatedAt, seq] = readCursor<[number, number]>(options.cursor) ?? [Number.MAX_SAFE_INTEGER, 0];
  if (!Number.isSafeInteger(updatedAt) || !Number.isSafeInteger(seq)) throw badCursor();
  const records = db.all<NoteRecord>(
    `SELECT ${columns} FROM notes WHERE owner = ? AND ${alive} AND (updated_at, seq) < (?, ?)
     ORDER BY updated_at DESC, seq DESC LIMIT ?`,
    owner,
    now,
    updatedAt,
    seq,
    options.limit + 1,
  );
  return page(records, options.limit, noteFrom, (last) => cursorText([last.updated_at, last.seq]));
}

export const deleteNote = (db: Database, owner: string, id: string): boolean =>
  db.run('DELETE FROM notes WHERE owner = ? AND id = ?', owner, id) > 0;

export const deleteNotes = (db: Database, owner: string): number => db.run('DELETE FROM notes WHERE owner = ?', owner);

/** A person became another one. A title that both have used tells the notes apart by the id of the one that comes. */
export function moveNotes(db: Database, from: string, to: string): void {
  db.run(
    `UPDATE notes SET owner = ?1 WHERE owner = ?2
       AND title_key NOT IN (SELECT title_key FROM notes WHERE owner = ?1)`,
    to,
    from,
  );
  db.run(
    `UPDATE notes SET owner = ?, title = title || ' ' || id, title_key = title_key || ' ' || id WHERE owner = ?`,
    to,
    from,
  );
}

/** Whether there may be more. */
export const removeExpiredNotes = (db: Database, { at, batch }: { at: number; batch: number }): boolean =>
  db.run(
    'DELETE FROM notes WHERE seq IN (SELECT seq FROM notes WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    at,
    batch,
  ) === batch;
