import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openStore, type SqliteStore } from '../../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import type { Log, Metrics } from '../../../src/core/ports/system.ts';
import { putEmptyDatabase } from '../../support/store.ts';

export const migrationsDir = path.resolve(import.meta.dirname, '../../../migrations');

const silent = (): void => {};
export const quietLog: Log = {
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  with: () => quietLog,
};

/** Metrics that keep what was observed, by name. */
export function keptMetrics(): Metrics & { seen: Map<string, number[]>; gauges: Map<string, () => unknown> } {
  const seen = new Map<string, number[]>();
  const gauges = new Map<string, () => unknown>();
  return {
    seen,
    gauges,
    counter: () => ({ add: silent }),
    gauge: () => ({ set: silent }),
    observe: (name, _help, read) => void gauges.set(name, read),
    histogram: (name) => {
      const values: number[] = [];
      seen.set(name, values);
      return { observe: (value) => void values.push(value) };
    },
    render: () => '',
  };
}

/** A folder for one test. */
export function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'clanker-store-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

export async function open(
  t: TestContext,
  file: string,
  more: { migrationsDir?: string; metrics?: Metrics } = {},
): Promise<SqliteStore> {
  const store = await openStore({
    path: file,
    migrationsDir,
    log: quietLog,
    metrics: keptMetrics(),
    clock: systemClock,
    ...more,
  });
  t.after(() => store.close());
  return store;
}

export async function openEmpty(t: TestContext): Promise<SqliteStore> {
  const file = path.join(folder(t), 'store.db');
  await putEmptyDatabase(file);
  return open(t, file);
}
