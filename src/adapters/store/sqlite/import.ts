import type { NewMessage, SessionRow } from '../../../core/ports/session-store.ts';
import { conversationText, type Database } from './database.ts';
import { appendMessage } from './messages.ts';
import { sessionRecord } from './sessions.ts';

export function importSession(db: Database, session: SessionRow, messages: NewMessage[]): boolean {
  if (sessionRecord(db, session.key) !== null) return false;
  const { key, owner, channel, account, conversation, title, agent, model, createdAt, lastActiveAt } = session;
  db.run(
    `INSERT INTO sessions (key, owner, channel, account, conversation, title, agent, model, created_at, last_active_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    owner,
    channel,
    account,
    conversation === null ? null : conversationText(conversation),
    title,
    agent,
    model,
    createdAt,
    lastActiveAt,
  );
  const made = sessionRecord(db, key);
  if (made === null) throw new Error('a session that was just made is not there');
  for (const message of messages) appendMessage(db, made, null, message);
  db.run('UPDATE sessions SET last_seq = ? WHERE id = ?', made.last_seq, made.id);
  return true;
}
