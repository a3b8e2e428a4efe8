import type { ErrorData } from '../../../core/errors.ts';
import { partsOf, type JsonObject, type Message } from '../../../core/message.ts';
import type { InboxRow } from '../../../core/ports/inbox-store.ts';
import type { ClaimedRun, JournalEntry, RunRow, RunState } from '../../../core/ports/run-store.ts';
import type { NewMessage } from '../../../core/ports/session-store.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { Usage } from '../../../core/ports/provider.ts';
import { settleInterrupted } from './budgets.ts';
import { type Database, fromJson, toJson } from './database.ts';
import { inbound, inboxFrom, type InboxRecord } from './inbound.ts';
import { lastAttempt } from './ledger.ts';
import { appendMessage, historyOf, saidUntil } from './messages.ts';
import { closeStreams, openStreamOf } from './outbound.ts';
import { summaryOf } from './summaries.ts';
import { openSession, refreshQueue, saveProgress, sessionFrom, type SessionRecord, sessionRecord } from './sessions.ts';

/** The most messages that one run answers together in queue mode `collect`. */
const maxCollected = 100;

export interface RunRecord {
  id: string;
  session: number;
  session_key: string;
  owner: string;
  message_id: string;
  state: string;
  starts: number;
  model: string | null;
  finish_reason: string | null;
  error: string | null;
  usage: string | null;
  cost: number | null;
  reply_id: string | null;
  started_at: number;
  finished_at: number | null;
}

const runFrom = (record: RunRecord): RunRow => ({
  id: record.id,
  sessionKey: record.session_key,
  owner: record.owner,
  messageId: record.message_id,
  state: record.state as RunState,
  starts: record.starts,
  model: record.model,
  finishReason: record.finish_reason,
  error: fromJson<ErrorData>(record.error),
  usage: fromJson<Usage>(record.usage),
  cost: record.cost,
  replyId: record.reply_id,
  startedAt: record.started_at,
  finishedAt: record.finished_at,
});

export const runRecord = (db: Database, id: string): RunRecord | null =>
  db.get<RunRecord>('SELECT * FROM runs WHERE id = ?', id);

export function recoverRuns(db: Database): number {
  const rows = db.all<{ session_key: string }>(
    `UPDATE inbox SET state = 'queued' WHERE state = 'running' RETURNING session_key`,
  );
  for (const key of new Set(rows.map((row) => row.session_key))) refreshQueue(db, key);
  settleInterrupted(db);
  return rows.length;
}

export function claimRun(db: Database, request: Parameters<Store['claimRun']>[0]): ClaimedRun | null {
  const { sessionKey, mode, maxStarts, historyTurns, historyLimit, at } = request;
  const main = takeOldest(db, sessionKey, maxStarts, at);
  if (main === null) {
    refreshQueue(db, sessionKey);
    return null;
  }
  const session = sessionOf(db, main, at);
  const fresh = openRun(db, session, main, at);
  const begunBefore = fresh === null;
  const run = fresh ?? openAgain(db, session, main, at);
  // A run that was begun before answers what it began with: what it did until then may have been for that alone.
  if (mode === 'collect' && main.kind === 'message' && !begunBefore) collect(db, main, null);
  const merged = begunBefore || mode === 'collect' ? mergedInto(db, main.id) : [];
  const answered = [main, ...merged];
  for (const row of answered) if (row.kind === 'message') appendInbound(db, session, run.id, row);
  saveProgress(db, session);
  return {
    run,
    inbound: answered,
    session: sessionFrom(session),
    history: historyOf(db, session, historyTurns, historyLimit),
    summary: summaryOf(db, session),
    journal: begunBefore ? journalOf(db, run.id) : [],
    attemptsBefore: begunBefore ? lastAttempt(db, run.id) : 0,
    stream: begunBefore ? openStreamOf(db, run.id) : null,
    more: oldestQueued(db, sessionKey) !== null,
  };
}

/** Of a claimed message; its session can have been deleted since an earlier start. */
function sessionOf(db: Database, main: InboxRow, at: number): SessionRecord {
  const known = sessionRecord(db, main.sessionKey);
  if (known !== null) return known;
  openSession(db, main, at);
  const made = sessionRecord(db, main.sessionKey);
  if (made === null) throw new Error('a session that was just opened is not there');
  return made;
}

/**
 * The oldest queued row, now running and its start counted; null when there is none or a run is active. Those started
 * too often turn dead on the way.
 */
function takeOldest(db: Database, sessionKey: string, maxStarts: number, at: number): InboxRow | null {
  if (db.get(`SELECT 1 FROM inbox WHERE session_key = ? AND state = 'running' LIMIT 1`, sessionKey) !== null)
    return null;
  for (;;) {
    const taken = db.get<InboxRecord>(
      `UPDATE inbox SET state = 'running', starts = starts + 1
       WHERE seq = (SELECT MIN(seq) FROM inbox WHERE session_key = ? AND state = 'queued') RETURNING *`,
      sessionKey,
    );
    if (taken === null) return null;
    const row = inboxFrom(taken);
    if (row.starts <= maxStarts) return row;
    bury(db, row, at);
  }
}

const oldestQueued = (db: Database, sessionKey: string): number | null =>
  db.get<{ seq: number | null }>(
    `SELECT MIN(seq) AS seq FROM inbox WHERE session_key = ? AND state = 'queued'`,
    sessionKey,
  )?.seq ?? null;

/** A message whose run ends the process each time is not started for ever. */
function bury(db: Database, row: InboxRow, at: number): void {
  const starts = row.starts - 1;
  const error: ErrorData = {
    kind: 'storage',
    code: 'too_many_starts',
    message: `The run was started ${starts} times and never came to an end.`,
    retryable: false,
  };
  db.run(
    `UPDATE inbox SET state = 'dead', starts = ?, error = ?, finished_at = ? WHERE seq = ?`,
    starts,
    toJson(error),
    at,
    row.seq,
  );
  db.run(`UPDATE runs SET state = 'dead', error = ?, finished_at = ? WHERE id = ?`, toJson(error), at, row.runId);
  closeStreams(db, row.runId, at);
}

/** Null when it was begun before. */
function openRun(db: Database, session: SessionRecord, main: InboxRow, at: number): RunRow | null {
  const opened = db.run(
    `INSERT INTO runs (id, session, session_key, owner, message_id, state, starts, started_at)
     VALUES (?, ?, ?, ?, ?, 'running', ?, ?) ON CONFLICT (id) DO NOTHING`,
    main.runId,
    session.id,
    session.key,
    main.owner,
    main.id,
    main.starts,
    at,
  );
  if (opened === 0) return null;
  return {
    id: main.runId,
    sessionKey: session.key,
    owner: main.owner,
    messageId: main.id,
    state: 'running',
    starts: main.starts,
    model: null,
    finishReason: null,
    error: null,
    usage: null,
    cost: null,
    replyId: null,
    startedAt: at,
    finishedAt: null,
  };
}

function openAgain(db: Database, session: SessionRecord, main: InboxRow, at: number): RunRow {
  const record = db.get<RunRecord>(
    `UPDATE runs SET state = 'running', session = ?1, session_key = ?2, starts = ?3, model = NULL, finish_reason = NULL,
       error = NULL, usage = NULL, cost = NULL, reply_id = NULL, finished_at = NULL,
       started_at = CASE WHEN ?3 = 1 THEN ?4 ELSE started_at END
     WHERE id = ?5 RETURNING *`,
    session.id,
    session.key,
    main.starts,
    at,
    main.runId,
  );
  if (record === null) throw new Error('a run that was begun before is not there');
  return runFrom(record);
}

/**
 * Merges the queued messages behind `main` into its run, up to the first command: order is kept. Their ids. `like`: up to
 * the first of somebody else, too, or with files that are still to be fetched, as a run that is at work has the rights of
 * one person and fetches no more.
 */
function collect(db: Database, main: { id: string; sessionKey: string }, like: InboxRow | null): string[] {
  const queued = db.all<InboxRecord>(
    `SELECT * FROM inbox WHERE session_key = ? AND state = 'queued' ORDER BY seq LIMIT ?`,
    main.sessionKey,
    maxCollected,
  );
  const end = queued.findIndex(
    (record) => record.kind === 'command' || (like !== null && !joins(inboxFrom(record), like)),
  );
  const ids = (end === -1 ? queued : queued.slice(0, end)).map(({ id }) => id);
  for (const id of ids) db.run(`UPDATE inbox SET state = 'merged', merged_into = ? WHERE id = ?`, main.id, id);
  return ids;
}

const joins = (row: InboxRow, like: InboxRow): boolean =>
  row.channel === like.channel &&
  row.account === like.account &&
  row.sender.native === like.sender.native &&
  row.attachments.every(({ id, problem }) => id !== undefined || problem !== undefined);

const mergedInto = (db: Database, id: string): InboxRow[] =>
  db.all<InboxRecord>('SELECT * FROM inbox WHERE merged_into = ? ORDER BY seq', id).map(inboxFrom);

function appendInbound(db: Database, session: SessionRecord, runId: string, row: InboxRow): Message {
  return appendMessage(db, session, runId, {
    id: row.id,
    role: 'user',
    parts: partsOf(row),
    author: row.sender.display,
    time: row.receivedAt,
  });
}

/** Nobody heard of this claim: the message is queued again, its start stays counted. */
export function undoClaimRun(db: Database, claim: ClaimedRun): void {
  db.run(
    `UPDATE inbox SET state = 'queued' WHERE id = ? AND state = 'running' AND starts = ?`,
    claim.run.messageId,
    claim.run.starts,
  );
  refreshQueue(db, claim.session.key);
}

/** Stopped on purpose: queued again as if this start had not been. */
export function releaseRun(db: Database, runId: string): void {
  const released = db.all<{ session_key: string }>(
    `UPDATE inbox SET state = 'queued', starts = starts - 1
     WHERE state = 'running' AND id = (SELECT message_id FROM runs WHERE id = ?) RETURNING session_key`,
    runId,
  );
  for (const { session_key } of released) refreshQueue(db, session_key);
}

const journalOf = (db: Database, runId: string): JournalEntry[] =>
  db
    .all<{ n: number; state: string; kind: string; data: string; at: number }>(
      `SELECT * FROM journal WHERE run_id = ? ORDER BY n, state DESC`,
      runId,
    )
    .map((record) => ({
      runId,
      n: record.n,
      kind: record.kind as JournalEntry['kind'],
      state: record.state as JournalEntry['state'],
      data: JSON.parse(record.data) as JsonObject,
      at: record.at,
    }));

/** A step that is there already stays as it is. */
export function journal(db: Database, entries: JournalEntry[]): void {
  for (const entry of entries) {
    db.run(
      `INSERT INTO journal (run_id, n, state, owner, session, kind, data, at)
       SELECT id, ?, ?, owner, session, ?, ?, ? FROM runs WHERE id = ?
       ON CONFLICT (run_id, n, state) DO NOTHING`,
      entry.n,
      entry.state,
      entry.kind,
      toJson(entry.data),
      entry.at,
      entry.runId,
    );
  }
}

export function run(db: Database, id: string): RunRow | null {
  const record = runRecord(db, id);
  return record === null ? null : runFrom(record);
}

export function runReply(db: Database, id: string): { run: RunRow; said: Message[] } | null {
  const record = runRecord(db, id);
  if (record === null) return null;
  return {
    run: runFrom(record),
    said: record.reply_id === null ? [] : saidUntil(db, record.session, id, record.reply_id),
  };
}

export function joinRun(
  db: Database,
  runId: string,
  steps: NewMessage[],
): { messages: Message[]; inbound: InboxRow[] } | null {
  const run = runRecord(db, runId);
  const session = run?.state === 'running' ? sessionRecord(db, run.session_key) : null;
  if (run === null || session?.id !== run.session) return null;
  const main = inbound(db, run.message_id);
  if (main === null) return null;
  const joining = collect(db, main, mergedInto(db, main.id).at(-1) ?? main);
  if (joining.length === 0) return null;
  const messages = steps.map((step) => appendMessage(db, session, runId, step));
  db.run('DELETE FROM journal WHERE run_id = ?', runId);
  const joined = mergedInto(db, main.id).filter(({ id }) => joining.includes(id));
  for (const row of joined) messages.push(appendInbound(db, session, runId, row));
  saveProgress(db, session);
  return { messages, inbound: joined };
}
