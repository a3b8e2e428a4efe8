/**
 * What people, channels and the whole gateway may spend on models: pure rules over plain data. Money is counted in
 * whole nanodollars (10⁻⁹ US dollars), so that sums are exact. Days and months are those of UTC, as in the ledger.
 */
import type { Usage } from './ports/provider.ts';
import type { Prices } from './prices.ts';

/** What limits can be set on; each null where there is none. US dollars and tokens, of a day and of a month. */
export interface Limits {
  usdDay: number | null;
  usdMonth: number | null;
  tokensDay: number | null;
  tokensMonth: number | null;
}

export const limitNames = ['usdDay', 'usdMonth', 'tokensDay', 'tokensMonth'] as const satisfies (keyof Limits)[];
export const noLimits: Limits = { usdDay: null, usdMonth: null, tokensDay: null, tokensMonth: null };

export const isUnlimited = (limits: Limits): boolean => limitNames.every((name) => limits[name] === null);

/** What differs for one person from the limits of their role; null lifts a limit. */
export type Override = Partial<Limits>;

export const limitsWith = (limits: Limits, override: Override | null): Limits => ({ ...limits, ...override });

/** Whom a call is counted for. A channel is a type such as `telegram`, or `api`; a job is named by the key of its session. */
export type Account = 'total' | `person:${string}` | `channel:${string}` | `job:${string}`;

export type Unit = 'usd' | 'tokens';

/** An amount of both units. `nano` is null where the price is unknown. */
export interface Amount {
  nano: number | null;
  tokens: number;
}

/** What was spent and what is reserved by calls under way, of an account in a period. */
export interface Standing {
  spent: { nano: number; tokens: number };
  reserved: { nano: number; tokens: number };
}

/** `2026-01-15` or `2026-01`. */
export type Period = string;

/** One account in one period, and how much it may come to. */
export interface Check {
  account: Account;
  period: Period;
  nano: number | null;
  tokens: number | null;
}

const nanoPerUsd = 1e9;

/** Above this the whole numbers of JavaScript end; nobody's limit is there. */
export const maxLimitUsd = 1_000_000;

export const nanoOf = (usd: number): number => Math.round(usd * nanoPerUsd);
export const usdOf = (nano: number): number => nano / nanoPerUsd;

export const tokensOf = ({
  input,
  cacheRead,
  cacheWrite,
  output,
}: Pick<Usage, 'input' | 'cacheRead' | 'cacheWrite' | 'output'>): number => input + cacheRead + cacheWrite + output;

export const dayOf = (at: number): Period => new Date(at).toISOString().slice(0, 10);
export const monthOf = (at: number): Period => new Date(at).toISOString().slice(0, 7);

const isMonth = (period: Period): boolean => period.length === 7;

/** Milliseconds since the epoch at which what was spent in a period counts no more. */
export function renewsAt(period: Period): number {
  const [year = 0, month = 1, day] = period.split('-').map(Number);
  return day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1);
}

/** What must hold for a call at a time, the accounts in the order in which they are told of. */
export function checksOf(accounts: readonly (readonly [Account, Limits])[], at: number): Check[] {
  return accounts
    .flatMap(([account, { usdDay, usdMonth, tokensDay, tokensMonth }]): Check[] => [
      { account, period: dayOf(at), nano: usdDay === null ? null : nanoOf(usdDay), tokens: tokensDay },
      { account, period: monthOf(at), nano: usdMonth === null ? null : nanoOf(usdMonth), tokens: tokensMonth },
    ])
    .filter(({ nano, tokens }) => nano !== null || tokens !== null);
}

/** Of the answer of a call whose request sets no limit: what is reserved, and what the provider is then told. */
export const defaultMaxOutput = 8192;

/** What a call can come to at the most, as tokens and as money: no cache helps it, and it answers as long as it may. */
export interface Estimate {
  input: number;
  output: number;
  amount: Amount;
}

export function estimateOf(input: number, output: number, prices: Prices | null): Estimate {
  const tokens = input + output;
  if (prices === null) return { input, output, amount: { nano: null, tokens } };
  const dearest = Math.max(prices.input, prices.cacheRead, prices.cacheWrite);
  const nano = Math.ceil((input * dearest + output * prices.output) * (nanoPerUsd / 1e6));
  return { input, output, amount: { nano, tokens } };
}

/** The usage that a reservation stands for, where nobody knows the real one. */
export const usageOf = ({ input, output }: Pick<Estimate, 'input' | 'output'>): Usage => ({
  input,
  cacheRead: 0,
  cacheWrite: 0,
  output,
  reasoning: 0,
  estimated: true,
});

/** The unit in which an amount does not fit any more, or null. A price nobody knows never fits into money. */
export function breach(check: Check, { spent, reserved }: Standing, amount: Amount): Unit | 'price' | null {
  if (check.nano !== null) {
    if (amount.nano === null) return 'price';
    if (spent.nano + reserved.nano + amount.nano > check.nano) return 'usd';
  }
  if (check.tokens !== null && spent.tokens + reserved.tokens + amount.tokens > check.tokens) return 'tokens';
  return null;
}

/** How a limit stands, as it is shown. `left` never counts what is only reserved as free. */
export interface BudgetLine {
  account: Account;
  period: 'day' | 'month';
  unit: Unit;
  /** US dollars or tokens, by the unit. */
  limit: number;
  spent: number;
  reserved: number;
  left: number;
  /** Milliseconds since the epoch. */
  renewsAt: number;
}

export function linesOf({ account, period, nano, tokens }: Check, { spent, reserved }: Standing): BudgetLine[] {
  const line = (unit: Unit, limit: number, used: number, held: number, shown: (n: number) => number): BudgetLine => ({
    account,
    period: isMonth(period) ? 'month' : 'day',
    unit,
    limit: shown(limit),
    spent: shown(used),
    reserved: shown(held),
    left: shown(Math.max(0, limit - used - held)),
    renewsAt: renewsAt(period),
  });
  return [
    ...(nano === null ? [] : [line('usd', nano, spent.nano, reserved.nano, usdOf)]),
    ...(tokens === null ? [] : [line('tokens', tokens, spent.tokens, reserved.tokens, (n) => n)]),
  ];
}
