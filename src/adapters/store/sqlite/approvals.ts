import type { JsonObject } from '../../../core/message.ts';
import type {
  ApprovalAnswer,
  ApprovalOutcome,
  ApprovalRow,
  ApprovalState,
  NewApproval,
} from '../../../core/ports/approval-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { Effect } from '../../../core/ports/tool.ts';
import type { PersonRole } from '../../../core/principal.ts';
import { isJobSessionKey } from '../../../core/session-key.ts';
import type { Database } from './database.ts';
import { cursorText, page, readCursor } from './paging.ts';

interface ApprovalRecord {
  id: string;
  owner: string;
  run_id: string;
  call_id: string;
  session_key: string;
  agent: string | null;
  role: string;
  channel: string;
  tool: string;
  args: string;
  digest: string;
  effects: string;
  reason: string;
  tainted: string | null;
  state: string;
  created_at: number;
  expires_at: number;
  decided_by: string | null;
  decided_at: number | null;
  decided_where: string | null;
  used_by: string | null;
}

const rowFrom = (record: ApprovalRecord, at: number): ApprovalRow => ({
  id: record.id,
  owner: record.owner,
  runId: record.run_id,
  callId: record.call_id,
  sessionKey: record.session_key,
  agent: record.agent,
  role: record.role as PersonRole,
  channel: record.channel,
  tool: record.tool,
  args: JSON.parse(record.args) as JsonObject,
  digest: record.digest,
  effects: JSON.parse(record.effects) as Effect[],
  reason: record.reason,
  tainted: record.tainted,
  state: record.state === 'open' && record.expires_at <= at ? 'expired' : (record.state as ApprovalState),
  createdAt: record.created_at,
  expiresAt: record.expires_at,
  decidedBy: record.decided_by,
  decidedAt: record.decided_at,
  decidedWhere: record.decided_where,
  usedBy: record.used_by,
});

const find = (db: Database, id: string): ApprovalRecord | null =>
  db.get<ApprovalRecord>('SELECT * FROM approvals WHERE id = ?', id);

export function approval(db: Database, id: string, owner: string | null, at: number): ApprovalRow | null {
  const record = find(db, id);
  return record === null || (owner !== null && record.owner !== owner) ? null : rowFrom(record, at);
}

export function askApproval(db: Database, row: NewApproval, maxOpen: number): { inserted: boolean; row: ApprovalRow } {
  const inserted = db.run(
    `INSERT INTO approvals (id, owner, run_id, call_id, session_key, agent, role, channel, tool, args, digest, effects,
       reason, tainted, state, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?) ON CONFLICT (run_id, call_id) DO NOTHING`,
    row.id,
    row.owner,
    row.runId,
    row.callId,
    row.sessionKey,
    row.agent,
    row.role,
    row.channel,
    row.tool,
    JSON.stringify(row.args),
    row.digest,
    JSON.stringify(row.effects),
    row.reason,
    row.tainted,
    row.createdAt,
    row.expiresAt,
  );
  const stored = db.get<ApprovalRecord>(
    'SELECT * FROM approvals WHERE run_id = ? AND call_id = ?',
    row.runId,
    row.callId,
  );
  if (stored === null) throw new Error(`the question ${row.id} is not there`);
  if (inserted > 0) expireBeyond(db, row.owner, maxOpen);
  return { inserted: inserted > 0, row: rowFrom(stored, row.createdAt) };
}

function expireBeyond(db: Database, owner: string, maxOpen: number): void {
  db.run(
    `UPDATE approvals SET state = 'expired' WHERE id IN (
       SELECT id FROM approvals WHERE owner = ? AND state = 'open' ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?)`,
    owner,
    maxOpen,
  );
}

export function listApprovals(
  db: Database,
  filter: { owner: string | null; sessionKey?: string; open: boolean; at: number },
  { limit, cursor }: ListOptions,
): Listed<ApprovalRow> {
  const [createdAt, id] = readCursor<[number, string]>(cursor) ?? [Number.MAX_SAFE_INTEGER, ''];
  const records = db.all<ApprovalRecord>(
    `SELECT * FROM approvals WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR session_key = ?2)
       AND (?3 = 0 OR (state = 'open' AND expires_at > ?4)) AND (created_at, id) < (?5, ?6)
     ORDER BY created_at DESC, id DESC LIMIT ?7`,
    filter.owner,
    filter.sessionKey ?? null,
    filter.open ? 1 : 0,
    filter.at,
    createdAt,
    id,
    limit + 1,
  );
  return page(
    records,
    limit,
    (record) => rowFrom(record, filter.at),
    (last) => cursorText([last.created_at, last.id]),
  );
}

export function decideApproval(db: Database, answer: ApprovalAnswer): ApprovalOutcome {
  const record = find(db, answer.id);
  if (record === null || !answeredHere(record, answer)) return { outcome: 'unknown' };
  if (record.owner !== answer.by && !answer.forOthers) return { outcome: 'not_yours' };
  if (!record.digest.startsWith(answer.digest)) return { outcome: 'altered' };
  const outcome = answer.approve ? 'approved' : 'denied';
  const row = rowFrom(record, answer.at);
  if (row.state === outcome && row.usedBy === answer.runId) return { outcome, repeated: true, row };
  if (row.state === 'expired') return { outcome: 'expired', row };
  if (row.state !== 'open') return { outcome: 'answered', row };
  db.run(
    `UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?, decided_where = ?, used_by = ? WHERE id = ?`,
    outcome,
    answer.by,
    answer.at,
    answer.where,
    answer.runId,
    answer.id,
  );
  const decided = find(db, answer.id) ?? record;
  return { outcome, repeated: false, row: rowFrom(decided, answer.at) };
}

/** Where it was asked; what a job asks, nobody sees asked: its owner answers anywhere. */
const answeredHere = ({ session_key: asked, owner }: ApprovalRecord, { sessionKey, by }: ApprovalAnswer): boolean =>
  asked === sessionKey || (isJobSessionKey(asked) && owner === by);

/** What was asked in a history that is over cannot be approved any more. */
export function expireApprovals(db: Database, sessionKey: string): void {
  db.run(`UPDATE approvals SET state = 'expired' WHERE session_key = ? AND state = 'open'`, sessionKey);
}

/** One step of housekeeping: what has expired at `at` says so, and what expired before `before` goes. */
export function tidyApprovals(
  db: Database,
  { at, refusedBefore, batch }: { at: number; refusedBefore: number; batch: number },
): boolean {
  const expired = db.run(
    `UPDATE approvals SET state = 'expired' WHERE id IN (
       SELECT id FROM approvals WHERE state = 'open' AND expires_at <= ? LIMIT ?)`,
    at,
    batch,
  );
  const removed = db.run(
    'DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE expires_at < ? ORDER BY expires_at LIMIT ?)',
    refusedBefore,
    batch,
  );
  return expired === batch || removed === batch;
}
