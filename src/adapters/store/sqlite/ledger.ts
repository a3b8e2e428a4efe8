import type { AttemptRow, UsageRow } from '../../../core/ports/store.ts';
import type { Usage } from '../../../core/ports/provider.ts';
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

/** The calendar day (UTC) of a time. */
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** A completed row never changes again, so that the sums of its day count it once. */
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
    if (changed > 0 && row.outcome !== null) addToDay(db, row);
  }
}

function addToDay(db: Database, row: AttemptRow): void {
  db.run(
    `INSERT INTO usage_days (day, owner, provider, model, calls, input, cache_read, output, cost)
     VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?)
     ON CONFLICT (day, owner, provider, model) DO UPDATE SET calls = usage_days.calls + 1,
       input = usage_days.input + excluded.input, cache_read = usage_days.cache_read + excluded.cache_read,
       output = usage_days.output + excluded.output,
       cost = CASE WHEN excluded.cost IS NULL THEN usage_days.cost
         ELSE COALESCE(usage_days.cost, 0) + excluded.cost END`,
    dayOf(row.startedAt),
    row.owner,
    row.provider,
    row.model,
    row.usage?.input ?? 0,
    row.usage?.cacheRead ?? 0,
    row.usage?.output ?? 0,
    row.cost,
  );
}

export const attemptsOf = (db: Database, runId: string): AttemptRow[] =>
  db.all<AttemptRecord>('SELECT * FROM attempts WHERE run_id = ? ORDER BY n', runId).map(attemptFrom);

export const lastAttempt = (db: Database, runId: string): number =>
  db.get<{ n: number | null }>('SELECT MAX(n) AS n FROM attempts WHERE run_id = ?', runId)?.n ?? 0;

/** Whole days (UTC), newest first; the day that `sinceMs` falls into is the oldest. */
export const usage = (db: Database, sinceMs: number, owner: string | null): UsageRow[] =>
  db.all<UsageRow>(
    `SELECT day, owner, provider, model, calls, input, cache_read AS "cacheRead", output, cost FROM usage_days
     WHERE day >= ? AND (? IS NULL OR owner = ?) ORDER BY day DESC, owner, provider, model`,
    dayOf(sinceMs),
    owner,
    owner,
  );
