/** What lies beside the program: it runs from src/ and from dist/, which are both one level below the root. */
import path from 'node:path';
import { packageRoot } from './version.ts';

/** The numbered SQL files. */
export const migrationsDir = path.join(packageRoot, 'migrations');

/** The store's thread: the bundle has it as a file of its own beside it. */
export const storeWorker = import.meta.filename.endsWith('.ts')
  ? new URL('./adapters/store/sqlite/worker.ts', import.meta.url)
  : new URL('./store-worker.cjs', import.meta.url);
