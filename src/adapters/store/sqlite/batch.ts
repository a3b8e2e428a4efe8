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

/** `beforeCommit` may throw to keep the batch from being committed. */
export function runBatch(db: Database, requests: readonly Request[], beforeCommit: () => void): BatchOutcome {
  const writes = requests.some(({ operation }) => isWrite(operation));
  const done: { operation: OperationName; value: unknown }[] = [];
  try {
    if (writes) db.run('BEGIN IMMEDIATE');
    const before = writes ? db.changes : 0;
    const replies = requests.map((request) => {
      const reply = runOne(db, request);
      if (reply.error === undefined) done.push({ operation: request.operation, value: reply.value });
      return reply;
    });
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

const isWrite = (operation: OperationName): boolean => ['write', 'later'].includes(operationModes[operation]);

/** A failing operation undoes only itself. Throws when the transaction is lost with it. */
function runOne(db: Database, request: Request): Reply {
  const { id, operation, args } = request;
  const inTransaction = isWrite(operation);
  const execute = operations[operation] as (db: Database, ...args: unknown[]) => unknown;
  try {
    if (inTransaction) db.run('SAVEPOINT operation');
    const value = execute(db, ...args);
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
