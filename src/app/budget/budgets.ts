import {
  checksOf,
  isUnlimited,
  limitsWith,
  linesOf,
  noLimits,
  renewsAt,
  usdOf,
  type Account,
  type BudgetLine,
  type Estimate,
  type Limits,
  type Override,
} from '../../core/budget.ts';
import { ClankerError, notFound } from '../../core/errors.ts';
import { isJobSessionKey } from '../../core/session-key.ts';
import type { Refused } from '../../core/ports/budget-store.ts';
import type { AttemptRow } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Log, Metrics } from '../../core/ports/system.ts';
import type { PersonRole } from '../../core/principal.ts';
import { formatDuration } from '../../core/units.ts';

/** People who have limits of their own; they are held in memory, so that a turn without limits asks no database. */
const maxOverrides = 10_000;

/** What the configuration says. */
export interface BudgetSettings {
  total: Limits;
  /** Of each person of the role. */
  roles: Readonly<Record<PersonRole, Limits>>;
  /** By type, such as `telegram`, or `api`. */
  channels: Readonly<Record<string, Limits>>;
  /** Of each job. */
  job: Limits;
}

export interface BudgetDeps {
  store: Pick<Store, 'reserveBudget' | 'budgetStandings' | 'budgetOverrides' | 'setBudgetOverride' | 'person'>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  roleOf: (person: string) => Promise<PersonRole>;
  /** Of the configuration in force. */
  settings: () => BudgetSettings;
}

/**
 * A call that was not made. Code `budget_exceeded`, with the time until it renews, or `price_unknown`. `refused` says
 * which limit, for who words it.
 */
export class BudgetRefusal extends ClankerError {
  readonly refused: Refused;
  /** `provider/model` */
  readonly model: string;

  constructor(refused: Refused, model: string, now: number) {
    if (refused.unit === 'price') {
      const provider = model.slice(0, model.indexOf('/'));
      super(
        'config',
        'price_unknown',
        `What "${model}" costs is unknown, and a limit in money is in force: set providers.${provider}.prices, or limit tokens instead.`,
      );
    } else {
      const waitMs = Math.max(0, renewsAt(refused.check.period) - now);
      const lines = linesOf(refused.check, refused.standing).filter(({ unit }) => unit === refused.unit);
      const [line] = lines;
      const left = line === undefined ? '' : `${amountText(line)} left of ${limitText(line)}, `;
      super(
        'rate_limited',
        'budget_exceeded',
        `${accountWords(refused.check.account)} does not reach for this call (${left}renewed in ${formatDuration(waitMs)}).`,
        { retryable: true, retryAfterMs: waitMs },
      );
    }
    this.refused = refused;
    this.model = model;
  }
}

const accountWords = (account: Account): string =>
  account === 'total'
    ? 'The budget of this gateway'
    : account.startsWith('channel:')
      ? 'The budget of this channel'
      : account.startsWith('job:')
        ? 'The budget of this job'
        : 'Your budget';

const amountText = ({ unit, left }: BudgetLine): string => (unit === 'usd' ? `$${left.toFixed(4)}` : `${left} tokens`);
const limitText = ({ unit, limit }: BudgetLine): string =>
  unit === 'usd' ? `$${limit.toFixed(limit < 0.01 ? 4 : 2)}` : String(limit);

/** Who may spend how much: reserved before each request to a model, in the store, and settled with its ledger row. */
export class Budgets {
  readonly #deps: BudgetDeps;
  readonly #refusals: Counter;
  readonly #overrides = new Map<string, Override>();

  constructor(deps: BudgetDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'budgets' }) };
    this.#refusals = deps.metrics.counter(
      'budget_refusals_total',
      'Model calls that were not made, by whose budget (total, channel, person, job) and unit (usd, tokens, price).',
    );
  }

  /** Learns who has limits of their own. */
  async start(): Promise<void> {
    for (const { owner, override } of await this.#deps.store.budgetOverrides(maxOverrides))
      this.#overrides.set(owner, override);
  }

  /**
   * Reserves what a call can come to. Null at once, and without a look at the store, where nothing limits anybody;
   * resolves with null where nothing limits this person here. `session`: that of the question. Rejects with a
   * BudgetRefusal.
   */
  hold(row: AttemptRow, session: string, estimate: () => Estimate): Promise<Estimate | null> | null {
    const { channel = 'api' } = row;
    const { total, channels, roles, job } = this.#deps.settings();
    const ofJob = isJobSessionKey(session) ? job : noLimits;
    const ofPeople = this.#overrides.has(row.owner) || Object.values(roles).some((limits) => !isUnlimited(limits));
    if (!ofPeople && [total, channels[channel] ?? noLimits, ofJob].every(isUnlimited)) return null;
    const ofSession = isJobSessionKey(session) ? ([[session, job]] as const) : [];
    return this.#reserve(row, channel, ofSession, estimate);
  }

  /** What holds for a person, their role's limits and what differs. */
  async limitsOf(person: string): Promise<{ limits: Limits; override: Override }> {
    const override = this.#overrides.get(person) ?? {};
    const limits = this.#deps.settings().roles[await this.#deps.roleOf(person)];
    return { limits: limitsWith(limits, override), override };
  }

  /** Null takes back whatever differed. In force with the next call. */
  async setOverride(person: string, override: Override | null): Promise<void> {
    const { store } = this.#deps;
    const kept = override === null || Object.keys(override).length === 0 ? null : override;
    if (!(await store.setBudgetOverride(person, kept, maxOverrides))) {
      if ((await store.person(person)) === null) throw notFound('person');
      throw new ClankerError(
        'conflict',
        'too_many_budgets',
        `${maxOverrides} people have a budget of their own; set those of the roles in [budgets].`,
      );
    }
    if (kept === null) this.#overrides.delete(person);
    else this.#overrides.set(person, kept);
  }

  /** The person is gone; the row went with them. */
  forget(person: string): void {
    this.#overrides.delete(person);
  }

  /** How the limits of a person stand. */
  async ofPerson(person: string): Promise<BudgetLine[]> {
    return this.#lines([[`person:${person}`, (await this.limitsOf(person)).limits]]);
  }

  /** How those stand that all share. */
  shared(): Promise<BudgetLine[]> {
    const { total, channels } = this.#deps.settings();
    const ofChannels = Object.entries(channels).map(([name, limits]) => [`channel:${name}`, limits] as const);
    return this.#lines([['total', total], ...ofChannels]);
  }

  async #reserve(
    row: AttemptRow,
    channel: string,
    ofSession: readonly (readonly [Account, Limits])[],
    estimate: () => Estimate,
  ): Promise<Estimate | null> {
    const { store, log, clock, settings } = this.#deps;
    const { total, channels } = settings();
    const checks = checksOf(
      [
        [`person:${row.owner}`, (await this.limitsOf(row.owner)).limits],
        ...ofSession,
        [`channel:${channel}`, channels[channel] ?? noLimits],
        ['total', total],
      ],
      row.startedAt,
    );
    if (checks.length === 0) return null;
    const { runId, n, owner, provider, model, startedAt } = row;
    const estimated = estimate();
    const { input, output, amount } = estimated;
    const refused = await store.reserveBudget({
      runId,
      n,
      owner,
      channel,
      provider,
      model,
      input,
      output,
      amount,
      at: startedAt,
      checks,
    });
    if (refused === null) return estimated;
    const [kind = ''] = refused.check.account.split(':', 1);
    this.#refusals.add(1, { account: kind, unit: refused.unit });
    log.info('a model was not asked: a budget does not reach', {
      run_id: runId,
      person: owner,
      model: `${provider}/${model}`,
      account: refused.check.account,
      period: refused.check.period,
      unit: refused.unit,
      ...(amount.nano === null ? {} : { needed_usd: usdOf(amount.nano) }),
      needed_tokens: amount.tokens,
    });
    throw new BudgetRefusal(refused, `${provider}/${model}`, clock.now());
  }

  async #lines(accounts: readonly (readonly [Account, Limits])[]): Promise<BudgetLine[]> {
    const checks = checksOf(accounts, this.#deps.clock.now());
    if (checks.length === 0) return [];
    const standings = await this.#deps.store.budgetStandings(
      checks.map(({ account, period }) => ({ account, period })),
    );
    return checks.flatMap((check, i) => {
      const standing = standings[i];
      return standing === undefined ? [] : linesOf(check, standing);
    });
  }
}
