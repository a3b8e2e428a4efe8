import { conversationSessionKey } from '../../../core/session-key.ts';
import type { ConversationRef } from '../../../core/message.ts';
import type { NewInbound } from '../../../core/ports/inbox-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { SessionRow } from '../../../core/ports/session-store.ts';
import { expireApprovals } from './approvals.ts';
import { conversationFrom, conversationText, type Database } from './database.ts';
import { lineOpenStates, refreshLine } from './lines.ts';
import { moveDeliveries } from './moved-jobs.ts';
import { cursorText, page, readCursor } from './paging.ts';

export interface SessionRecord {
  id: number;
  key: string;
  owner: string;
  channel: string;
  account: string;
  conversation: string | null;
  title: string | null;
  agent: string | null;
  model: string | null;
  last_seq: number;
  reset_seq: number;
  trimmed_seq: number;
  summary_seq: number;
  created_at: number;
  last_active_at: number;
}

export const sessionFrom = (record: SessionRecord): SessionRow => ({
  key: record.key,
  owner: record.owner,
  channel: record.channel,
  account: record.account,
  conversation: record.conversation === null ? null : conversationFrom(record.conversation),
  title: record.title,
  agent: record.agent,
  model: record.model,
  messageCount: record.last_seq - record.trimmed_seq,
  createdAt: record.created_at,
  lastActiveAt: record.last_active_at,
});

export const sessionRecord = (db: Database, key: string): SessionRecord | null =>
  db.get<SessionRecord>('SELECT * FROM sessions WHERE key = ?', key);

/** What `queued_seq` of the session with this key has to be. */
const queueOf = (key: string): string =>
  `CASE WHEN EXISTS (SELECT 1 FROM inbox WHERE session_key = ${key} AND state = 'running') THEN NULL
     ELSE (SELECT MIN(seq) FROM inbox WHERE session_key = ${key} AND state = 'queued') END`;

/** Makes the session an inbox row belongs to, or marks it active. */
export function openSession(
  db: Database,
  inbound: Pick<NewInbound, 'sessionKey' | 'owner' | 'channel' | 'account' | 'conversation' | 'agent'>,
  at: number,
): void {
  db.run(
    `INSERT INTO sessions (key, owner, channel, account, conversation, agent, created_at, last_active_at, queued_seq)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ${queueOf('?1')})
     ON CONFLICT (key) DO UPDATE SET queued_seq = excluded.queued_seq, last_active_at =
       CASE WHEN excluded.last_active_at > sessions.last_active_at
         THEN excluded.last_active_at ELSE sessions.last_active_at END`,
    inbound.sessionKey,
    inbound.owner,
    inbound.channel,
    inbound.account,
    inbound.conversation === null ? null : conversationText(inbound.conversation),
    inbound.agent,
    at,
  );
}

/** Brings `queued_seq` of a session up to date; called by whatever moves one of its inbox rows. */
export function refreshQueue(db: Database, key: string): void {
  db.run(`UPDATE sessions SET queued_seq = ${queueOf('sessions.key')} WHERE key = ?`, key);
}

/** Stores what a run has added to its session: the newest message, and what waits in it now. */
export function saveProgress(db: Database, session: SessionRecord): void {
  db.run(
    `UPDATE sessions SET last_seq = ?, queued_seq = ${queueOf('sessions.key')} WHERE id = ?`,
    session.last_seq,
    session.id,
  );
}

export const queuedSessions = (db: Database, limit: number): string[] =>
  db
    .all<{ key: string }>('SELECT key FROM sessions WHERE queued_seq IS NOT NULL ORDER BY queued_seq LIMIT ?', limit)
    .map(({ key }) => key);

/** Most recently active first. */
export function listSessions(db: Database, owner: string | null, options: ListOptions): Listed<SessionRow> {
  const after = readCursor<[number, string]>(options.cursor) ?? [Number.MAX_SAFE_INTEGER, ''];
  const order = 'AND (last_active_at, key) < (?, ?) ORDER BY last_active_at DESC, key DESC LIMIT ?';
  const records =
    owner === null
      ? db.all<SessionRecord>(`SELECT * FROM sessions WHERE TRUE ${order}`, ...after, options.limit + 1)
      : db.all<SessionRecord>(`SELECT * FROM sessions WHERE owner = ? ${order}`, owner, ...after, options.limit + 1);
  return page(records, options.limit, sessionFrom, (last) => cursorText([last.last_active_at, last.key]));
}

export function session(db: Database, key: string, owner: string | null): SessionRow | null {
  const record = sessionRecord(db, key);
  return record === null || (owner !== null && record.owner !== owner) ? null : sessionFrom(record);
}

/** What failed before is no dead letter any more: the question is not part of the new conversation. */
export function resetSession(db: Database, key: string, at: number): void {
  db.run('UPDATE sessions SET reset_seq = last_seq, last_active_at = ? WHERE key = ?', at, key);
  db.run(`UPDATE inbox SET cleared = 1 WHERE session_key = ? AND state = 'dead' AND cleared = 0`, key);
  db.run('DELETE FROM summaries WHERE session = (SELECT id FROM sessions WHERE key = ?)', key);
  expireApprovals(db, key);
}

export function closeStale(db: Database, before: number, owner: string | null, batch: number): number {
  const theirs = owner === null ? [] : [owner];
  return db.run(
    `UPDATE sessions SET reset_seq = last_seq WHERE id IN (
       SELECT id FROM sessions WHERE ${owner === null ? '' : 'owner = ? AND '}last_active_at < ? AND reset_seq < last_seq
         AND queued_seq IS NULL
         AND NOT EXISTS (SELECT 1 FROM inbox WHERE session_key = sessions.key AND state = 'running')
       ORDER BY last_active_at LIMIT ?)`,
    ...theirs,
    before,
    batch,
  );
}

export function setSessionModel(db: Database, key: string, model: string | null): void {
  db.run('UPDATE sessions SET model = ? WHERE key = ?', model, key);
}

/**
 * The session is gone at once and its key is free; housekeeping removes the messages and the texts behind it. What the
 * sums of the ledger count stays counted.
 */
export function deleteSession(db: Database, key: string): void {
  const gone = sessionRecord(db, key);
  if (gone === null) return;
  db.run(
    `UPDATE inbox SET state = 'handled', reason = 'session_deleted' WHERE session_key = ? AND state = 'queued'`,
    key,
  );
  db.run(`UPDATE inbox SET cleared = 1 WHERE session_key = ? AND state = 'dead' AND cleared = 0`, key);
  db.run(
    `INSERT INTO purges (session, session_key, owner, inbox_seq)
     VALUES (?, ?, ?, (SELECT COALESCE(MAX(seq), 0) FROM inbox WHERE session_key = ?))`,
    gone.id,
    key,
    gone.owner,
    key,
  );
  db.run('DELETE FROM approvals WHERE session_key = ?', key);
  db.run('DELETE FROM summaries WHERE session = ?', gone.id);
  db.run('DELETE FROM sessions WHERE id = ?', gone.id);
}

/** A session that exists under the new key already keeps its history; the old one then stays under its own. */
export function moveConversation(db: Database, from: ConversationRef, to: ConversationRef): void {
  const [before, after] = [conversationText(from), conversationText(to)];
  const [oldKey, newKey] = [conversationSessionKey(from), conversationSessionKey(to)];
  if (before === after) return;
  if (sessionRecord(db, newKey) === null) {
    db.run('UPDATE sessions SET key = ?, conversation = ? WHERE key = ?', newKey, after, oldKey);
  }
  db.run(
    `UPDATE inbox SET session_key = ?, conversation = ? WHERE session_key = ? AND state = 'queued'`,
    newKey,
    after,
    oldKey,
  );
  db.run(
    `UPDATE inbox SET session_key = ?, conversation = ? WHERE session_key = ? AND state = 'running'`,
    newKey,
    after,
    oldKey,
  );
  db.run(`UPDATE outbox SET conversation = ? WHERE conversation = ? AND ${lineOpenStates}`, after, before);
  moveDeliveries(db, from, to);
  for (const key of [oldKey, newKey]) refreshQueue(db, key);
  for (const conversation of [from, to]) refreshLine(db, conversation);
}
