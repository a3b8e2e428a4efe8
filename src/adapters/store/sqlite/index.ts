/** The embedded store: SQLite in one worker thread, behind the Store port. */
import path from 'node:path';
import type { CommitResult } from '../../../core/ports/inbox-store.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../../../core/ports/system.ts';
import { Client } from './client.ts';
import { committed, type Placed } from './placed.ts';
import { operationModes, type OperationName } from './protocol.ts';

export interface StoreOptions {
  /** The database file; made (0600, its folder 0700) when missing. Beside it live `-wal`, `-shm`, `.lock` and `.open`. */
  path: string;
  /** The folder of the numbered SQL files. */
  migrationsDir: string;
  /** The worker's module; default: `worker.ts` beside this file, for running from source. */
  workerUrl?: URL;
  log: Log;
  metrics: Metrics;
  clock: Clock;
}

export interface SqliteStore extends Store {
  /** `open` is false while nothing can be stored; `detail` says why and what helps. */
  health(): { open: boolean; detail: string };
  /** Gives back the memory that is not needed while nothing is at work. */
  rest(): void;
}

/**
 * Opens the file, makes this process its only gateway and brings the schema forward. Rejects with a ClankerError of
 * kind `storage` and leaves the file alone: `storage_locked`, `not_ours`, `damaged`, `newer_schema`,
 * `migration_failed`, `storage_readonly`, `storage_full`, `storage_io`.
 */
export async function openStore(options: StoreOptions): Promise<SqliteStore> {
  // Read when SQLite is first used: the copy that a rewrite needs has room beside the database, not always in /tmp.
  process.env['SQLITE_TMPDIR'] ??= path.dirname(path.resolve(options.path));
  const workerUrl = options.workerUrl ?? new URL('./worker.ts', import.meta.url);
  const client = new Client({ ...options, workerUrl });
  await client.open();
  const methods = Object.fromEntries(
    (Object.keys(operationModes) as OperationName[]).map((name) => [
      name,
      (...args: unknown[]) => client.call(name, args),
    ]),
  ) as unknown as Pick<Store, OperationName>;
  return {
    ...methods,
    commitInbound: (batch, cursor) =>
      client.call('commitInbound', [batch, cursor], (placed) =>
        committed(batch, placed as Placed),
      ) as Promise<CommitResult>,
    ownedRows: (person) => client.read('owned', person),
    erasable: (person, signal) => client.read('erasable', person, signal),
    expired: (cutoffs, signal) => client.read('expired', JSON.stringify(cutoffs), signal),
    looseFiles: (before, signal) => client.read('loose', String(before), signal),
    quickCheck: () => client.check(),
    close: () => client.close(),
    health: () => client.health,
    rest: () => client.rest(),
  };
}
