import { dayOf, monthOf, nanoOf, tokensOf } from '../../../core/budget.ts';
import type { Usage } from '../../../core/ports/provider.ts';
import type { UsageRow } from '../../../core/ports/budget-store.ts';
import type { AttemptRow } from '../../../core/ports/run-store.ts';
import { jobChannel } from '../../../core/session-key.ts';
import { type Database, fromJson, toJson } from './database.ts';

interface AttemptRecord {
  run_id: string;
  n: number;
  owner: string;
  provider: string;
  model: string;
  started_at: number;
  finished_at: number | null;
  outcome: string | null;
  phase: string | null;
  status: number | null;
  detail: string | null;
  usage: string | null;
  cost: number | null;
}

const attemptFrom = (record: AttemptRecord): AttemptRow => ({
  runId: record.run_id,
  n: record.n,
  owner: record.owner,
  provider: record.provider,
  model: record.model,
  startedAt: record.started_at,
  finishedAt: record.finished_at,
  outcome: record.outcome,
  phase: record.phase,
  status: record.status,
  detail: record.detail,
  usage: fromJson<Usage>(record.usage),
  cost: record.cost,
});

/** A completed row never changes again, so that the sums count it once; what was reserved for it is free again. */
export function saveAttempts(db: Database, rows: AttemptRow[]): void {
  for (const row of rows) {
    const changed = db.run(
      `INSERT INTO attempts (run_id, n, owner, provider, model, started_at, finished_at, outcome, phase, status, detail,
         usage, cost)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (run_id, n) DO UPDATE SET provider = excluded.provider, model = excluded.model,
         finished_at = excluded.finished_at, outcome = excluded.outcome, phase = excluded.phase,
         status = excluded.status, detail = excluded.detail, usage = excluded.usage, cost = excluded.cost
       WHERE attempts.outcome IS NULL`,
      row.runId,
      row.n,
      row.owner,
      row.provider,
      row.model,
      row.startedAt,
      row.finishedAt,
      row.outcome,
      row.phase,
      row.status,
      row.detail,
      toJson(row.usage),
      row.cost,
    );
    if (changed > 0 && row.outcome !== null) addUp(db, row);
  }
}

function addUp(db: Database, row: AttemptRow): void {
  db.run('DELETE FROM reservations WHERE run_id = ? AND n = ?', row.runId, row.n);
  const { channel = '' } = row;
  const day = dayOf(row.startedAt);
  addToDay(db, row, day, channel);
  // Sums that nobody ever asked for are not there; without any limit there are none at all, which is quickly seen.
  if (row.usage === null || db.get('SELECT 1 FROM budget_spent LIMIT 1') === null) return;
  db.run(
    `UPDATE budget_spent SET nano = nano + ?, tokens = tokens + ?
     WHERE account IN ('total', 'person:' || ?, 'channel:' || ?, ?) AND period IN (?, ?)`,
    nanoOf(row.cost ?? 0),
    tokensOf(row.usage),
    row.owner,
    channel,
    channel === jobChannel ? sessionOf(db, row.runId) : null,
    day,
    monthOf(row.startedAt),
  );
}

/** A job is an account by the key of its session. */
const sessionOf = (db: Database, runId: string): string | null =>
  db.get<{ key: string }>('SELECT session_key AS key FROM runs WHERE id = ?', runId)?.key ?? null;

function addToDay(db: Database, row: AttemptRow, day: string, channel: string): void {
  const { usage, cost } = row;
  db.run(
    `INSERT INTO usage_days (day, owner, channel, provider, model, calls, input, cache_read, cache_write, output, cost,
       unpriced)
     VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (day, owner, channel, provider, model) DO UPDATE SET calls = usage_days.calls + 1,
       input = usage_days.input + excluded.input, cache_read = usage_days.cache_read + excluded.cache_read,
       cache_write = usage_days.cache_write + excluded.cache_write, output = usage_days.output + excluded.output,
       cost = CASE WHEN excluded.cost IS NULL THEN usage_days.cost
         ELSE COALESCE(usage_days.cost, 0) + excluded.cost END,
       unpriced = usage_days.unpriced + excluded.unpriced`,
    day,
    row.owner,
    channel,
    row.provider,
    row.model,
    usage?.input ?? 0,
    usage?.cacheRead ?? 0,
    usage?.cacheWrite ?? 0,
    usage?.output ?? 0,
    cost,
    usage !== null && cost === null ? 1 : 0,
  );
}

export const attemptsOf = (db: Database, runId: string): AttemptRow[] =>
  db.all<AttemptRecord>('SELECT * FROM attempts WHERE run_id = ? ORDER BY n', runId).map(attemptFrom);

export const lastAttempt = (db: Database, runId: string): number =>
  db.get<{ n: number | null }>('SELECT MAX(n) AS n FROM attempts WHERE run_id = ?', runId)?.n ?? 0;

/** Whole days (UTC), newest first; the day that `sinceMs` falls into is the oldest. */
export const usage = (db: Database, sinceMs: number, owner: string | null, channel: string | null = null): UsageRow[] =>
  db.all<UsageRow>(
    `SELECT day, owner, provider, model, SUM(calls) AS calls, SUM(input) AS input, SUM(cache_read) AS "cacheRead",
       SUM(cache_write) AS "cacheWrite", SUM(output) AS output, SUM(cost) AS cost, SUM(unpriced) AS unpriced
     FROM usage_days WHERE day >= ? AND (? IS NULL OR owner = ?) AND (? IS NULL OR channel = ?)
     GROUP BY day, owner, provider, model ORDER BY day DESC, owner, provider, model`,
    dayOf(sinceMs),
    owner,
    owner,
    channel,
    channel,
  );
