import { textOf, type Part } from '../../../core/message.ts';
import { searchText } from '../../../core/notes.ts';
import type { HistoryFigures, HistoryHit, SessionOf } from '../../../core/ports/history-store.ts';
import type { Database } from './database.ts';
import { type SessionRecord, sessionRecord } from './sessions.ts';

/** Characters of messages that a search looks through at a time: some ten milliseconds. */
const maxRead = 300_000;

/** Null also when it is somebody else's. */
function recordOf(db: Database, { key, owner }: SessionOf): SessionRecord | null {
  const session = sessionRecord(db, key);
  return session === null || (owner !== null && session.owner !== owner) ? null : session;
}

/** The last message that models no longer see; what retention removed counts as such. */
const hiddenUpTo = ({ reset_seq, trimmed_seq }: SessionRecord): number => Math.max(reset_seq, trimmed_seq);

export function historyFigures(db: Database, of: SessionOf): HistoryFigures | null {
  const session = recordOf(db, of);
  if (session === null) return null;
  const hidden = hiddenUpTo(session);
  const oldest = db.get<{ time: number }>(
    'SELECT time FROM messages WHERE session = ? AND seq > ? ORDER BY seq LIMIT 1',
    session.id,
    hidden,
  );
  return {
    kept: session.last_seq - session.trimmed_seq,
    seen: session.last_seq - hidden,
    since: oldest?.time ?? null,
  };
}

export function trimHistory(db: Database, of: SessionOf, keep: number): number {
  const session = recordOf(db, of);
  if (session === null) return 0;
  const working = db.get<{ seq: number | null }>(
    `SELECT MIN(m.seq) AS seq FROM inbox i JOIN messages m ON m.session = ? AND m.id = i.id
     WHERE i.session_key = ? AND i.state = 'running'`,
    session.id,
    session.key,
  );
  const lastOfOthers = (working?.seq ?? session.last_seq + 1) - 1;
  const hidden = hiddenUpTo(session);
  const upTo = Math.max(hidden, lastOfOthers - keep);
  if (upTo === hidden) return 0;
  // A summary of what is out of sight now would show it all the same.
  db.run('UPDATE sessions SET reset_seq = ?, summary_seq = 0 WHERE id = ?', upTo, session.id);
  return upTo - hidden;
}

/** Words are looked for here and not in SQL: case and accents are told from each other by more than ASCII. */
export function searchHistory(
  db: Database,
  of: SessionOf,
  words: readonly string[],
  { limit, scan, before }: { limit: number; scan: number; before?: number },
): { hits: HistoryHit[]; next: number | null } {
  const session = recordOf(db, of);
  if (session === null || words.length === 0) return { hits: [], next: null };
  const records = db.all<{ seq: number; role: string; parts: string; author: string | null; time: number }>(
    `SELECT seq, role, parts, author, time FROM messages WHERE session = ? AND seq > ? AND seq < ?
     ORDER BY seq DESC LIMIT ?`,
    session.id,
    hiddenUpTo(session),
    before ?? Number.MAX_SAFE_INTEGER,
    scan,
  );
  const hits: HistoryHit[] = [];
  let read = 0;
  for (const { seq, role, parts: json, author, time } of records) {
    if (role !== 'user' && role !== 'assistant') continue;
    const parts = JSON.parse(json) as Part[];
    const text = textOf(parts);
    read += text.length;
    const searched = searchText(text);
    const found = words.every((word) => searched.includes(word));
    if (found) hits.push({ seq, role, author, time, text, ...originOf(parts) });
    if (hits.length === limit || read >= maxRead) return { hits, next: seq };
  }
  return { hits, next: records.length === scan ? (records.at(-1)?.seq ?? null) : null };
}

function originOf(parts: readonly Part[]): Pick<HistoryHit, 'by' | 'outside'> {
  const texts = parts.filter((part) => part.type === 'text');
  return {
    by: texts.find(({ by }) => by !== undefined)?.by ?? null,
    outside: texts.find(({ outside }) => outside !== undefined)?.outside ?? null,
  };
}
