import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { AuditActor } from '../../../core/audit.ts';
import type { Part } from '../../../core/message.ts';
import type { Erasure, ErasureReceipt, RowKeys } from '../../../core/ports/rights-store.ts';
import { busyTimeoutMs, conversationFrom, type Database, toJson } from './database.ts';
import { refreshLine } from './lines.ts';
import { ownedTables, tracesOf, type Traces } from './owned.ts';
import { person as findPerson } from './people.ts';
import { removeRow } from './removal.ts';
import { refreshQueue } from './sessions.ts';

/** Beyond this, rewriting the file takes longer than everybody should wait: 90 to 250 MB a second were measured. */
const maxRewrittenBytes = 512 * 1024 ** 2;
/** A run leaves fewer messages than this behind the one that it answers. */
const maxMessagesOfRun = 500;
const maxRunning = 100;

const erased: Part[] = [{ type: 'text', text: '[erased]' }];

interface ErasureRecord {
  person: string;
  traces: string;
  removed: string;
  begun_by: string;
  begun_at: number;
  receipt: string | null;
}

const erasureFrom = (record: ErasureRecord): Erasure => ({
  person: record.person,
  begunBy: JSON.parse(record.begun_by) as AuditActor,
  begunAt: record.begun_at,
  removed: JSON.parse(record.removed) as Record<string, number>,
  receipt: record.receipt === null ? null : (JSON.parse(record.receipt) as ErasureReceipt),
});

const recordOf = (db: Database, person: string): ErasureRecord | null =>
  db.get<ErasureRecord>('SELECT * FROM erasures WHERE person = ?', person);

export function beginErasure(db: Database, person: string, by: AuditActor, at: number): Erasure | null {
  const begun = recordOf(db, person);
  if (begun !== null) return erasureFrom(begun);
  if (findPerson(db, person) === null) return null;
  const traces = tracesOf(db, person);
  db.run(
    `INSERT INTO erasures (person, traces, removed, begun_by, begun_at) VALUES (?, ?, '{}', ?, ?)`,
    person,
    toJson(traces),
    toJson(by),
    at,
  );
  freeSessions(db, person);
  stopJobs(db, person, at);
  let admissions = 0;
  for (const [channel, account, native] of traces.senders) {
    admissions += db.run(
      'DELETE FROM admissions WHERE channel = ? AND account = ? AND native = ?',
      channel,
      account,
      native,
    );
  }
  count(db, person, 'admissions', admissions);
  count(db, person, 'identities', db.run('DELETE FROM identities WHERE owner = ?', person));
  count(db, person, 'tokens', db.run('DELETE FROM tokens WHERE owner = ?', person));
  count(db, person, 'people', db.run('DELETE FROM people WHERE id = ?', person));
  const made = recordOf(db, person);
  return made === null ? null : erasureFrom(made);
}

/**
 * What waits is not answered any more, and the keys are free: who writes from the same chat from here on has a session
 * of their own.
 */
function freeSessions(db: Database, person: string): void {
  db.run(
    `UPDATE inbox SET state = 'handled', reason = 'person_erased' WHERE state = 'queued'
       AND (owner = ?1 OR session_key IN (SELECT key FROM sessions WHERE owner = ?1))`,
    person,
  );
  db.run(`UPDATE sessions SET key = 'erased:' || id, conversation = NULL, queued_seq = NULL WHERE owner = ?`, person);
}

/** Nothing more of theirs is begun; what is at work loses its hold when its row goes. */
function stopJobs(db: Database, person: string, at: number): void {
  db.once(
    `UPDATE jobs SET state = 'paused', reason = 'person_erased', revision = revision + 1
     WHERE owner = ? AND state = 'active'`,
    person,
  );
  db.once(
    `UPDATE tasks SET state = 'cancelled', ready = 0, node = NULL, lease_until = NULL, finished_at = ?
     WHERE owner = ? AND state IN ('queued', 'running')`,
    at,
    person,
  );
}

function count(db: Database, person: string, table: string, rows: number): void {
  if (rows === 0) return;
  const record = recordOf(db, person);
  const removed = record === null ? {} : (JSON.parse(record.removed) as Record<string, number>);
  removed[table] = (removed[table] ?? 0) + rows;
  db.run('UPDATE erasures SET removed = ? WHERE person = ?', toJson(removed), person);
}

/** Of their own sessions, and of groups in which they wrote. */
export function runsOf(db: Database, person: string): string[] {
  const record = recordOf(db, person);
  const { senders = [] } = JSON.parse(record?.traces ?? '{}') as Partial<Traces>;
  const spoken = new Set(senders.map((sender) => JSON.stringify(sender)));
  return db
    .all<{ run_id: string; owner: string; channel: string; account: string; sender: string }>(
      `SELECT run_id, owner, channel, account, sender FROM inbox WHERE state = 'running'`,
    )
    .filter(({ owner, channel, account, sender }) => {
      return owner === person || spoken.has(JSON.stringify([channel, account, sender]));
    })
    .slice(0, maxRunning)
    .map(({ run_id }) => run_id);
}

export function eraseRows(db: Database, person: string, { table, keys }: RowKeys): void {
  if (!ownedTables.some(({ name }) => name === table)) throw new Error(`"${table}" is no table of people`);
  for (const key of keys) {
    if (table === 'inbox') eraseInbound(db, person, key);
    else if (table === 'outbox') eraseOutbound(db, key);
    else if (table === 'messages') eraseMessage(db, person, key);
    else removeRow(db, table, key);
  }
  count(db, person, table, keys.length);
}

/** In somebody else's history the place stays, and nothing of what was said or answered. */
function eraseMessage(db: Database, person: string, [id = '', seq = '']: (string | number)[]): void {
  const session = db.get<GroupSession>('SELECT id, key, owner FROM sessions WHERE id = ?', id);
  const message = db.get<GroupMessage>('SELECT seq, run_id FROM messages WHERE session = ? AND seq = ?', id, seq);
  if (session === null || session.owner === person) removeRow(db, 'messages', [id, seq]);
  else if (message !== null) eraseTurn(db, session, message);
}

/** What was said in a group is in its history, too. */
function eraseInbound(db: Database, person: string, key: (string | number)[]): void {
  const row = db.get<{ id: string; run_id: string; session_key: string }>(
    'SELECT id, run_id, session_key FROM inbox WHERE seq = ?',
    key[0] ?? 0,
  );
  if (row === null) return;
  const session = db.get<GroupSession>('SELECT id, key, owner FROM sessions WHERE key = ?', row.session_key);
  if (session !== null && session.owner !== person) {
    const message = db.get<GroupMessage>(
      'SELECT seq, run_id FROM messages WHERE session = ? AND id = ?',
      session.id,
      row.id,
    );
    eraseTurn(db, session, message ?? { seq: null, run_id: row.run_id });
  }
  removeRow(db, 'inbox', key);
  refreshQueue(db, row.session_key);
}

interface GroupSession {
  id: number;
  key: string;
  owner: string;
}

/** `run_id`: of the run that answered it, which is that of another message when they were collected. */
interface GroupMessage {
  seq: number | null;
  run_id: string | null;
}

/** With what was said goes what was answered: an answer repeats the question, and a summary or recording both. */
function eraseTurn(db: Database, session: GroupSession, { seq, run_id: run }: GroupMessage): void {
  if (seq !== null) {
    db.run(
      `UPDATE messages SET parts = ?, author = NULL
       WHERE session = ? AND seq >= ? AND seq < ? AND (seq = ? OR run_id = ? AND role <> 'user')`,
      toJson(erased),
      session.id,
      seq,
      seq + maxMessagesOfRun,
      seq,
      run,
    );
    const told = db.run('DELETE FROM summaries WHERE session = ? AND seq >= ?', session.id, seq) > 0;
    if (told) db.run('UPDATE sessions SET summary_seq = 0 WHERE id = ?', session.id);
  }
  // A recording of a later run holds the history that it began with.
  db.once('DELETE FROM recordings WHERE session_key = ?', session.key);
  if (run === null) return;
  for (const row of db.all<{ seq: number }>('SELECT seq FROM outbox WHERE run_id = ?', run)) {
    eraseOutbound(db, [row.seq]);
  }
  db.run('DELETE FROM journal WHERE run_id = ?', run);
  db.once('DELETE FROM approvals WHERE run_id = ?', run);
  db.once('UPDATE attempts SET detail = NULL WHERE run_id = ?', run);
}

function eraseOutbound(db: Database, key: (string | number)[]): void {
  const row = db.get<{ conversation: string }>('SELECT conversation FROM outbox WHERE seq = ?', key[0] ?? 0);
  if (row === null) return;
  removeRow(db, 'outbox', key);
  refreshLine(db, conversationFrom(row.conversation));
}

export function forgetTraces(db: Database, person: string): void {
  db.run(`UPDATE erasures SET traces = '{}' WHERE person = ?`, person);
}

export function finishErasure(db: Database, receipt: ErasureReceipt): void {
  db.run('UPDATE erasures SET receipt = ? WHERE person = ?', toJson(receipt), receipt.person);
}

export const erasures = (db: Database, open: boolean, limit: number): Erasure[] =>
  db
    .all<ErasureRecord>(
      'SELECT * FROM erasures WHERE (? = 0 OR receipt IS NULL) ORDER BY begun_at DESC LIMIT ?',
      open ? 1 : 0,
      limit,
    )
    .map(erasureFrom);

export function compact(db: Database): boolean {
  const file = db.get<{ file: string }>('PRAGMA database_list')?.file ?? '';
  removeCopies(file);
  const small = db.pragma<number>('page_count') * db.pragma<number>('page_size') <= maxRewrittenBytes;
  if (small) rewrite(db);
  return small;
}

/** The copy that is made on the way is on disk: in memory it would be as large as the database. */
export function rewrite(db: Database): void {
  db.script('PRAGMA temp_store = FILE');
  try {
    db.script('VACUUM');
  } finally {
    db.script('PRAGMA temp_store = MEMORY');
  }
}

/** Whoever reads the log just now keeps it for that long; nobody waits for them here. */
export function emptyLog(db: Database): boolean {
  db.script('PRAGMA busy_timeout = 0');
  try {
    return db.get<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)')?.busy === 0;
  } finally {
    db.script(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  }
}

function removeCopies(file: string): void {
  const folder = path.dirname(file);
  if (file === '' || !existsSync(folder)) return;
  const name = path.basename(file);
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith(`${name}.schema-`) && entry.endsWith('.bak'))
      rmSync(path.join(folder, entry), { force: true });
  }
}
