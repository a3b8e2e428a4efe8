import type { FeedbackRow, NewFeedback, OutboxRow } from '../../../core/ports/outbox-store.ts';
import { conversationText, type Database } from './database.ts';
import { outboxFrom, type OutboxRecord } from './outbound.ts';

/** Reactions kept for one message; in a large group those after them are not. */
const maxPerMessage = 100;

export function saveFeedback(db: Database, { conversation, native, sender, value, at }: NewFeedback): OutboxRow | null {
  const message = messageShown(db, conversation, native);
  if (message === null) return null;
  const known = db.get(`SELECT 1 FROM feedback WHERE outbox_id = ? AND sender = ?`, message.id, sender.native);
  if (known === null && (value === '' || count(db, message.id) >= maxPerMessage)) return null;
  const changed = db.run(
    `INSERT INTO feedback (outbox_id, owner, sender, display, value, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (outbox_id, sender) DO UPDATE SET value = excluded.value, at = excluded.at, display = excluded.display
     WHERE feedback.at <= excluded.at AND feedback.value <> excluded.value`,
    message.id,
    message.owner,
    sender.native,
    sender.display,
    value,
    at,
  );
  return changed === 0 ? null : message;
}

/** What the platform shows under this id, whatever the thread: some platforms do not tell it with a reaction. */
function messageShown(db: Database, conversation: NewFeedback['conversation'], native: string): OutboxRow | null {
  const { channel, account, native: chat } = conversation;
  // The canonical text ends with the thread: all that stand between the comma before it and the next character.
  const anyThread = conversationText({ channel, account, native: chat }).slice(0, -'null]'.length);
  const record = db.get<OutboxRecord>(
    `SELECT * FROM outbox WHERE ref = ? AND conversation >= ? AND conversation < ? ORDER BY seq DESC LIMIT 1`,
    native,
    anyThread,
    `${anyThread.slice(0, -1)}-`,
  );
  return record === null ? null : outboxFrom(record);
}

const count = (db: Database, outboxId: string): number =>
  db.get<{ n: number }>('SELECT COUNT(*) AS n FROM feedback WHERE outbox_id = ?', outboxId)?.n ?? 0;

/** Of the messages given, oldest first; what was taken back is left out. */
export const feedbackOf = (db: Database, outbox: readonly OutboxRow[]): FeedbackRow[] =>
  outbox
    .flatMap(({ id }) =>
      db
        .all<{ sender: string; display: string; value: string; at: number }>(
          `SELECT sender, display, value, at FROM feedback WHERE outbox_id = ? AND value <> '' ORDER BY at, sender`,
          id,
        )
        .map(({ sender, display, value, at }) => ({ outboxId: id, sender: { native: sender, display }, value, at })),
    )
    .sort((a, b) => a.at - b.at);
