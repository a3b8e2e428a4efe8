import { Budgets, type BudgetSettings } from '../app/budget/budgets.ts';
import type { LimitOptions } from '../config/budgets.ts';
import type { Config } from '../config/schema.ts';
import type { Limits } from '../core/budget.ts';
import type { Access } from './access.ts';

const limitsOf = ({ usd_day, usd_month, tokens_day, tokens_month }: LimitOptions): Limits => ({
  usdDay: usd_day ?? null,
  usdMonth: usd_month ?? null,
  tokensDay: tokens_day ?? null,
  tokensMonth: tokens_month ?? null,
});

const settingsOf = ({ total, channels, job, owner, member, guest }: Config['budgets']): BudgetSettings => ({
  total: limitsOf(total),
  roles: { owner: limitsOf(owner), member: limitsOf(member), guest: limitsOf(guest) },
  job: limitsOf(job),
  channels: Object.fromEntries(Object.entries(channels).map(([name, limits]) => [name, limitsOf(limits)])),
});

/** Budgets that follow the configuration in force. */
export function composeBudgets(access: Access): Budgets {
  const { live, directory } = access;
  let from: Config['budgets'] | null = null;
  let settings = settingsOf(live.config.budgets);
  return new Budgets({
    ...access,
    roleOf: (person) => directory.roleOf(person),
    settings: () => {
      const now = live.config.budgets;
      if (now !== from) settings = settingsOf(now);
      from = now;
      return settings;
    },
  });
}
