import { dayOf, monthOf, tokensOf, type BudgetLine } from '../../core/budget.ts';
import type { BudgetWords } from '../../core/notices/budget-words.ts';
import type { UsageRow } from '../../core/ports/budget-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { pricesAsOf } from '../../core/prices.ts';
import { may } from '../../core/roles.ts';
import { nameInMarkdown } from '../access/names.ts';
import type { CommandContext, CommandRegistry } from '../commands/registry.ts';
import type { Budgets } from './budgets.ts';
import { amountText, limitText, renewalText } from './notice.ts';

const maxModels = 10;
const maxPeople = 20;

export interface UsageCommandDeps {
  store: Pick<Store, 'usage' | 'person'>;
  clock: Clock;
  budgets: Budgets;
}

interface Sum {
  calls: number;
  tokens: number;
  cost: number | null;
  unpriced: number;
}

/** /usage: what models were used for, and what is left. Everybody sees their own; owners, alone with us, all. */
export function registerUsageCommands(registry: CommandRegistry, deps: UsageCommandDeps): void {
  registry.register({ name: 'usage', run: (context) => usage(context, deps) });
}

async function usage(context: CommandContext, { store, clock, budgets }: UsageCommandDeps): Promise<string> {
  const { person, role, inbound } = context;
  const words = context.words.budget;
  const now = clock.now();
  const since = Date.parse(`${monthOf(now)}-01T00:00:00Z`);
  const all = may(role, 'inspect') && inbound.chatType === 'direct';
  const rows = await store.usage(since, all ? null : person.id);
  const own = rows.filter(({ owner }) => owner === person.id);
  const lines = [
    `${words.today}: ${sumText(sumOf(own.filter(({ day }) => day === dayOf(now))), words)}`,
    `${words.thisMonth}: ${sumText(sumOf(own), words)}`,
    ...grouped(own, ({ provider, model }) => `${provider}/${model}`)
      .slice(0, maxModels)
      .map(([name, sum]) => `- \`${name.replaceAll('`', "'")}\`: ${sumText(sum, words)}`),
  ];
  const limited = [...(await budgets.ofPerson(person.id)), ...(all ? await budgets.shared() : [])];
  lines.push('', ...(limited.length === 0 ? [words.unlimited] : [words.left]));
  lines.push(...limited.map((line) => `- ${budgetText(line, now, words)}`));
  if (all) {
    lines.push('', words.everybody);
    for (const [id, sum] of grouped(rows, ({ owner }) => owner).slice(0, maxPeople)) {
      const name = (await store.person(id))?.name ?? id;
      lines.push(`- ${nameInMarkdown(name)} (\`${id}\`): ${sumText(sum, words)}`);
    }
    lines.push('', words.pricesAsOf(pricesAsOf));
  }
  return lines.join('\n');
}

function budgetText(line: BudgetLine, now: number, words: BudgetWords): string {
  const [kind, name = ''] = line.account.split(':');
  const whose = kind === 'channel' ? words.channel(name) : words.accounts[kind === 'person' ? 'person' : 'total'];
  return words.budget({
    whose,
    period: words.periods[line.period],
    left: amountText(line.unit, line.left),
    limit: limitText(line, words),
    renewsIn: renewalText(line, now),
  });
}

function sumText({ calls, tokens, cost, unpriced }: Sum, words: BudgetWords): string {
  if (calls === 0) return words.nothing;
  const text = words.sum({
    calls,
    tokens: amountText('tokens', tokens),
    cost: cost === null ? null : amountText('usd', cost),
  });
  return cost === null || unpriced === 0 ? text : `${text} (${words.unpricedCalls(unpriced)})`;
}

function sumOf(rows: readonly UsageRow[]): Sum {
  const sum: Sum = { calls: 0, tokens: 0, cost: null, unpriced: 0 };
  for (const row of rows) {
    sum.calls += row.calls;
    sum.tokens += tokensOf(row);
    sum.unpriced += row.unpriced;
    if (row.cost !== null) sum.cost = (sum.cost ?? 0) + row.cost;
  }
  return sum;
}

/** Those that used most tokens first. */
function grouped(rows: readonly UsageRow[], by: (row: UsageRow) => string): [string, Sum][] {
  const groups = Map.groupBy(rows, by);
  return [...groups]
    .map(([name, group]): [string, Sum] => [name, sumOf(group)])
    .toSorted(([, a], [, b]) => b.tokens - a.tokens);
}
