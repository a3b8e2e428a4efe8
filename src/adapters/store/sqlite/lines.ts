import type { ConversationRef } from '../../../core/message.ts';
import { conversationFrom, conversationText, type Database } from './database.ts';

/** Written exactly as in the partial index `outbox_open`, so that SQLite uses it. */
export const lineOpenStates = `state IN ('planned', 'streaming', 'sending')`;

/** The oldest open outbox row of a conversation: nothing after it is sent before it. */
export const headOfLine = `SELECT * FROM outbox WHERE conversation = ? AND ${lineOpenStates} ORDER BY seq LIMIT 1`;

/** Brings the line of a conversation up to date; called by whatever adds or moves one of its outbox rows. */
export function refreshLine(db: Database, conversation: ConversationRef): void {
  const key = conversationText(conversation);
  const head = db.get<{ state: string; next_attempt_at: number; chat_type: string }>(headOfLine, key);
  if (head === null) {
    db.run('DELETE FROM lines WHERE conversation = ?', key);
    return;
  }
  db.run(
    `INSERT INTO lines (conversation, channel, account, chat_type, due_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (conversation) DO UPDATE SET chat_type = excluded.chat_type, due_at = excluded.due_at`,
    key,
    conversation.channel,
    conversation.account,
    head.chat_type,
    head.state === 'planned' ? head.next_attempt_at : null,
  );
}

export const dueConversations = (
  db: Database,
  channel: string,
  account: string,
  limit: number,
): { conversation: ConversationRef; chatType: 'direct' | 'group'; dueAt: number }[] =>
  db
    .all<{ conversation: string; chat_type: 'direct' | 'group'; due_at: number }>(
      `SELECT conversation, chat_type, due_at FROM lines WHERE channel = ? AND account = ? AND due_at IS NOT NULL
       ORDER BY due_at LIMIT ?`,
      channel,
      account,
      limit,
    )
    .map((line) => ({
      conversation: conversationFrom(line.conversation),
      chatType: line.chat_type,
      dueAt: line.due_at,
    }));
