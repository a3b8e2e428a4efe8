import type { BudgetLine } from '../../core/budget.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';
import { budgetLines } from './usage.ts';

const names = ['usd-day', 'usd-month', 'tokens-day', 'tokens-month'] as const;
type Limit = number | null | 'default';
type WireLimits = { [name: string]: number | null };

export const budget: Handler = async (invocation) => {
  const { options, positionals, terminal } = invocation;
  const change = Object.fromEntries(
    names.flatMap((name): [string, Limit][] => {
      const text = options.value(name);
      return text === undefined ? [] : [[name.replace('-', '_'), limitOf(name, text)]];
    }),
  );
  const client = await GatewayClient.of(invocation);
  const path = `/api/v1/people/${encodeURIComponent(positionals[0] ?? '')}/budget`;
  type Body = { limits: WireLimits; own: WireLimits; budgets: BudgetLine[] };
  const body = Object.keys(change).length === 0 ? await client.get<Body>(path) : await client.post<Body>(path, change);
  if (options.has('json')) terminal.json(body);
  else {
    for (const [name, limit] of Object.entries(body.limits)) {
      const own = name in body.own ? ' (their own)' : '';
      terminal.line(`${name.padEnd(12)}  ${limit ?? 'no limit'}${own}`);
    }
    for (const line of budgetLines(body.budgets, Date.now())) terminal.line(line);
  }
  return 0;
};

function limitOf(name: string, text: string): Limit {
  if (text === 'default') return text;
  if (text === 'none') return null;
  if (/^\d+(\.\d+)?$/.test(text) && (name.startsWith('usd') || !text.includes('.'))) return Number(text);
  const form = name.startsWith('usd') ? 'US dollars such as 2.50' : 'a whole number of tokens';
  throw new CliError(`--${name} takes ${form}, "none" for no limit, or "default" for that of the role.`, 2);
}
