import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openStore, type SqliteStore } from '../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import { CountedMetrics, KeptLog } from './door.ts';

export const migrationsDir = path.resolve(import.meta.dirname, '../../migrations');

/** A real store on a fresh file, closed and removed with the test. */
export async function freshStore(t: TestContext): Promise<SqliteStore> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'open-clanker-'));
  const store = await openStore({
    path: path.join(folder, 'test.db'),
    migrationsDir,
    log: new KeptLog(),
    metrics: new CountedMetrics(),
    clock: systemClock,
  });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}
