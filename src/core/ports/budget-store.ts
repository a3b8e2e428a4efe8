/** What was spent, what is reserved and what each may: a part of the Store, under its promises. */
import type { Account, Amount, Check, Override, Period, Standing } from '../budget.ts';

/**
 * A ledger row that is about to begin, and what its call can come to at the most. It is settled by the completed ledger
 * row of the same run and `n` (`saveAttempts`, `finishRun`), in one transaction with the sums of its day; a row that
 * was cut by a crash is completed as estimated when the runs are recovered, so that no money is ever forgotten.
 */
export interface Reservation {
  runId: string;
  n: number;
  /** The person. */
  owner: string;
  /** A type such as `telegram`, or `api`. */
  channel: string;
  provider: string;
  model: string;
  /** Tokens. */
  input: number;
  output: number;
  amount: Amount;
  at: number;
  /** All must hold, or nothing is reserved. */
  checks: Check[];
}

/** The first check that does not hold, and how it stands. */
export interface Refused {
  check: Check;
  unit: 'usd' | 'tokens' | 'price';
  standing: Standing;
}

export interface UsageRow {
  day: string;
  owner: string;
  provider: string;
  model: string;
  calls: number;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  /** US dollars of those whose price is known; null when none is. */
  cost: number | null;
  /** Calls whose price is unknown. */
  unpriced: number;
}

export interface BudgetStore {
  /** By day (UTC), person and model; of one channel where it is named. */
  usage(sinceMs: number, owner: string | null, channel?: string | null): Promise<UsageRow[]>;
  /** Null when it is reserved. Said twice, the second time changes nothing. */
  reserveBudget(reservation: Reservation): Promise<Refused | null>;
  /** In the order asked. */
  budgetStandings(of: { account: Account; period: Period }[]): Promise<Standing[]>;
  /** At most `limit`. */
  budgetOverrides(limit: number): Promise<{ owner: string; override: Override }[]>;
  /** Null takes it away. False when there is no such person, or `max` others have one. */
  setBudgetOverride(owner: string, override: Override | null, max: number): Promise<boolean>;
}
