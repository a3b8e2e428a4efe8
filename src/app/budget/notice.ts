import { linesOf, nanoOf, type BudgetLine, type Unit } from '../../core/budget.ts';
import type { BudgetWords } from '../../core/notices/budget-words.ts';
import type { Words } from '../../core/notices/index.ts';
import { formatDuration } from '../../core/units.ts';
import { BudgetRefusal } from './budgets.ts';

/** `$0.42`, `$0.00031`, `12.3k`, `1.2M`: short, rounded down, and the same in every language. */
export function amountText(unit: Unit, amount: number): string {
  if (unit === 'usd') return amount === 0 || amount >= 0.01 ? `$${cents(amount)}` : `$${small(amount)}`;
  if (amount >= 1e6) return `${oneDigit(amount / 1e6)}M`;
  return amount >= 10_000 ? `${oneDigit(amount / 1e3)}k` : String(amount);
}

/** Whole nanodollars first: 0.29 is a little less than 29 cents. */
const cents = (usd: number): string => (Math.floor(nanoOf(usd) / 1e7) / 100).toFixed(2);
const small = (usd: number): string => usd.toFixed(Math.min(9, 1 - Math.floor(Math.log10(usd)))).replace(/0+$/, '');
const oneDigit = (amount: number): string => (Math.floor(amount * 10) / 10).toFixed(1);

/** With its unit, which then goes for what is left of it, too. */
export const limitText = ({ unit, limit }: BudgetLine, words: BudgetWords): string =>
  unit === 'usd' ? amountText(unit, limit) : words.tokens(amountText(unit, limit));

export const renewalText = ({ renewsAt }: BudgetLine, now: number): string =>
  formatDuration(Math.max(0, renewsAt - now));

/** What somebody reads whose question no model was asked because of a budget; null for any other failure. */
export function budgetNotice(error: unknown, words: Words): string | null {
  if (!(error instanceof BudgetRefusal)) return null;
  const { check, unit, standing } = error.refused;
  if (unit === 'price') return words.budget.unpriced(error.model);
  const kind = check.account.split(':', 1)[0];
  const whose = kind === 'person' || kind === 'channel' ? kind : 'total';
  const line = linesOf(check, standing).find((one) => one.unit === unit);
  return words.budget.exceeded({
    whose,
    period: line?.period ?? 'day',
    // What others may spend is not everybody's business.
    own:
      whose !== 'person' || line === undefined
        ? null
        : { left: amountText(unit, line.left), limit: limitText(line, words.budget) },
    renewsIn: formatDuration(error.retryAfterMs ?? 0),
  });
}
