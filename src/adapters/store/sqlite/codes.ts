import { roleIncludes } from '../../../core/roles.ts';
import type {
  AdmissionRow,
  CodeKey,
  CodeKind,
  CodeRow,
  CodeState,
  Decision,
  DecisionResult,
  Identity,
  NewCode,
  Redemption,
  RedemptionResult,
  PersonRow,
} from '../../../core/ports/people-store.ts';
import type { NewOutbound, OutboxRow } from '../../../core/ports/outbox-store.ts';
import { conversationFrom, conversationText, type Database } from './database.ts';
import { identity as findIdentity, setRole } from './identities.ts';
import { moveJobs } from './moved-jobs.ts';
import { moveNotes } from './notes.ts';
import { planOutbound } from './outbound.ts';
import { ensureIdentity, ensurePerson, person as findPerson } from './people.ts';

interface CodeRecord {
  id: string;
  kind: string;
  hash: string;
  channel: string;
  account: string;
  native: string;
  display: string;
  conversation: string | null;
  owner: string | null;
  language: string | null;
  state: string;
  wrong_uses: number;
  used_by: string | null;
  created_at: number;
  expires_at: number;
}

const codeFrom = (record: CodeRecord): CodeRow => ({
  id: record.id,
  kind: record.kind as CodeKind,
  hash: record.hash,
  identity: record.channel === '' ? null : makerOf(record),
  display: record.display,
  conversation: record.conversation === null ? null : conversationFrom(record.conversation),
  person: record.owner,
  language: record.language,
  state: record.state as CodeState,
  createdAt: record.created_at,
  expiresAt: record.expires_at,
});

const makerOf = ({ channel, account, native }: CodeRecord): Identity => ({ channel, account, native });
const identityText = ({ channel, account, native }: Identity): string => JSON.stringify([channel, account, native]);

function recordOf(db: Database, key: CodeKey): CodeRecord | null {
  return 'hash' in key
    ? db.get<CodeRecord>('SELECT * FROM codes WHERE hash = ?', key.hash)
    : db.get<CodeRecord>('SELECT * FROM codes WHERE id = ?', key.id);
}

export function code(db: Database, key: CodeKey): CodeRow | null {
  const record = recordOf(db, key);
  return record === null ? null : codeFrom(record);
}

function insertCode(db: Database, row: NewCode): void {
  const { channel, account, native } = row.identity ?? { channel: '', account: '', native: '' };
  db.run(
    `INSERT INTO codes (id, kind, hash, channel, account, native, display, conversation, owner, language, state,
       created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)`,
    row.id,
    row.kind,
    row.hash,
    channel,
    account,
    native,
    row.display,
    row.conversation === null ? null : conversationText(row.conversation),
    row.person,
    row.language,
    row.createdAt,
    row.expiresAt,
  );
}

function setState(db: Database, id: string, state: CodeState, usedBy: string | null = null): void {
  db.run('UPDATE codes SET state = ?, used_by = COALESCE(?, used_by) WHERE id = ?', state, usedBy, id);
}

export function openRequest(
  db: Database,
  row: NewCode,
  { againAfter, maxOpen }: { againAfter: number; maxOpen: number },
  outbox: NewOutbound[],
): OutboxRow[] | null {
  const { channel, account, native } = row.identity ?? { channel: '', account: '', native: '' };
  const asked = db.get(
    `SELECT 1 FROM codes WHERE channel = ? AND account = ? AND native = ? AND kind = 'request'
       AND (created_at > ? OR state = 'rejected') LIMIT 1`,
    channel,
    account,
    native,
    againAfter,
  );
  if (asked !== null) return null;
  const open = db.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM codes WHERE kind = 'request' AND state = 'open' AND channel = ? AND account = ?
       AND expires_at > ?`,
    channel,
    account,
    row.createdAt,
  );
  if ((open?.n ?? 0) >= maxOpen) return null;
  insertCode(db, row);
  return planOutbound(db, outbox);
}

export function offerLink(db: Database, row: NewCode): void {
  const { channel, account, native } = row.identity ?? { channel: '', account: '', native: '' };
  db.run(
    `UPDATE codes SET state = 'burnt' WHERE channel = ? AND account = ? AND native = ? AND kind = 'link'
       AND owner = ? AND state = 'open'`,
    channel,
    account,
    native,
    row.person,
  );
  insertCode(db, row);
}

export const burnLink = (db: Database, hash: string): boolean =>
  db.run(`UPDATE codes SET state = 'burnt' WHERE hash = ? AND kind = 'link' AND state = 'open'`, hash) > 0;

function admit(db: Database, who: Identity, id: string, by: string, at: number): void {
  db.run(
    `INSERT INTO admissions (channel, account, native, id, decided_by, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (channel, account, native) DO UPDATE SET id = excluded.id, decided_by = excluded.decided_by,
       at = excluded.at`,
    who.channel,
    who.account,
    who.native,
    id,
    by,
    at,
  );
}

const isAdmission = (db: Database, id: string): boolean => db.get('SELECT 1 FROM admissions WHERE id = ?', id) !== null;

export const decide = (db: Database, decision: Decision): DecisionResult =>
  decision.approve ? approve(db, decision) : reject(db, decision);

function approve(db: Database, { code: key, by, at, newPerson, tell }: Decision): DecisionResult {
  const record = recordOf(db, key);
  if (record?.kind !== 'request') return { outcome: 'unknown' };
  const identity = makerOf(record);
  const repeated = record.state === 'used' && isAdmission(db, record.id);
  if (!repeated && ['used', 'rejected'].includes(record.state)) {
    return { outcome: 'rejected', repeated: true, outbox: [] };
  }
  if (!repeated && (record.state !== 'open' || record.expires_at <= at)) return { outcome: 'expired' };
  let person = ensureIdentity(db, { ...identity, display: record.display }, newPerson);
  if (repeated) return { outcome: 'approved', repeated, person, identity, outbox: [] };
  if (!roleIncludes(person.role, newPerson.role)) person = setRole(db, person.id, newPerson.role) ?? person;
  if (record.conversation !== null) setConversation(db, identity, record.conversation);
  admit(db, identity, record.id, by, at);
  setState(db, record.id, 'used', by);
  return { outcome: 'approved', repeated, person, identity, outbox: planOutbound(db, tell) };
}

function reject(db: Database, { code: key, by, tell }: Decision): DecisionResult {
  const record = recordOf(db, key);
  // An admission outlives its code, and is named by the same id.
  const id = record?.id ?? ('id' in key ? key.id : '');
  const revoked = db.run('DELETE FROM admissions WHERE id = ?', id) > 0;
  if (record === null || record.kind !== 'request') {
    return revoked ? { outcome: 'rejected', repeated: false, outbox: [] } : { outcome: 'unknown' };
  }
  const repeated = record.state === 'rejected';
  setState(db, id, 'rejected', by);
  return { outcome: 'rejected', repeated, outbox: repeated ? [] : planOutbound(db, tell) };
}

function setConversation(db: Database, { channel, account, native }: Identity, conversation: string): void {
  db.run(
    'UPDATE identities SET conversation = ? WHERE channel = ? AND account = ? AND native = ?',
    conversation,
    channel,
    account,
    native,
  );
}

export function redeemLink(db: Database, redemption: Redemption): RedemptionResult {
  const { identity, display, conversation, at, tell } = redemption;
  const record = recordOf(db, { hash: redemption.hash });
  const person = record?.kind === 'link' && record.owner !== null ? findPerson(db, record.owner) : null;
  if (record === null || person === null) return { outcome: 'unknown' };
  const by = identityText(identity);
  const known = findIdentity(db, identity);
  if (record.state === 'used' && record.used_by === by && known?.person === person.id) {
    return { outcome: 'linked', repeated: true, person, outbox: [] };
  }
  if (record.state !== 'open' || record.expires_at <= at) return { outcome: 'expired' };
  if (by === identityText(makerOf(record))) return { outcome: 'own' };
  const wrong = wrongUse(record, person, known?.role ?? null, redemption.admit);
  if (wrong !== null) {
    countWrongUse(db, record, redemption.maxWrongUses);
    return { outcome: wrong };
  }
  become(db, identity, display, person, conversationText(conversation));
  if (redemption.admit) admit(db, identity, record.id, person.id, at);
  setState(db, record.id, 'used', by);
  return { outcome: 'linked', repeated: known?.person === person.id, person, outbox: planOutbound(db, tell) };
}

/** Nobody gains a role by a code that was not made on the side that has it. */
function wrongUse(
  record: CodeRecord,
  person: PersonRow,
  sender: PersonRow['role'] | null,
  admits: boolean,
): 'outranked' | 'not_allowed' | null {
  if (sender !== null && !roleIncludes(person.role, sender)) return 'outranked';
  const byOperator = record.channel === '';
  return admits && !byOperator && person.role === 'guest' ? 'not_allowed' : null;
}

function countWrongUse(db: Database, { id }: CodeRecord, maxWrongUses: number): void {
  db.run(
    `UPDATE codes SET wrong_uses = wrong_uses + 1, state = CASE WHEN wrong_uses + 1 >= ? THEN 'burnt' ELSE state END
     WHERE id = ?`,
    maxWrongUses,
    id,
  );
}

/** From now on the identity is the person. What it said in its direct chat goes along; the rest stays whose it was. */
function become(db: Database, who: Identity, display: string, person: PersonRow, conversation: string): void {
  const before = ensureIdentity(db, { ...who, display }, person).id;
  const { channel, account, native } = who;
  db.run(
    'UPDATE identities SET owner = ?, conversation = ? WHERE channel = ? AND account = ? AND native = ?',
    person.id,
    conversation,
    channel,
    account,
    native,
  );
  moveChat(db, conversation, before, person.id);
  const left = db.get(
    'SELECT 1 FROM identities WHERE owner = ? UNION ALL SELECT 1 FROM tokens WHERE owner = ? LIMIT 1',
    before,
    before,
  );
  if (left !== null) return;
  db.run('UPDATE files SET owner = ? WHERE owner = ?', person.id, before);
  moveNotes(db, before, person.id);
  moveJobs(db, before, person.id, null);
}

/** What was said in a direct chat, and what is still to be delivered there. */
function moveChat(db: Database, conversation: string, from: string, to: string): void {
  if (from === to) return;
  db.run('UPDATE sessions SET owner = ? WHERE conversation = ? AND owner = ?', to, conversation, from);
  moveJobs(db, from, to, conversationFrom(conversation));
}

export function unlink(db: Database, who: Identity, newPerson: PersonRow): PersonRow | null {
  const { channel, account, native } = who;
  const known = db.get<{ owner: string; conversation: string | null }>(
    'SELECT owner, conversation FROM identities WHERE channel = ? AND account = ? AND native = ?',
    channel,
    account,
    native,
  );
  if (known === null) return null;
  const person = ensurePerson(db, newPerson);
  db.run(
    'UPDATE identities SET owner = ? WHERE channel = ? AND account = ? AND native = ?',
    person.id,
    channel,
    account,
    native,
  );
  if (known.conversation !== null) moveChat(db, known.conversation, known.owner, person.id);
  db.run('DELETE FROM admissions WHERE channel = ? AND account = ? AND native = ?', channel, account, native);
  return person;
}

export const openRequests = (db: Database, now: number, limit: number): CodeRow[] =>
  db
    .all<CodeRecord>(
      `SELECT * FROM codes WHERE kind = 'request' AND state = 'open' AND expires_at > ? ORDER BY created_at LIMIT ?`,
      now,
      limit,
    )
    .map(codeFrom);

export const admissions = (db: Database, limit: number): AdmissionRow[] =>
  db.all<AdmissionRow & Record<string, never>>(
    `SELECT a.channel, a.account, a.native, a.id, i.display, i.owner AS person, p.role, a.decided_by AS "by", a.at
     FROM admissions a
     JOIN identities i ON i.channel = a.channel AND i.account = a.account AND i.native = a.native
     JOIN people p ON p.id = i.owner ORDER BY a.at DESC LIMIT ?`,
    limit,
  );
