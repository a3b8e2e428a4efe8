import type { BudgetLine } from '../../core/budget.ts';
import type { UsageLine } from '../../core/ports/gateway.ts';
import { formatDuration } from '../../core/units.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';

const maxDays = 366;

export const usage: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const days = options.value('days') ?? '30';
  if (!/^[1-9]\d{0,2}$/.test(days) || Number(days) > maxDays)
    throw new CliError(`--days takes a whole number from 1 to ${maxDays}.`, 2);
  const query = new URLSearchParams({ days });
  for (const name of ['person', 'channel']) {
    const value = options.value(name);
    if (value !== undefined) query.set(name, value);
  }
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ usage: UsageLine[]; budgets: BudgetLine[]; prices_as_of: string }>(
    `/api/v1/usage?${query.toString()}`,
  );
  if (options.has('json')) terminal.json(body);
  else for (const line of usageLines(body.usage, body.budgets, body.prices_as_of, Date.now())) terminal.line(line);
  return 0;
};

/** `now`: milliseconds since the epoch. */
function usageLines(usage: readonly UsageLine[], budgets: readonly BudgetLine[], asOf: string, now: number): string[] {
  return [
    ...(usage.length === 0 ? ['Nothing was used.'] : usage.map(usageLine)),
    ...budgetLines(budgets, now),
    `Built-in prices are those of ${asOf}.`,
  ];
}

function usageLine({ day, person, provider, model, calls, unpriced, cost, ...tokens }: UsageLine): string {
  const read = tokens.input + tokens.cacheRead + tokens.cacheWrite;
  const unknown = unpriced === 0 ? '' : ` (${unpriced} of unknown price)`;
  const words = [day, person, `${provider}/${model}`, `${calls} calls`, `${read} tokens in`, `${tokens.output} out`];
  return [...words, `${cost === null ? '-' : `$${cost.toFixed(6)}`}${unknown}`].join('  ');
}

/** How limits stand; nothing where there are none. */
export const budgetLines = (budgets: readonly BudgetLine[], now: number): string[] =>
  budgets.length === 0
    ? []
    : ['Left:', ...budgets.map((line) => `  ${line.account}, ${line.period}: ${leftOf(line)}, ${renewed(line, now)}`)];

const leftOf = ({ unit, left, limit }: BudgetLine): string =>
  unit === 'usd' ? `$${left.toFixed(4)} of $${limit.toFixed(limit < 0.01 ? 4 : 2)}` : `${left} of ${limit} tokens`;

const renewed = ({ renewsAt }: BudgetLine, now: number): string => `renewed in ${formatDuration(renewsAt - now)}`;
