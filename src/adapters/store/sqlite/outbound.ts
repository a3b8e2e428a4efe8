import { notFound } from '../../../core/errors.ts';
import type { ConversationRef, OutboundBody } from '../../../core/message.ts';
import type { NewOutbound, OutboxRow, OutboxState, SendRecord } from '../../../core/ports/outbox-store.ts';
import { plainText } from '../../../core/rich-text.ts';
import { conversationFrom, conversationText, type Database, toJson } from './database.ts';
import { headOfLine, lineOpenStates, refreshLine } from './lines.ts';

export interface OutboxRecord {
  seq: number;
  id: string;
  idempotency_key: string;
  run_id: string | null;
  session_key: string | null;
  owner: string;
  conversation: string;
  chat_type: string;
  reply_to: string | null;
  part: number;
  body: string;
  correlation: string;
  created_at: number;
  expires_at: number;
  state: string;
  attempts: number;
  ref: string | null;
  resent: number;
  plain: number;
  next_attempt_at: number;
  error: string | null;
  finished_at: number | null;
}

export const outboxFrom = (record: OutboxRecord): OutboxRow => ({
  seq: record.seq,
  id: record.id,
  idempotencyKey: record.idempotency_key,
  runId: record.run_id,
  sessionKey: record.session_key,
  owner: record.owner,
  conversation: conversationFrom(record.conversation),
  chatType: record.chat_type as OutboxRow['chatType'],
  replyTo: record.reply_to,
  part: record.part,
  body: JSON.parse(record.body) as OutboundBody,
  correlation: record.correlation,
  createdAt: record.created_at,
  expiresAt: record.expires_at,
  state: record.state as OutboxState,
  attempts: record.attempts,
  ref: record.ref,
  resent: record.resent === 1,
  plain: record.plain === 1,
  nextAttemptAt: record.next_attempt_at,
  error: record.error,
  finishedAt: record.finished_at,
});

/** Maps rows that were just changed and brings their lines up to date. */
function changed(db: Database, records: OutboxRecord[]): OutboxRow[] {
  const rows = records.map(outboxFrom);
  for (const { conversation } of rows) refreshLine(db, conversation);
  return rows;
}

function insert(db: Database, row: NewOutbound, state: 'planned' | 'streaming'): OutboxRow {
  const record = db.get<OutboxRecord>(
    `INSERT INTO outbox (id, idempotency_key, run_id, session_key, owner, conversation, chat_type, reply_to, part, body,
       correlation, created_at, expires_at, state, next_attempt_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (idempotency_key) DO NOTHING RETURNING *`,
    row.id,
    row.idempotencyKey,
    row.runId,
    row.sessionKey,
    row.owner,
    conversationText(row.conversation),
    row.chatType,
    row.replyTo,
    row.part,
    toJson(row.body),
    row.correlation,
    row.createdAt,
    row.expiresAt,
    state,
    row.createdAt,
  );
  const [inserted] = record === null ? [] : changed(db, [record]);
  const stored = inserted ?? storedOutbound(db, row.idempotencyKey);
  if (stored === null) throw new Error('a duplicate was refused, but it is not there');
  return stored;
}

export const planOutbound = (db: Database, rows: NewOutbound[]): OutboxRow[] =>
  rows.map((row) => insert(db, row, 'planned'));

export function openStream(db: Database, row: NewOutbound): OutboxRow | null {
  const head = db.get<OutboxRecord>(headOfLine, conversationText(row.conversation));
  return head === null || head.idempotency_key === row.idempotencyKey ? insert(db, row, 'streaming') : null;
}

export function storedOutbound(db: Database, idempotencyKey: string): OutboxRow | null {
  const record = db.get<OutboxRecord>('SELECT * FROM outbox WHERE idempotency_key = ?', idempotencyKey);
  return record === null ? null : outboxFrom(record);
}

export function setStreamRef(db: Database, id: string, ref: string | null): void {
  db.run('UPDATE outbox SET ref = ?, resent = CASE WHEN ? IS NULL THEN 1 ELSE resent END WHERE id = ?', ref, ref, id);
}

export function openStreamOf(db: Database, runId: string): OutboxRow | null {
  const record = db.get<OutboxRecord>(
    `SELECT * FROM outbox WHERE run_id = ? AND state = 'streaming' ORDER BY seq LIMIT 1`,
    runId,
  );
  return record === null ? null : outboxFrom(record);
}

/** The final text of an open stream: planned, as an edit when the platform has the message. Null when none is open. */
export function finishStream(db: Database, row: NewOutbound, at: number): OutboxRow | null {
  const record = db.get<OutboxRecord>(
    `UPDATE outbox SET state = 'planned', body = ?, attempts = 0, next_attempt_at = ?, expires_at = ?, error = NULL
     WHERE idempotency_key = ? AND state = 'streaming' RETURNING *`,
    toJson(row.body),
    at,
    row.expiresAt,
    row.idempotencyKey,
  );
  return record === null ? null : (changed(db, [record])[0] ?? null);
}

/**
 * Streams of a run that ended without a text for them must not hold their line for ever. What stands on the platform
 * was sent; what never got there is dead, and nobody needs to hear of it.
 */
export function closeStreams(db: Database, runId: string, at: number): void {
  changed(
    db,
    db.all<OutboxRecord>(
      `UPDATE outbox SET state = CASE WHEN ref IS NULL THEN 'dead' ELSE 'sent' END, cleared = 1,
         error = 'The run ended without a text for this message.', finished_at = ?
       WHERE run_id = ? AND state = 'streaming' RETURNING *`,
      at,
      runId,
    ),
  );
}

export const interruptedSends = (db: Database): OutboxRow[] =>
  db
    .all<OutboxRecord>(
      `SELECT * FROM outbox WHERE state IN ('streaming', 'sending') AND (state = 'sending' OR ref IS NULL) ORDER BY seq`,
    )
    .map(outboxFrom);

export function claimSend(db: Database, conversation: ConversationRef, at: number): OutboxRow | null {
  const head = db.get<OutboxRecord>(headOfLine, conversationText(conversation));
  if (head === null || head.state !== 'planned' || head.next_attempt_at > at) return null;
  const claimed = db.all<OutboxRecord>(
    `UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE seq = ? RETURNING *`,
    head.seq,
  );
  return changed(db, claimed)[0] ?? null;
}

/** Nobody heard of this claim, so nothing was sent: the row is as it was. */
export function undoClaimSend(db: Database, claim: OutboxRow): void {
  changed(
    db,
    db.all<OutboxRecord>(
      `UPDATE outbox SET state = 'planned', attempts = attempts - 1
       WHERE id = ? AND state = 'sending' AND attempts = ? RETURNING *`,
      claim.id,
      claim.attempts,
    ),
  );
}

/** A row that came to its end stays as it is, whatever is recorded afterwards. */
export function recordSend(db: Database, id: string, record: SendRecord): OutboxRow {
  const before = db.get<OutboxRecord>('SELECT * FROM outbox WHERE id = ?', id);
  if (before === null) throw notFound('outgoing message');
  const after = record.state === 'retry' ? recordRetry(db, id, record) : recordEnd(db, id, record);
  if (record.state !== 'retry') forgetSensitive(db, before);
  return changed(db, after)[0] ?? outboxFrom(before);
}

/** What a one-time code was is not kept longer than its delivery takes; one that never arrived is made anew, not retried. */
function forgetSensitive(db: Database, { id, body }: OutboxRecord): void {
  const { sensitive } = JSON.parse(body) as OutboundBody;
  if (sensitive !== true) return;
  db.run('UPDATE outbox SET body = ?, cleared = 1 WHERE id = ?', toJson({ ...plainText(''), sensitive }), id);
}

function recordEnd(db: Database, id: string, record: Exclude<SendRecord, { state: 'retry' }>): OutboxRecord[] {
  return db.all<OutboxRecord>(
    `UPDATE outbox SET state = ?, ref = COALESCE(?, ref), error = ?, finished_at = ?
     WHERE id = ? AND ${lineOpenStates} RETURNING *`,
    record.state,
    record.state === 'sent' ? record.ref : null,
    record.state === 'sent' ? null : record.error,
    record.at,
    id,
  );
}

function recordRetry(db: Database, id: string, record: Extract<SendRecord, { state: 'retry' }>): OutboxRecord[] {
  return db.all<OutboxRecord>(
    `UPDATE outbox SET state = 'planned', next_attempt_at = ?, error = ?,
       plain = CASE WHEN ? = 1 THEN 1 ELSE plain END, resent = CASE WHEN ? = 1 THEN 1 ELSE resent END,
       attempts = CASE WHEN ? = 1 AND attempts > 0 THEN attempts - 1 ELSE attempts END,
       ref = CASE WHEN ? = 1 THEN NULL ELSE ref END
     WHERE id = ? AND ${lineOpenStates} RETURNING *`,
    record.at,
    record.error,
    record.plain === true ? 1 : 0,
    record.resent === true ? 1 : 0,
    record.uncounted === true ? 1 : 0,
    record.dropRef === true ? 1 : 0,
    id,
  );
}

export function outbound(db: Database, id: string): OutboxRow | null {
  const record = db.get<OutboxRecord>('SELECT * FROM outbox WHERE id = ?', id);
  return record === null ? null : outboxFrom(record);
}

/** The rows of the message's run, in order; of a message sent without a run, the rows planned under its own id. */
export const outboundOfMessage = (db: Database, messageId: string): OutboxRow[] =>
  db
    .all<OutboxRecord>(
      `SELECT * FROM outbox WHERE run_id = (
         SELECT COALESCE(main.run_id, own.run_id) FROM inbox own LEFT JOIN inbox main ON main.id = own.merged_into
         WHERE own.id = ?)
       UNION SELECT * FROM outbox WHERE run_id = ?
       UNION SELECT * FROM outbox WHERE id = ? ORDER BY seq`,
      messageId,
      messageId,
      messageId,
    )
    .map(outboxFrom);
