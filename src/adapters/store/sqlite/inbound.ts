import type { ErrorData } from '../../../core/errors.ts';
import type { Attachment } from '../../../core/message.ts';
import type { CursorUpdate } from '../../../core/ports/channel.ts';
import type { InboxRow, InboxState, NewInbound } from '../../../core/ports/inbox-store.ts';
import type { RefusedRow } from '../../../core/ports/people-store.ts';
import { conversationFrom, conversationText, type Database, fromJson, toJson } from './database.ts';
import type { Placed } from './placed.ts';
import { openSession } from './sessions.ts';

export interface InboxRecord {
  seq: number;
  id: string;
  run_id: string;
  kind: string;
  channel: string;
  account: string;
  dedupe: string;
  owner: string;
  session_key: string;
  conversation: string | null;
  native: string | null;
  sender: string;
  display: string;
  chat_type: string;
  text: string;
  attachments: string;
  state: string;
  reason: string | null;
  body_hash: string | null;
  agent: string | null;
  model: string | null;
  correlation: string;
  received_at: number;
  starts: number;
  error: string | null;
  finished_at: number | null;
  merged_into: string | null;
  outside: string | null;
}

export const inboxFrom = (record: InboxRecord): InboxRow => ({
  seq: record.seq,
  id: record.id,
  runId: record.run_id,
  kind: record.kind as InboxRow['kind'],
  channel: record.channel,
  account: record.account,
  dedupe: record.dedupe,
  owner: record.owner,
  sessionKey: record.session_key,
  conversation: record.conversation === null ? null : conversationFrom(record.conversation),
  native: record.native,
  sender: { native: record.sender, display: record.display },
  chatType: record.chat_type as InboxRow['chatType'],
  text: record.text,
  attachments: JSON.parse(record.attachments) as Attachment[],
  outside: record.outside,
  state: record.state as InboxState,
  reason: record.reason,
  bodyHash: record.body_hash,
  agent: record.agent,
  model: record.model,
  correlation: record.correlation,
  receivedAt: record.received_at,
  starts: record.starts,
  error: fromJson<ErrorData>(record.error),
  finishedAt: record.finished_at,
});

export function commitInbound(
  db: Database,
  batch: NewInbound[],
  cursor?: CursorUpdate & { channel: string; account: string },
): Placed {
  const rows = batch.map((item) => insertInbound(db, item));
  if (cursor !== undefined) {
    db.run(
      `INSERT INTO cursors (channel, account, key, value) VALUES (?, ?, ?, ?)
       ON CONFLICT (channel, account, key) DO UPDATE SET value = excluded.value`,
      cursor.channel,
      cursor.account,
      cursor.key,
      cursor.value,
    );
  }
  return rows;
}

function insertInbound(db: Database, item: NewInbound): Placed[number] {
  const placed = db.get<{ seq: number }>(
    `INSERT INTO inbox (id, run_id, kind, channel, account, dedupe, owner, session_key, conversation, native, sender,
       display, chat_type, text, attachments, state, reason, body_hash, agent, model, correlation, received_at, outside)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (channel, account, dedupe) DO NOTHING RETURNING seq`,
    item.id,
    item.runId,
    item.kind,
    item.channel,
    item.account,
    item.dedupe,
    item.owner,
    item.sessionKey,
    item.conversation === null ? null : conversationText(item.conversation),
    item.native,
    item.sender.native,
    item.sender.display,
    item.chatType,
    item.text,
    toJson(item.attachments),
    item.state,
    item.reason,
    item.bodyHash,
    item.agent,
    item.model,
    item.correlation,
    item.receivedAt,
    item.outside,
  );
  if (placed === null) {
    const stored = db.get<InboxRecord>(
      'SELECT * FROM inbox WHERE channel = ? AND account = ? AND dedupe = ?',
      item.channel,
      item.account,
      item.dedupe,
    );
    if (stored === null) throw new Error('a duplicate was refused, but it is not there');
    return inboxFrom(stored);
  }
  if (item.state === 'queued') openSession(db, item, item.receivedAt);
  if (item.state === 'refused') countRefusal(db, item);
  return placed.seq;
}

function countRefusal(db: Database, item: NewInbound): void {
  db.run(
    `INSERT INTO refusals (channel, account, sender, chat, display, chat_type, parents, reason, count, last_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)
     ON CONFLICT (channel, account, sender, chat) DO UPDATE SET count = refusals.count + 1,
       last_at = excluded.last_at, display = excluded.display, parents = excluded.parents, reason = excluded.reason`,
    item.channel,
    item.account,
    item.sender.native,
    item.conversation?.native ?? '',
    item.sender.display,
    item.chatType,
    toJson(item.parents ?? []),
    item.reason ?? '',
    item.receivedAt,
  );
}

export const refusedSenders = (db: Database, limit: number): RefusedRow[] =>
  db
    .all<Omit<RefusedRow, 'parents'> & { parents: string }>(
      `SELECT channel, account, sender, display, chat AS conversation, chat_type AS "chatType", parents, reason, count,
         last_at AS "lastAt"
       FROM refusals ORDER BY last_at DESC LIMIT ?`,
      limit,
    )
    .map((record) => ({ ...record, parents: JSON.parse(record.parents) as string[] }));

export const cursors = (db: Database, channel: string, account: string): CursorUpdate[] =>
  db.all<CursorUpdate>(
    'SELECT key, value FROM cursors WHERE channel = ? AND account = ? ORDER BY key',
    channel,
    account,
  );

export function inbound(db: Database, id: string): InboxRow | null {
  const record = db.get<InboxRecord>('SELECT * FROM inbox WHERE id = ?', id);
  return record === null ? null : inboxFrom(record);
}

export function inboundBefore(db: Database, sessionKey: string, id: string): InboxRow | null {
  const record = db.get<InboxRecord>(
    `SELECT * FROM inbox WHERE session_key = ?1 AND kind = 'message'
       AND seq < (SELECT seq FROM inbox WHERE id = ?2) AND sender = (SELECT sender FROM inbox WHERE id = ?2)
       ORDER BY seq DESC LIMIT 1`,
    sessionKey,
    id,
  );
  return record === null ? null : inboxFrom(record);
}

/**
 * It keeps its place: what was asked before is answered before. What was said about the failure is over, and its keys
 * are free for the parts of the new answer.
 */
export function requeueInbound(db: Database, id: string, at: number): InboxRow | null {
  const record = db.get<InboxRecord>(
    `UPDATE inbox SET state = 'queued', starts = 0, error = NULL, finished_at = NULL, cleared = 0
     WHERE id = ? AND state IN ('failed', 'dead') RETURNING *`,
    id,
  );
  if (record === null) return null;
  const row = inboxFrom(record);
  db.run(
    `UPDATE outbox SET idempotency_key = idempotency_key || ':' || id
     WHERE run_id = ? AND idempotency_key = run_id || ':' || part`,
    row.runId,
  );
  openSession(db, row, at);
  return row;
}
