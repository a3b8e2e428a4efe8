import type { PersonRole, Scope } from '../../../core/principal.ts';
import type { ConversationRef } from '../../../core/message.ts';
import type { Identity, PersonRow } from '../../../core/ports/people-store.ts';
import type { FileRow } from '../../../core/ports/file-store.ts';
import type { TokenRow } from '../../../core/ports/token-store.ts';
import { conversationText, type Database, toJson } from './database.ts';

export interface PersonRecord {
  id: string;
  name: string;
  role: string;
  language: string | null;
  created_at: number;
}

export const personFrom = (record: PersonRecord): PersonRow => ({
  id: record.id,
  name: record.name,
  role: record.role as PersonRole,
  language: record.language,
  createdAt: record.created_at,
});

export function person(db: Database, id: string): PersonRow | null {
  const record = db.get<PersonRecord>('SELECT * FROM people WHERE id = ?', id);
  return record === null ? null : personFrom(record);
}

export function ensurePerson(db: Database, row: PersonRow): PersonRow {
  db.run(
    'INSERT INTO people (id, name, role, language, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    row.id,
    row.name,
    row.role,
    row.language,
    row.createdAt,
  );
  return person(db, row.id) ?? row;
}

export function setPersonLanguage(db: Database, id: string, language: string | null): void {
  db.run('UPDATE people SET language = ? WHERE id = ?', language, id);
}

export function ensureIdentity(
  db: Database,
  identity: Identity & { display: string; conversation?: ConversationRef },
  newPerson: PersonRow,
): PersonRow {
  const { channel, account, native, display } = identity;
  const conversation = identity.conversation === undefined ? null : conversationText(identity.conversation);
  const known = db.get<PersonRecord & { display: string; conversation: string | null }>(
    `SELECT p.*, i.display, i.conversation FROM identities i JOIN people p ON p.id = i.owner
     WHERE i.channel = ? AND i.account = ? AND i.native = ?`,
    channel,
    account,
    native,
  );
  if (known?.display === display && (conversation === null || known.conversation === conversation)) {
    return personFrom(known);
  }
  const owner = known === null ? ensurePerson(db, newPerson) : personFrom(known);
  db.run(
    `INSERT INTO identities (channel, account, native, owner, display, conversation) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (channel, account, native) DO UPDATE SET owner = excluded.owner, display = excluded.display,
       conversation = COALESCE(excluded.conversation, identities.conversation)`,
    channel,
    account,
    native,
    owner.id,
    display,
    conversation,
  );
  return owner;
}

interface TokenRecord {
  id: string;
  name: string;
  hash: string;
  scopes: string;
  owner: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
}

const tokenFrom = (record: TokenRecord): TokenRow => ({
  id: record.id,
  name: record.name,
  hash: record.hash,
  scopes: JSON.parse(record.scopes) as Scope[],
  person: record.owner,
  createdAt: record.created_at,
  expiresAt: record.expires_at,
  lastUsedAt: record.last_used_at,
});

export const tokens = (db: Database): TokenRow[] =>
  db.all<TokenRecord>('SELECT * FROM tokens ORDER BY created_at, id').map(tokenFrom);

export function tokenByHash(db: Database, hash: string): TokenRow | null {
  const record = db.get<TokenRecord>('SELECT * FROM tokens WHERE hash = ?', hash);
  return record === null ? null : tokenFrom(record);
}

export function saveToken(db: Database, token: TokenRow): void {
  db.run(
    `INSERT INTO tokens (id, name, hash, scopes, owner, created_at, expires_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, scopes = excluded.scopes,
       owner = excluded.owner, expires_at = excluded.expires_at, last_used_at = excluded.last_used_at`,
    token.id,
    token.name,
    token.hash,
    toJson(token.scopes),
    token.person,
    token.createdAt,
    token.expiresAt,
    token.lastUsedAt,
  );
}

export const deleteToken = (db: Database, id: string): boolean => db.run('DELETE FROM tokens WHERE id = ?', id) > 0;

export function touchTokens(db: Database, uses: { id: string; at: number }[]): void {
  for (const { id, at } of uses) {
    db.run('UPDATE tokens SET last_used_at = ? WHERE id = ? AND COALESCE(last_used_at, 0) < ?', at, id, at);
  }
}

export function saveFile(db: Database, row: FileRow): void {
  db.run(
    `INSERT INTO files (id, owner, mime_type, size, sha256, created_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING`,
    row.id,
    row.owner,
    row.mimeType,
    row.size,
    row.sha256,
    row.createdAt,
  );
}

export const file = (db: Database, id: string, owner: string): FileRow | null =>
  db.get<FileRow>(
    `SELECT id, owner, mime_type AS "mimeType", size, sha256, created_at AS "createdAt" FROM files
     WHERE id = ? AND owner = ?`,
    id,
    owner,
  );
