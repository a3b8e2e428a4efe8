/**
 * What is done to a whole database file for a backup or a restore, in a process of its own: it may read for minutes and
 * gives all its memory back. Each prints one line of JSON.
 */
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readSync, statSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { DatabaseAccount, DatabaseReport } from '../../../core/backup.ts';
import { errorData } from '../../../core/errors.ts';
import { Database } from './database.ts';
import { storageError } from './errors.ts';
import { settle } from './settle.ts';

const maxProblems = 20;
/** 4 MiB at a time: between two steps the process can be stopped. */
const pagesAtOnce = 1024;
const readBytes = 256 * 1024;

/** What may be asked of the process, each with a file and one argument. */
const tasks = {
  copy: (file: string, target: string) => copy(file, target),
  inspect: (file: string) => inspect(file),
  settle: (file: string, at: string) => settleFile(file, Number(at)),
} satisfies Record<string, (file: string, argument: string) => unknown>;

export type CopyTask = keyof typeof tasks;
export const isCopyTask = (name: string): name is CopyTask => Object.hasOwn(tasks, name);

export async function printTask(name: CopyTask, file: string, argument: string): Promise<void> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  process.umask(0o077);
  let line: unknown;
  try {
    line = { value: (await tasks[name](file, argument)) ?? null };
  } catch (error) {
    line = { error: errorData(storageError(error)) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * One snapshot, whoever writes meanwhile: the rows are counted in the transaction that the pages are copied in. Writers
 * do not wait, and the log grows until it ends.
 */
async function copy(file: string, target: string): Promise<DatabaseAccount> {
  const source = new Database(file, { readOnly: true });
  try {
    source.run('BEGIN');
    const account = accountOf(source);
    await source.copyTo(target, pagesAtOnce);
    finish(target);
    return account;
  } finally {
    source.close();
  }
}

/** One file without a log beside it, which can be read from a medium that cannot be written. */
function finish(target: string): void {
  const made = new Database(target);
  try {
    made.script('PRAGMA journal_mode = DELETE');
  } finally {
    made.close();
  }
  chmodSync(target, 0o600);
  const handle = openSync(target, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function inspect(file: string): DatabaseReport {
  const whole = { size: statSync(file).size, sha256: hashOf(file) };
  const db = new Database(file, { readOnly: true });
  try {
    const found = db
      .all<{ integrity_check: string }>(`PRAGMA integrity_check(${maxProblems})`)
      .map((row) => row.integrity_check);
    const problems = found.length === 1 && found[0] === 'ok' ? [] : found;
    return { ...accountOf(db), problems, ...whole };
  } catch (error) {
    return { schema: 0, tables: {}, problems: [storageError(error).message], ...whole };
  } finally {
    db.close();
  }
}

/** Shadow tables of a search index are counted, too: they are rows like others. */
function accountOf(db: Database): DatabaseAccount {
  const names = db.all<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name`,
  );
  const tables = names.map(({ name }) => {
    const row = db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM "${name.replaceAll('"', '""')}"`);
    return [name, row?.n ?? 0] as const;
  });
  return { schema: db.pragma<number>('user_version'), tables: Object.fromEntries(tables) };
}

function hashOf(file: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(readBytes);
  const handle = openSync(file, 'r');
  try {
    for (let count = readSync(handle, piece); count > 0; count = readSync(handle, piece))
      hash.update(piece.subarray(0, count));
  } finally {
    closeSync(handle);
  }
  return hash.digest('hex');
}

function settleFile(file: string, at: number): DatabaseAccount {
  const db = new Database(file);
  try {
    db.script('PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    settle(db, at);
    db.script('COMMIT');
    return accountOf(db);
  } finally {
    db.close();
  }
}
