import {
  auditGenesis,
  auditText,
  type AuditAction,
  type AuditActor,
  type AuditEntry,
  type AuditRow,
} from '../../../core/audit.ts';
import type { JsonObject } from '../../../core/message.ts';
import type { AuditFilter } from '../../../core/ports/audit-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import { type Database, toJson } from './database.ts';
import { cursorText, page, readCursor } from './paging.ts';

interface AuditRecord {
  seq: number;
  at: number;
  actor_kind: string;
  actor_id: string;
  person: string | null;
  action: string;
  subject: string | null;
  metadata: string;
  hash: string;
  name: string | null;
}

const auditFrom = (record: AuditRecord): AuditRow => ({
  seq: record.seq,
  at: record.at,
  actor: { kind: record.actor_kind as AuditActor['kind'], id: record.actor_id, person: record.person },
  name: record.name ?? '',
  action: record.action as AuditAction,
  subject: record.subject,
  metadata: JSON.parse(record.metadata) as JsonObject,
  hash: record.hash,
});

/** Loads what it needs when it is first called: most days of a gateway see no entry, and it costs the thread 10 ms. */
const sha256 = (text: string): string => process.getBuiltinModule('node:crypto').hash('sha256', text);

export function appendAudit(db: Database, entry: AuditEntry, name: string): AuditRow {
  const last = db.get<{ seq: number; hash: string }>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  const row = { ...entry, seq: (last?.seq ?? 0) + 1 };
  const hash = sha256(auditText(last?.hash ?? auditGenesis, row));
  const { seq, at, actor, action, subject, metadata } = row;
  db.run(
    `INSERT INTO audit (seq, at, actor_kind, actor_id, person, action, subject, metadata, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    seq,
    at,
    actor.kind,
    actor.id,
    actor.person,
    action,
    subject,
    toJson(metadata),
    hash,
  );
  if (actor.person !== null && name !== '') {
    db.run('INSERT INTO audit_names (seq, owner, name) VALUES (?, ?, ?)', seq, actor.person, name);
  }
  return { ...row, name, hash };
}

const select = 'SELECT a.*, n.name FROM audit a LEFT JOIN audit_names n ON n.seq = a.seq';

export function listAudit(db: Database, filter: AuditFilter, options: ListOptions): Listed<AuditRow> {
  const [before] = readCursor<[number]>(options.cursor) ?? [Number.MAX_SAFE_INTEGER];
  const records = db.all<AuditRecord>(
    `${select} WHERE a.seq < ?1 AND (?2 IS NULL OR a.action = ?2) AND (?3 IS NULL OR a.actor_id = ?3 OR a.person = ?3)
       AND a.at >= ?4 ORDER BY a.seq DESC LIMIT ?5`,
    before,
    filter.action ?? null,
    filter.actor ?? null,
    filter.since ?? 0,
    options.limit + 1,
  );
  return page(records, options.limit, auditFrom, (last) => cursorText([last.seq]));
}

export const auditChain = (db: Database, afterSeq: number, limit: number): { rows: AuditRow[]; given: number } => ({
  rows: db.all<AuditRecord>(`${select} WHERE a.seq > ? ORDER BY a.seq LIMIT ?`, afterSeq, limit).map(auditFrom),
  given: db.get<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'audit'`)?.seq ?? 0,
});
