/** Opening and closing the database file: ownership, safety checks, pragmas. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Database } from './database.ts';
import { damaged, locked, storageError } from './errors.ts';
import { migrate } from './migrate.ts';

const magic = 'SQLite format 3\0';
const walLimitBytes = 16 * 1024 * 1024;

/**
 * The names beside the database file. The open marker stands from opening to closing and holds the generation: a
 * number that is committed to the database first and written to the marker then, at opening and every second in which
 * a row was changed. A marker that is ahead of a database without its log tells that the log was lost, and with it
 * what was acknowledged.
 */
const walOf = (file: string): string => `${file}-wal`;
const lockOf = (file: string): string => `${file}.lock`;
const openMarkerOf = (file: string): string => `${file}.open`;

/**
 * Makes this process the only gateway on the file: an exclusive SQLite lock on a side file, which the system drops with
 * the process, however it ends.
 */
export function takeOwnership(file: string): Database {
  const folder = path.dirname(file);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  createPrivate(lockOf(file));
  const lock = new Database(lockOf(file), { timeoutMs: 0 });
  try {
    lock.script('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    const known = storageError(error);
    throw known.code === 'storage_busy' ? locked() : known;
  }
  return lock;
}

/** Creates an empty file (0600) when there is none; umask and SQLite's own 0644 have no say. */
function createPrivate(file: string): void {
  if (existsSync(file)) return;
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}

/** Opens, checks and migrates. Never creates over something that was there. Only the owner of the lock may call it. */
export function openDatabase(file: string, migrationsDir: string): Database {
  refuseDamage(file);
  // Before the file is opened for writing: closing it would put away what a damaged log still holds.
  if (existsSync(openMarkerOf(file))) requireGeneration(file);
  createPrivate(file);
  const db = new Database(file);
  try {
    db.script(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1000; PRAGMA temp_store = MEMORY;
       PRAGMA journal_size_limit = ${walLimitBytes}; PRAGMA wal_autocheckpoint = 1000; PRAGMA trusted_schema = OFF`,
    );
    migrate(db, file, migrationsDir);
    nextGeneration(db, file);
    syncFolder(file);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** What can be told from outside before SQLite touches the file, which might "repair" by forgetting. */
function refuseDamage(file: string): void {
  const size = existsSync(file) ? statSync(file).size : 0;
  const wal = existsSync(walOf(file)) ? statSync(walOf(file)).size : null;
  if (size === 0) {
    if ((wal !== null && wal > 0) || existsSync(openMarkerOf(file))) {
      throw damaged(
        'The database file is gone or empty, though it was in use.',
        undefined,
        'delete the files ending in "-wal" and ".open" to begin empty',
      );
    }
    return;
  }
  const header = Buffer.alloc(magic.length);
  const handle = openSync(file, 'r');
  readSync(handle, header, 0, header.length, 0);
  closeSync(handle);
  if (header.toString('latin1') !== magic) {
    throw damaged('The database file does not begin like a database: it is damaged or belongs to another program.');
  }
}

/** Refuses a database that is behind its marker. Of a damaged log SQLite reads what stands before the damage, in silence. */
function requireGeneration(file: string): void {
  const db = new Database(file, { readOnly: true });
  try {
    const hasTable = db.get(`SELECT 1 FROM sqlite_schema WHERE name = 'generation'`) !== null;
    const stored = hasTable ? (db.get<{ n: number }>('SELECT n FROM generation')?.n ?? 0) : 0;
    if (stored >= Number(readFileSync(openMarkerOf(file), 'utf8'))) return;
  } finally {
    db.close();
  }
  throw damaged(
    `The write-ahead log of the database is ${existsSync(walOf(file)) ? 'damaged' : 'gone'}, and with it the newest messages.`,
    undefined,
    'delete the file ending in ".open" to go on without them',
  );
}

/** Commits a new generation and notes it in the marker. Also the proof that writing works. */
export function nextGeneration(db: Database, file: string): void {
  const next = db.get<{ n: number }>('UPDATE generation SET n = n + 1 RETURNING n');
  writeFileSync(openMarkerOf(file), String(next?.n ?? 0), { mode: 0o600 });
}

/** A file name is durable once its folder is. */
function syncFolder(file: string): void {
  const handle = openSync(path.dirname(file), 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Brings the log home and closes. */
export function closeDatabase(db: Database, file: string): void {
  try {
    db.rollback();
    db.script('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    if (existsSync(file)) rmSync(openMarkerOf(file), { force: true });
    db.close();
  }
}

/** Which files these are; it changes when somebody removes or replaces one. */
export function fileIdentity(file: string): string {
  return [file, walOf(file)]
    .map((name) => {
      const stat = statSync(name, { throwIfNoEntry: false });
      return stat === undefined ? 'none' : `${stat.dev}:${stat.ino}`;
    })
    .join(' ');
}
