import type { ConversationRef } from '../../../core/message.ts';
import type { Identity, IdentityRow, PersonRow } from '../../../core/ports/people-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { PersonRole } from '../../../core/principal.ts';
import { conversationFrom, type Database } from './database.ts';
import { cursorText, page, readCursor } from './paging.ts';
import { personFrom, type PersonRecord } from './people.ts';

const maxIdentities = 100;

interface IdentityRecord {
  channel: string;
  account: string;
  native: string;
  display: string;
  owner: string;
  role: string;
  admitted: number;
  conversation: string | null;
}

const identityFrom = (record: IdentityRecord): IdentityRow => ({
  channel: record.channel,
  account: record.account,
  native: record.native,
  display: record.display,
  person: record.owner,
  role: record.role as PersonRole,
  admitted: record.admitted === 1,
});

const select = `SELECT i.*, p.role, EXISTS (SELECT 1 FROM admissions a
    WHERE a.channel = i.channel AND a.account = i.account AND a.native = i.native) AS admitted
  FROM identities i JOIN people p ON p.id = i.owner`;

export function identity(
  db: Database,
  { channel, account, native }: Identity,
): (IdentityRow & { conversation: ConversationRef | null }) | null {
  const record = db.get<IdentityRecord>(
    `${select} WHERE i.channel = ? AND i.account = ? AND i.native = ?`,
    channel,
    account,
    native,
  );
  if (record === null) return null;
  const conversation = record.conversation === null ? null : conversationFrom(record.conversation);
  return { ...identityFrom(record), conversation };
}

export const identitiesOf = (db: Database, person: string): IdentityRow[] =>
  db
    .all<IdentityRecord>(
      `${select} WHERE i.owner = ? ORDER BY i.channel, i.account, i.native LIMIT ${maxIdentities}`,
      person,
    )
    .map(identityFrom);

export function listPeople(db: Database, options: ListOptions): Listed<PersonRow> {
  const after = readCursor<[number, string]>(options.cursor) ?? [-1, ''];
  const records = db.all<PersonRecord>(
    'SELECT * FROM people WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?',
    ...after,
    options.limit + 1,
  );
  return page(records, options.limit, personFrom, (last) => cursorText([last.created_at, last.id]));
}

export function setRole(db: Database, person: string, role: PersonRole): PersonRow | null {
  const record = db.get<PersonRecord>('UPDATE people SET role = ? WHERE id = ? RETURNING *', role, person);
  return record === null ? null : personFrom(record);
}

export const ownerChats = (db: Database, limit: number): (IdentityRow & { conversation: ConversationRef })[] =>
  db
    .all<IdentityRecord & { conversation: string }>(
      `${select} WHERE p.role = 'owner' AND i.conversation IS NOT NULL ORDER BY i.channel, i.account, i.native LIMIT ?`,
      limit,
    )
    .map((record) => ({ ...identityFrom(record), conversation: conversationFrom(record.conversation) }));
