import { linesOf, type BudgetLine, type Unit } from '../../core/budget.ts';
import type { Words } from '../../core/notices/index.ts';
import { formatDuration } from '../../core/units.ts';
import { BudgetRefusal } from './budgets.ts';

/** `$0.42`, `$0.00031`, `12.3k`, `1.2M`: short, and the same in every language. */
export function amountText(unit: Unit, amount: number): string {
  if (unit === 'usd') return amount === 0 || amount >= 0.01 ? `$${amount.toFixed(2)}` : `$${smallText(amount)}`;
  if (amount >= 1e6) return `${(amount / 1e6).toFixed(1)}M`;
  return amount >= 10_000 ? `${(amount / 1e3).toFixed(1)}k` : String(amount);
}

const smallText = (amount: number): string => amount.toFixed(Math.min(9, 1 - Math.floor(Math.log10(amount))));

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
        : { left: amountText(unit, line.left), limit: amountText(unit, line.limit) },
    renewsIn: formatDuration(error.retryAfterMs ?? 0),
  });
}
