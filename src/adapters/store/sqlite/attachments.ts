import { partsOf, type Attachment, type ConversationRef } from '../../../core/message.ts';
import type { FileRow } from '../../../core/ports/file-store.ts';
import { conversationSessionKey } from '../../../core/session-key.ts';
import { conversationText, toJson, type Database } from './database.ts';
import { inbound } from './inbound.ts';
import { saveFile } from './people.ts';

/** Repeating it changes nothing: a run that was cut fetches its files again. */
export function attachFiles(db: Database, messageId: string, attachments: Attachment[], files: FileRow[]): void {
  for (const row of files) saveFile(db, row);
  db.run('UPDATE inbox SET attachments = ? WHERE id = ?', toJson(attachments), messageId);
  const row = inbound(db, messageId);
  if (row === null) return;
  db.run(
    `UPDATE messages SET parts = ? WHERE id = ? AND session = (SELECT id FROM sessions WHERE key = ?)`,
    toJson(partsOf(row)),
    messageId,
    row.sessionKey,
  );
}

export function editInbound(
  db: Database,
  conversation: ConversationRef,
  native: string,
  sender: string,
  text: string,
): boolean {
  const changed = db.all(
    `UPDATE inbox SET text = ? WHERE session_key = ? AND state = 'queued' AND kind = 'message'
       AND conversation = ? AND native = ? AND sender = ? RETURNING id`,
    text,
    conversationSessionKey(conversation),
    conversationText(conversation),
    native,
    sender,
  );
  return changed.length > 0;
}
