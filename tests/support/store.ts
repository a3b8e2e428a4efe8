import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openStore, type SqliteStore } from '../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import { CountedMetrics, KeptLog } from './door.ts';

export const migrationsDir = path.resolve(import.meta.dirname, '../../migrations');

const open = (file: string): Promise<SqliteStore> =>
  openStore({ path: file, migrationsDir, log: new KeptLog(), metrics: new CountedMetrics(), clock: systemClock });

/** The migrations are run once in a process; what they make is copied. */
let empty: Promise<string> | null = null;

async function emptyDatabase(): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'open-clanker-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'empty.db');
  await (await open(file)).close();
  return file;
}

/** A database without rows, as the migrations leave it: made in a moment, where they take many. */
export async function putEmptyDatabase(file: string): Promise<void> {
  copyFileSync(await (empty ??= emptyDatabase()), file);
}

/** A real store on a fresh file, closed and removed with the test. */
export const freshStore = async (t: TestContext): Promise<SqliteStore> => (await freshDatabase(t)).store;

/** The same with its file, for what no operation tells. */
export async function freshDatabase(t: TestContext): Promise<{ store: SqliteStore; file: string }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'open-clanker-'));
  const file = path.join(folder, 'test.db');
  await putEmptyDatabase(file);
  const store = await open(file);
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { store, file };
}
