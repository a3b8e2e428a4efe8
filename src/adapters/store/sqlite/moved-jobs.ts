/** Jobs and tasks follow chats that move and people who become one. Each is a whole look at a table: it is seldom. */
import type { ConversationRef } from '../../../core/message.ts';
import { conversationSessionKey } from '../../../core/session-key.ts';
import type { Database } from './database.ts';

const deliversTo = `json_extract(deliver, '$.sessionKey') = ?`;

/** What would be delivered into a chat is delivered where the chat is now; what is over stays as it was. */
export function moveDeliveries(db: Database, from: ConversationRef, to: ConversationRef): void {
  const moved = `deliver = json_set(deliver, '$.conversation', json(?), '$.sessionKey', ?)`;
  const values = [JSON.stringify(to), conversationSessionKey(to), conversationSessionKey(from)];
  db.once(`UPDATE jobs SET ${moved}, revision = revision + 1 WHERE ${deliversTo}`, ...values);
  db.once(
    `UPDATE tasks SET ${moved} WHERE chore = 0 AND state IN ('queued', 'running', 'failed') AND ${deliversTo}`,
    ...values,
  );
}

/** All jobs and tasks of a person become another one's; with a conversation those that deliver there. */
export function moveJobs(db: Database, from: string, to: string, conversation: ConversationRef | null): void {
  const theirs = conversation === null ? 'owner = ?' : `owner = ? AND ${deliversTo}`;
  const values = conversation === null ? [to, from] : [to, from, conversationSessionKey(conversation)];
  for (const table of ['task_events', 'task_steps']) {
    db.once(`UPDATE ${table} SET owner = ? WHERE task IN (SELECT seq FROM tasks WHERE ${theirs})`, ...values);
  }
  db.once(`UPDATE job_slots SET owner = ? WHERE job IN (SELECT seq FROM jobs WHERE ${theirs})`, ...values);
  db.once(`UPDATE tasks SET owner = ? WHERE ${theirs}`, ...values);
  db.once(`UPDATE jobs SET owner = ?, revision = revision + 1 WHERE ${theirs}`, ...values);
}
