/**
 * Budgets: what calls under way may come to, and what was spent. The sums of an account and a period begin when they
 * are first asked for, from those of the ledger, and from then on every completed ledger row is added to them.
 */
import {
  breach,
  dayOf,
  nanoOf,
  renewsAt,
  usageOf,
  usdOf,
  type Account,
  type Override,
  type Period,
  type Standing,
} from '../../../core/budget.ts';
import type { Refused, Reservation } from '../../../core/ports/budget-store.ts';
import type { AttemptRow } from '../../../core/ports/run-store.ts';
import { isJobSessionKey } from '../../../core/session-key.ts';
import { type Database, toJson } from './database.ts';
import { saveAttempts } from './ledger.ts';

interface Sums {
  nano: number;
  tokens: number;
}

interface ReservationRecord {
  run_id: string;
  n: number;
  owner: string;
  channel: string;
  provider: string;
  model: string;
  input: number;
  output: number;
  nano: number | null;
  at: number;
}

/** Whom an account is of, as far as it narrows the ledger. */
function narrowed(account: Account): { owner: string | null; channel: string | null; session: string | null } {
  const session = isJobSessionKey(account) ? account : null;
  return {
    session,
    // As written by jobSessionKey.
    owner:
      session !== null
        ? (session.split(':')[1] ?? null)
        : account.startsWith('person:')
          ? account.slice('person:'.length)
          : null,
    channel: account.startsWith('channel:') ? account.slice('channel:'.length) : null,
  };
}

/** A day is a prefix of itself and a month of its days, so that one comparison does for both. */
const lastOf = (period: Period): string => `${period}~`;

export function reserveBudget(db: Database, reservation: Reservation): Refused | null {
  const { runId, n, owner, channel, provider, model, input, output, amount, at, checks } = reservation;
  if (db.get('SELECT 1 FROM reservations WHERE run_id = ? AND n = ?', runId, n) !== null) return null;
  for (const check of checks) {
    begin(db, check.account, check.period);
    const standing = standingOf(db, check.account, check.period);
    const unit = breach(check, standing, amount);
    if (unit !== null) return { check, unit, standing };
  }
  db.run(
    `INSERT INTO reservations (run_id, n, owner, channel, provider, model, day, input, output, nano, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    runId,
    n,
    owner,
    channel,
    provider,
    model,
    dayOf(at),
    input,
    output,
    amount.nano,
    at,
  );
  return null;
}

/** Reads only; what was never asked of a limit is summed up from the ledger. */
export const budgetStandings = (db: Database, of: { account: Account; period: Period }[]): Standing[] =>
  of.map(({ account, period }) => standingOf(db, account, period));

function standingOf(db: Database, account: Account, period: Period): Standing {
  const { owner, channel, session } = narrowed(account);
  const reserved = db.get<Sums>(
    `SELECT COALESCE(SUM(nano), 0) AS nano, COALESCE(SUM(input + output), 0) AS tokens FROM reservations
     WHERE day >= ? AND day < ? AND (? IS NULL OR owner = ?) AND (? IS NULL OR channel = ?)
       AND (? IS NULL OR ? = (SELECT session_key FROM runs WHERE id = run_id))`,
    period,
    lastOf(period),
    owner,
    owner,
    channel,
    channel,
    session,
    session,
  );
  return { spent: kept(db, account, period) ?? summed(db, account, period), reserved: reserved ?? nothing };
}

const nothing: Sums = { nano: 0, tokens: 0 };

const kept = (db: Database, account: Account, period: Period): Sums | null =>
  db.get<Sums>('SELECT nano, tokens FROM budget_spent WHERE account = ? AND period = ?', account, period);

function summed(db: Database, account: Account, period: Period): Sums {
  const { owner, channel, session } = narrowed(account);
  if (session !== null) return summedOf(db, session, period);
  const sums = db.get<{ cost: number; tokens: number }>(
    `SELECT COALESCE(SUM(cost), 0) AS cost, COALESCE(SUM(input + cache_read + cache_write + output), 0) AS tokens
     FROM usage_days WHERE day >= ? AND day < ? AND (? IS NULL OR owner = ?) AND (? IS NULL OR channel = ?)`,
    period,
    lastOf(period),
    owner,
    owner,
    channel,
    channel,
  );
  return sums === null ? nothing : { nano: nanoOf(sums.cost), tokens: sums.tokens };
}

/** Of one job, by the rows of its runs. */
function summedOf(db: Database, session: string, period: Period): Sums {
  const sums = db.get<{ cost: number; tokens: number }>(
    `SELECT COALESCE(SUM(a.cost), 0) AS cost, COALESCE(SUM(
       a.usage ->> 'input' + a.usage ->> 'cacheRead' + a.usage ->> 'cacheWrite' + a.usage ->> 'output'), 0) AS tokens
     FROM sessions s JOIN runs r ON r.session = s.id JOIN attempts a ON a.run_id = r.id
     WHERE s.key = ? AND a.started_at >= ? AND a.started_at < ? AND a.outcome IS NOT NULL`,
    session,
    Date.parse(period),
    renewsAt(period),
  );
  return sums === null ? nothing : { nano: nanoOf(sums.cost), tokens: sums.tokens };
}

function begin(db: Database, account: Account, period: Period): void {
  if (kept(db, account, period) !== null) return;
  const { nano, tokens } = summed(db, account, period);
  db.run(
    'INSERT INTO budget_spent (account, period, owner, nano, tokens) VALUES (?, ?, ?, ?, ?)',
    account,
    period,
    narrowed(account).owner,
    nano,
    tokens,
  );
}

/** What the calls that a crash cut had cost at the most is what they cost. */
export function settleInterrupted(db: Database): void {
  for (const cut of db.all<ReservationRecord>('SELECT * FROM reservations')) saveAttempts(db, [interrupted(cut)]);
}

const interrupted = ({
  run_id,
  n,
  owner,
  channel,
  provider,
  model,
  input,
  output,
  nano,
  at,
}: ReservationRecord): AttemptRow => ({
  runId: run_id,
  n,
  owner,
  channel,
  provider,
  model,
  startedAt: at,
  finishedAt: null,
  outcome: 'interrupted',
  phase: null,
  status: null,
  detail: 'a crash cut it; it counts as what it could have cost',
  usage: usageOf({ input, output }),
  cost: nano === null ? null : usdOf(nano),
});

export const budgetOverrides = (db: Database, limit: number): { owner: string; override: Override }[] =>
  db
    .all<{ owner: string; limits: string }>('SELECT owner, limits FROM budget_overrides ORDER BY owner LIMIT ?', limit)
    .map(({ owner, limits }) => ({ owner, override: JSON.parse(limits) as Override }));

export function setBudgetOverride(db: Database, owner: string, override: Override | null, max: number): boolean {
  if (override === null) {
    db.run('DELETE FROM budget_overrides WHERE owner = ?', owner);
    return db.get('SELECT 1 FROM people WHERE id = ?', owner) !== null;
  }
  return (
    db.run(
      `INSERT INTO budget_overrides (owner, limits)
         SELECT id, ? FROM people WHERE id = ? AND (SELECT COUNT(*) FROM budget_overrides WHERE owner <> ?) < ?
       ON CONFLICT (owner) DO UPDATE SET limits = excluded.limits`,
      toJson(override),
      owner,
      owner,
      max,
    ) > 0
  );
}
