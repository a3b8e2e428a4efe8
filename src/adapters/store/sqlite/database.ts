/* oxlint-disable typescript/no-unnecessary-type-parameters -- a row has the type its SQL gives it; the caller names it */
import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { ConversationRef } from '../../../core/message.ts';

/** The SQL of the product is a fixed set of texts; more than this many means that one is built from values. */
const maxStatements = 400;
export const busyTimeoutMs = 5000;

/** One SQLite connection with its prepared statements, each prepared once. Synchronous: lives in the store's worker. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: { readOnly?: boolean; timeoutMs?: number } = {}) {
    this.#db = new DatabaseSync(path, {
      readOnly: options.readOnly ?? false,
      timeout: options.timeoutMs ?? busyTimeoutMs,
    });
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  /** Rows that were changed by this connection so far; what was taken back counts, too. */
  get changes(): number {
    return this.get<{ n: number }>('SELECT total_changes() AS n')?.n ?? 0;
  }

  /** The first row, or null. `T` names the columns as the schema has them. */
  get<T>(sql: string, ...values: SQLInputValue[]): T | null {
    return (this.#statement(sql).get(...values) as T | undefined) ?? null;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(sql).all(...values) as T[];
  }

  /** How many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** One statement that is so seldom needed that it is not kept. */
  once(sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values);
  }

  /** Any number of statements, not kept. */
  script(sql: string): void {
    this.#db.exec(sql);
  }

  pragma<T extends string | number>(name: string): T {
    const row = this.#db.prepare(`PRAGMA ${name}`).get();
    return Object.values(row ?? {})[0] as T;
  }

  /** The pages as this connection sees them: those of one moment when it is in a transaction. */
  async copyTo(target: string, pagesAtOnce: number): Promise<void> {
    await backup(this.#db, target, { rate: pagesAtOnce });
  }

  rollback(): void {
    if (this.inTransaction) this.run('ROLLBACK');
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= maxStatements) throw new Error(`More than ${maxStatements} SQL texts: ${sql}`);
      statement = this.#db.prepare(withQuietLimits(sql));
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * SQLite looks at the value of a parameter that is a LIMIT or an OFFSET, to plan by it, and so prepares the statement anew
 * at every run: ten times the work of a short one. What is computed from a parameter it does not look at.
 */
const withQuietLimits = (sql: string): string => sql.replaceAll(/\b(LIMIT|OFFSET) (\?\d*)/g, '$1 $2 + 0');

export const toJson = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

export const fromJson = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));

/** The canonical text of a conversation: equal texts are equal conversations. */
export const conversationText = ({ channel, account, native, thread }: ConversationRef): string =>
  JSON.stringify([channel, account, native, thread ?? null]);

export function conversationFrom(text: string): ConversationRef {
  const [channel, account, native, thread] = JSON.parse(text) as [string, string, string, string | null];
  return { channel, account, native, ...(thread === null ? {} : { thread }) };
}
