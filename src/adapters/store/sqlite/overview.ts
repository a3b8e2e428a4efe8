import type { MessageTrace, StoreCounts } from '../../../core/ports/overview-store.ts';
import type { Database } from './database.ts';
import { feedbackOf } from './feedback.ts';
import { inboxFrom, type InboxRecord } from './inbound.ts';
import { callsOf } from './calls.ts';
import { attemptsOf } from './ledger.ts';
import { lineOpenStates } from './lines.ts';
import { outboundOfMessage } from './outbound.ts';
import { run } from './runs.ts';

/** A merged message's run, attempts and outbox rows are those of the message that answered it. */
export function trace(db: Database, messageId: string): MessageTrace | null {
  const own = db.get<InboxRecord>('SELECT * FROM inbox WHERE id = ?', messageId);
  if (own === null) return null;
  const main =
    own.merged_into === null ? own : (db.get<InboxRecord>('SELECT * FROM inbox WHERE id = ?', own.merged_into) ?? own);
  const outbox = outboundOfMessage(db, messageId);
  return {
    inbox: inboxFrom(own),
    run: run(db, main.run_id),
    attempts: attemptsOf(db, main.run_id),
    calls: callsOf(db, main.id, main.run_id),
    outbox,
    feedback: feedbackOf(db, outbox),
    mergedInto: own.merged_into,
  };
}

/** Counts over partial indexes: they cost what there is to do now, not what was ever done. */
export function counts(db: Database, dayStartMs: number): StoreCounts {
  const count = (sql: string, ...values: number[]): number => db.get<{ n: number }>(sql, ...values)?.n ?? 0;
  const today = db.get<{ messages: number; people: number; channels: number }>(
    `SELECT COUNT(*) AS messages, COUNT(DISTINCT owner) AS people, COUNT(DISTINCT channel) AS channels FROM inbox
     WHERE received_at >= ? AND state NOT IN ('refused', 'handled')`,
    dayStartMs,
  );
  return {
    inboxQueued: count(`SELECT COUNT(*) AS n FROM inbox WHERE state = 'queued'`),
    inboxRunning: count(`SELECT COUNT(*) AS n FROM inbox WHERE state = 'running'`),
    outboxPending: count(`SELECT COUNT(*) AS n FROM outbox WHERE ${lineOpenStates}`),
    dead:
      count(`SELECT COUNT(*) AS n FROM inbox WHERE state = 'dead' AND cleared = 0`) +
      count(`SELECT COUNT(*) AS n FROM outbox WHERE state = 'dead' AND cleared = 0`) +
      count(`SELECT COUNT(*) AS n FROM tasks WHERE state = 'failed' AND cleared = 0`),
    uncertain: count(`SELECT COUNT(*) AS n FROM outbox WHERE state = 'uncertain'`),
    sessions: count('SELECT COUNT(*) AS n FROM sessions'),
    people: count('SELECT COUNT(*) AS n FROM people'),
    messagesToday: today?.messages ?? 0,
    activePeopleToday: today?.people ?? 0,
    activeChannelsToday: today?.channels ?? 0,
  };
}
