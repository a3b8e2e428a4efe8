import { fileURLToPath } from 'node:url';
import type { DatabaseAccount, DatabaseReport } from '../../../core/backup.ts';
import { errorFrom, type ErrorData } from '../../../core/errors.ts';
import type { CopyTask } from './copy.ts';
import { storageError } from './errors.ts';
import { readLines } from './read-lines.ts';

/** What is done to database files as a whole, each in a process of its own; a gateway may be at work on the file. */
export interface DatabaseTools {
  /** Writes a copy of one moment to `target`, which must not be there; tells what is in it. */
  copy: (file: string, target: string, signal: AbortSignal) => Promise<DatabaseAccount>;
  /** Reads all of a file that nobody writes to. */
  inspect: (file: string, signal: AbortSignal) => Promise<DatabaseReport>;
  /** Makes a copy from a backup fit to go on at this time, see settle.ts. */
  settle: (file: string, at: number, signal: AbortSignal) => Promise<DatabaseAccount>;
  /** Keeps every gateway off the file until what it resolves with is called. Rejects with `storage_locked`. */
  hold: (file: string) => Promise<() => void>;
}

/** `workerUrl` as in StoreOptions. */
export function databaseTools(workerUrl = new URL('./worker.ts', import.meta.url)): DatabaseTools {
  const run = async <T>(task: CopyTask, file: string, argument: string, signal: AbortSignal): Promise<T> => {
    let answer: { value: T } | { error: ErrorData } | null = null;
    try {
      for await (const line of readLines<{ value: T } | { error: ErrorData }>(
        [fileURLToPath(workerUrl), file, task, argument],
        signal,
      ))
        answer = line;
    } catch (error) {
      signal.throwIfAborted();
      throw storageError(error);
    }
    if (answer !== null && 'value' in answer) return answer.value;
    throw answer === null ? storageError(new Error(`"${task}" said nothing`)) : errorFrom(answer.error);
  };
  return {
    copy: (file, target, signal) => run('copy', file, target, signal),
    inspect: (file, signal) => run('inspect', file, '', signal),
    settle: (file, at, signal) => run('settle', file, String(at), signal),
    async hold(file) {
      // SQLite is for the store's thread; here it is needed for a lock, seldom.
      const { takeOwnership } = await import('./open.ts');
      const lock = takeOwnership(file);
      return () => lock.close();
    },
  };
}
