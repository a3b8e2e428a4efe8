import type { Message, Part, Role } from '../../../core/message.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { NewMessage } from '../../../core/ports/session-store.ts';
import { type Database, toJson } from './database.ts';
import { badCursor, cursorText, page, readCursor } from './paging.ts';
import { type SessionRecord, sessionRecord } from './sessions.ts';

interface MessageRecord {
  id: string;
  seq: number;
  role: string;
  parts: string;
  author: string | null;
  run_id: string | null;
  time: number;
}

const messageFrom = (record: MessageRecord, sessionKey: string): Message => ({
  id: record.id,
  sessionKey,
  seq: record.seq,
  role: record.role as Role,
  parts: JSON.parse(record.parts) as Part[],
  author: record.author,
  runId: record.run_id,
  time: record.time,
});

/**
 * Adds to the end of a history and counts `last_seq` of the record up; who appends stores that number with what else it
 * changes in the session. A message that is there already is returned as stored.
 */
export function appendMessage(
  db: Database,
  session: SessionRecord,
  runId: string | null,
  message: NewMessage,
): Message {
  const seq = session.last_seq + 1;
  const parts = toJson(message.parts);
  const { id, role, author, time } = message;
  const inserted = db.run(
    `INSERT INTO messages (session, seq, id, owner, role, parts, author, run_id, time)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session, id) DO NOTHING`,
    session.id,
    seq,
    id,
    session.owner,
    role,
    parts,
    author,
    runId,
    time,
  );
  if (inserted === 0) {
    const stored = db.get<MessageRecord>('SELECT * FROM messages WHERE session = ? AND id = ?', session.id, id);
    if (stored === null) throw new Error('a message was refused as known, but it is not there');
    return messageFrom(stored, session.key);
  }
  session.last_seq = seq;
  return { id, sessionKey: session.key, seq, role, parts: message.parts, author, runId, time };
}

/** What a model may see after the last reset, oldest first: from the `turns`-th newest message of the user on, at most `limit`. */
export const historyOf = (db: Database, session: SessionRecord, turns: number, limit: number): Message[] =>
  db
    .all<MessageRecord>(
      `SELECT id, seq, role, parts, author, run_id, time FROM messages
       WHERE session = ?1 AND seq > ?2 AND seq >= COALESCE((SELECT seq FROM messages
         WHERE session = ?1 AND seq > ?2 AND role = 'user' ORDER BY seq DESC LIMIT 1 OFFSET ?3), 0)
       ORDER BY seq DESC LIMIT ?4`,
      session.id,
      Math.max(session.reset_seq, session.summary_seq),
      turns - 1,
      limit,
    )
    .reverse()
    .map((record) => messageFrom(record, session.key));

/** Null when it is not there, or its session was deleted. */
export function messageOf(db: Database, sessionId: number, messageId: string): Message | null {
  const record = db.get<MessageRecord & { key: string }>(
    `SELECT m.*, s.key FROM messages m JOIN sessions s ON s.id = m.session WHERE m.session = ? AND m.id = ?`,
    sessionId,
    messageId,
  );
  return record === null ? null : messageFrom(record, record.key);
}

/** The messages of the model in a run that ended with `replyId`, oldest first; empty when the session was deleted. */
export function saidUntil(db: Database, sessionId: number, runId: string, replyId: string): Message[] {
  const reply = messageOf(db, sessionId, replyId);
  if (reply === null) return [];
  return db
    .all<MessageRecord>(
      `SELECT id, seq, role, parts, author, run_id, time FROM messages
       WHERE session = ?1 AND seq <= ?2 AND run_id = ?3 AND role = 'assistant'
         AND seq > COALESCE((SELECT MAX(seq) FROM messages WHERE session = ?1 AND seq < ?2
           AND (run_id IS NULL OR run_id <> ?3)), 0)
       ORDER BY seq`,
      sessionId,
      reply.seq,
      runId,
    )
    .map((record) => messageFrom(record, reply.sessionKey));
}

/** `before` is the `seq` or the id of a message: the page ends right before it. */
export function listMessages(db: Database, key: string, options: ListOptions & { before?: string }): Listed<Message> {
  const session = sessionRecord(db, key);
  if (session === null) return { items: [], nextCursor: null };
  const next = (last: { seq: number }): string => cursorText([last.seq]);
  if (options.before !== undefined) {
    const end = seqOf(db, session, options.before);
    const items = db
      .all<MessageRecord>(
        'SELECT * FROM messages WHERE session = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
        session.id,
        end,
        options.limit,
      )
      .reverse()
      .map((record) => messageFrom(record, key));
    const last = items.at(-1);
    return { items, nextCursor: last !== undefined && last.seq < session.last_seq ? next(last) : null };
  }
  const [after] = readCursor<[number]>(options.cursor) ?? [0];
  const records = db.all<MessageRecord>(
    'SELECT * FROM messages WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?',
    session.id,
    after,
    options.limit + 1,
  );
  return page(records, options.limit, (record) => messageFrom(record, key), next);
}

function seqOf(db: Database, session: SessionRecord, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const found = db.get<{ seq: number }>('SELECT seq FROM messages WHERE session = ? AND id = ?', session.id, text);
  if (found === null) throw badCursor();
  return found.seq;
}
