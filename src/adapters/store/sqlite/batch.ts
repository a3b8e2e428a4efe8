/** Group commit: everything that waits is executed in one transaction, and nobody hears of it before COMMIT returned. */
import { type ClankerError, errorData } from '../../../core/errors.ts';
import type { Database } from './database.ts';
import { breaksTransaction, storageError } from './errors.ts';
import { operations } from './operations.ts';
import { operationModes, type OperationName, type Reply, type Request } from './protocol.ts';

export interface BatchOutcome {
  replies: Reply[];
  /** Null when no row was changed. */
  commitSeconds: number | null;
  /** Set when the whole batch failed; every reply is then this error. */
  failure: ClankerError | null;
  /** What the operations of a failed batch had returned: their claims may have to be taken back. */
  unheard: { operation: OperationName; value: unknown }[];
}

/**
 * `beforeCommit` may throw to keep the batch from being committed. A savepoint for each operation would cost a copy of
 * every page it touches, and hardly one ever fails: when one does, all that was done is taken back and done again, this
 * time each behind a savepoint of its own, so that a failing one undoes only itself.
 */
export function runBatch(db: Database, requests: readonly Request[], beforeCommit: () => void): BatchOutcome {
  const writes = requests.some(({ operation }) => isWrite(operation));
  // Without a transaction there is nothing to take back, and nothing is done twice.
  const outcome = writes ? runAll(db, requests, beforeCommit, runBare) : null;
  const judged = outcome ?? runAll(db, requests, beforeCommit, runGuarded);
  if (judged === null) throw new Error('a guarded operation took its batch with it');
  return judged;
}

/** Null when an operation failed that was not guarded: then nothing is done. */
function runAll(
  db: Database,
  requests: readonly Request[],
  beforeCommit: () => void,
  run: (db: Database, request: Request) => Reply | null,
): BatchOutcome | null {
  const writes = requests.some(({ operation }) => isWrite(operation));
  const done: { operation: OperationName; value: unknown }[] = [];
  try {
    if (writes) db.run('BEGIN IMMEDIATE');
    const before = writes ? db.changes : 0;
    const replies: Reply[] = [];
    for (const request of requests) {
      const reply = run(db, request);
      if (reply === null) {
        db.rollback();
        return null;
      }
      replies.push(reply);
      if (reply.error === undefined) done.push({ operation: request.operation, value: reply.value });
    }
    let commitSeconds: number | null = null;
    if (writes) {
      beforeCommit();
      const wrote = db.changes > before;
      const started = performance.now();
      db.run('COMMIT');
      if (wrote) commitSeconds = (performance.now() - started) / 1000;
    }
    return { replies, commitSeconds, failure: null, unheard: [] };
  } catch (error) {
    const failure = storageError(error);
    try {
      db.rollback();
    } catch {
      // The connection is past saving; the owner opens a new one.
    }
    const replies = requests.map(({ id }) => failed(id, failure));
    return { replies, commitSeconds: null, failure, unheard: done };
  }
}

const isWrite = (operation: OperationName): boolean => !['read', 'alone'].includes(operationModes[operation]);

const execute = (db: Database, { operation, args }: Request): unknown =>
  (operations[operation] as (db: Database, ...args: unknown[]) => unknown)(db, ...args);

/** Null when it failed. Throws when the transaction is lost with it. */
function runBare(db: Database, request: Request): Reply | null {
  try {
    return { id: request.id, value: execute(db, request) };
  } catch (error) {
    const known = storageError(error);
    if (breaksTransaction(known)) throw known;
    return null;
  }
}

/** A failing operation undoes only itself. Throws when the transaction is lost with it. */
function runGuarded(db: Database, request: Request): Reply {
  const { id, operation } = request;
  const inTransaction = isWrite(operation);
  try {
    if (inTransaction) db.run('SAVEPOINT operation');
    const value = execute(db, request);
    if (inTransaction) db.run('RELEASE operation');
    return { id, value };
  } catch (error) {
    const known = storageError(error);
    if (breaksTransaction(known)) throw known;
    if (inTransaction) {
      // Throws when SQLite has rolled back everything by itself: then the batch is lost, not one operation.
      db.run('ROLLBACK TO operation');
      db.run('RELEASE operation');
    }
    return failed(id, known);
  }
}

function failed(id: number, error: ClankerError): Reply {
  const { cause } = error;
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : undefined;
  return { id, error: errorData(error), ...(detail === undefined ? {} : { detail }) };
}
