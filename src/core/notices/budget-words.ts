/** What is said about what models cost and who may spend how much, in one language. Amounts come as they are shown. */
export interface BudgetWords {
  /** To somebody whose question was not asked of a model. `left` and `limit` only of their own budget. */
  exceeded(of: {
    whose: 'person' | 'channel' | 'total';
    period: 'day' | 'month';
    own: { left: string; limit: string } | null;
    renewsIn: string;
  }): string;
  unpriced(model: string): string;
  /** An amount of them, such as `12.3k`. */
  tokens(amount: string): string;
  today: string;
  thisMonth: string;
  /** `cost` is null where no price is known. */
  sum(of: { calls: number; tokens: string; cost: string | null }): string;
  /** Behind a sum: calls that stand in it without a price. */
  unpricedCalls(count: number): string;
  nothing: string;
  /** Before what is left. */
  left: string;
  accounts: Readonly<Record<'person' | 'total', string>>;
  channel(name: string): string;
  periods: Readonly<Record<'day' | 'month', string>>;
  budget(of: { whose: string; period: string; left: string; limit: string; renewsIn: string }): string;
  unlimited: string;
  /** Before the sums of all people. */
  everybody: string;
  /** When the built-in prices were looked up. */
  pricesAsOf(date: string): string;
}
