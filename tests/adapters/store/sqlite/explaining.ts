import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Database } from '../../../../src/adapters/store/sqlite/database.ts';

/** A connection that explains every statement before it runs and keeps those that read a whole big table. */
export class ExplainingDatabase extends Database {
  readonly scans = new Set<string>();
  /** How many statements were looked at. */
  looked = 0;
  readonly #explain: DatabaseSync;
  readonly #bad: RegExp;

  /** `bad`: steps of a plan that read what gathers for ever. */
  constructor(file: string, bad: RegExp) {
    super(file);
    this.#explain = new DatabaseSync(file, { readOnly: true });
    this.#bad = bad;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as in Database
  override get<T>(sql: string, ...values: SQLInputValue[]): T | null {
    this.#look(sql);
    return super.get<T>(sql, ...values);
  }

  override all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    this.#look(sql);
    return super.all<T>(sql, ...values);
  }

  override run(sql: string, ...values: SQLInputValue[]): number {
    this.#look(sql);
    return super.run(sql, ...values);
  }

  override close(): void {
    this.#explain.close();
    super.close();
  }

  #look(sql: string): void {
    this.looked++;
    const steps = this.#explain
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row['detail']));
    // A sort reads what ever was, but for one of what was just gathered.
    for (const step of steps) {
      const sorts = /USE TEMP B-TREE FOR ORDER BY/.test(step) && !steps.includes('SCAN heads');
      if (this.#bad.test(step) || sorts) this.scans.add(`${step}: ${sql}`);
    }
  }
}
