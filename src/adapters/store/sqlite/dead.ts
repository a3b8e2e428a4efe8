import type { DeadRow } from '../../../core/ports/dead-store.ts';
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { Database } from './database.ts';
import { inboxFrom, type InboxRecord, requeueInbound } from './inbound.ts';
import { outboxFrom, type OutboxRecord } from './outbound.ts';
import { refreshLine } from './lines.ts';
import { cursorText, page, readCursor } from './paging.ts';
import { retryTask, taskFrom, type TaskRecord } from './tasks.ts';

/** Written exactly as in the partial indexes of the dead. */
const uncleared = `state = 'dead' AND cleared = 0`;
const failedForGood = `state = 'failed' AND cleared = 0`;
const theirs = '(? IS NULL OR owner = ?)';

/** Newest first, all kinds together. */
export function deadLetters(db: Database, owner: string | null, options: ListOptions): Listed<DeadRow> {
  const after = readCursor<[number, string]>(options.cursor) ?? [Number.MAX_SAFE_INTEGER, ''];
  const order = 'AND (finished_at, id) < (?, ?) ORDER BY finished_at DESC, id DESC LIMIT ?';
  const limit = options.limit + 1;
  const inbox = db.all<InboxRecord>(
    `SELECT * FROM inbox WHERE ${uncleared} AND ${theirs} ${order}`,
    owner,
    owner,
    ...after,
    limit,
  );
  const outbox = db.all<OutboxRecord>(
    `SELECT * FROM outbox WHERE ${uncleared} AND ${theirs} ${order}`,
    owner,
    owner,
    ...after,
    limit,
  );
  const tasks = db.all<TaskRecord>(
    `SELECT * FROM tasks WHERE ${failedForGood} AND ${theirs} ${order}`,
    owner,
    owner,
    ...after,
    limit,
  );
  const rows: DeadRow[] = [
    ...inbox.map((record): DeadRow => ({ kind: 'inbox', row: inboxFrom(record) })),
    ...outbox.map((record): DeadRow => ({ kind: 'outbox', row: outboxFrom(record) })),
    ...tasks.map((record): DeadRow => ({ kind: 'task', row: taskFrom(record) })),
  ];
  const at = ({ row }: DeadRow): number => row.finishedAt ?? 0;
  rows.sort((a, b) => at(b) - at(a) || (a.row.id < b.row.id ? 1 : -1));
  return page(
    rows,
    options.limit,
    (dead) => dead,
    (last) => cursorText([at(last), last.row.id]),
  );
}

export function deadLetter(db: Database, owner: string | null, id: string): DeadRow | null {
  const inbox = db.get<InboxRecord>(
    `SELECT * FROM inbox WHERE id = ? AND ${uncleared} AND ${theirs}`,
    id,
    owner,
    owner,
  );
  if (inbox !== null) return { kind: 'inbox', row: inboxFrom(inbox) };
  const outbox = db.get<OutboxRecord>(
    `SELECT * FROM outbox WHERE id = ? AND ${uncleared} AND ${theirs}`,
    id,
    owner,
    owner,
  );
  if (outbox !== null) return { kind: 'outbox', row: outboxFrom(outbox) };
  const task = db.get<TaskRecord>(
    `SELECT * FROM tasks WHERE id = ? AND ${failedForGood} AND ${theirs}`,
    id,
    owner,
    owner,
  );
  return task === null ? null : { kind: 'task', row: taskFrom(task) };
}

export function retryDead(db: Database, id: string, at: number, expiresAt: number): boolean {
  const dead = deadLetter(db, null, id);
  if (dead === null) return false;
  if (dead.kind === 'inbox') return requeueInbound(db, id, at) !== null;
  if (dead.kind === 'task') return retryTask(db, id, null, at) !== null;
  db.run(
    `UPDATE outbox SET state = 'planned', attempts = 0, next_attempt_at = ?, expires_at = ?, error = NULL,
       finished_at = NULL WHERE id = ?`,
    at,
    expiresAt,
    id,
  );
  refreshLine(db, dead.row.conversation);
  return true;
}

/** The rows stay for their traces; they are only out of the list. */
export const clearDead = (db: Database, owner: string | null, id?: string): number =>
  (
    [
      ['inbox', uncleared],
      ['outbox', uncleared],
      ['tasks', failedForGood],
    ] as const
  )
    .map(([table, dead]) =>
      id === undefined
        ? db.run(`UPDATE ${table} SET cleared = 1 WHERE ${dead} AND ${theirs}`, owner, owner)
        : db.run(`UPDATE ${table} SET cleared = 1 WHERE id = ? AND ${dead} AND ${theirs}`, id, owner, owner),
    )
    .reduce((sum, changes) => sum + changes, 0);
