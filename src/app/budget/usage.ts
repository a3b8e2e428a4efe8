import type { BudgetLine, Limits, Override } from '../../core/budget.ts';
import { limitNames, nanoOf, usdOf } from '../../core/budget.ts';
import { notFound } from '../../core/errors.ts';
import type { PersonBudget, UsageLine } from '../../core/ports/gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { requireScope, scopeIncludes, type Principal } from '../../core/principal.ts';
import type { Budgets } from './budgets.ts';

const dayMs = 86_400_000;

/** What of a person's limits changes: a limit, null for none, `default` for that of their role. */
export type BudgetChange = { [K in keyof Limits]?: number | null | 'default' };

/** What models were used for and what is left, as clients see it: their own, and with `admin` everybody's. */
export class Usage {
  readonly #deps: { store: Store; clock: Clock; budgets: Budgets };

  constructor(deps: { store: Store; clock: Clock; budgets: Budgets }) {
    this.#deps = deps;
  }

  async lines(
    principal: Principal,
    { days, person, channel }: { days: number; person?: string; channel?: string },
  ): Promise<UsageLine[]> {
    const { store, clock } = this.#deps;
    if (person !== undefined) await this.#find(principal, person);
    const owner = person ?? (seesAll(principal) ? null : principal.person);
    const rows = await store.usage(clock.now() - days * dayMs, owner, channel ?? null);
    // Sums of floating point numbers have a tail that nobody paid.
    const paid = (usd: number | null): number | null => (usd === null ? null : usdOf(nanoOf(usd)));
    return rows.map(({ owner, ...row }) => ({ person: owner, ...row, cost: paid(row.cost) }));
  }

  /** Those of a person, by default oneself; with `admin` also those that all share. */
  async budgets(principal: Principal, person: string = principal.person): Promise<BudgetLine[]> {
    await this.#find(principal, person);
    const { budgets } = this.#deps;
    const own = await budgets.ofPerson(person);
    return seesAll(principal) ? [...own, ...(await budgets.shared())] : own;
  }

  async budgetOf(principal: Principal, person: string): Promise<PersonBudget> {
    await this.#find(principal, person);
    const { limits, override } = await this.#deps.budgets.limitsOf(person);
    return { limits, own: override, budgets: await this.#deps.budgets.ofPerson(person) };
  }

  async setBudget(principal: Principal, person: string, change: BudgetChange): Promise<PersonBudget> {
    requireScope(principal, 'admin');
    const { budgets } = this.#deps;
    const { override } = await budgets.limitsOf(person);
    await budgets.setOverride(person, changed(override, change));
    return this.budgetOf(principal, person);
  }

  /** Somebody else is not found, whether they are there or not. */
  async #find(principal: Principal, person: string): Promise<void> {
    const visible = seesAll(principal) || person === principal.person;
    if (!visible || (await this.#deps.store.person(person)) === null) throw notFound('person');
  }
}

function changed(override: Override, change: BudgetChange): Override {
  const next: Override = { ...override };
  for (const name of limitNames) {
    const value = change[name];
    if (value === 'default') delete next[name];
    else if (value !== undefined) next[name] = value;
  }
  return next;
}

const seesAll = (principal: Principal): boolean => scopeIncludes(principal.scope, 'admin');
