/** Looks at the files of the gateway without changing any. */
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../version.ts';
import { failureCode } from '../http.ts';
import type { DatabaseFacts, DataFacts, TokenFacts } from './facts.ts';

export function inspectData(dir: string): DataFacts {
  const stat = look(dir);
  const existing = stat === null ? nearestFolder(dir) : dir;
  const space = may(existing, constants.R_OK) ? statfsSync(existing) : null;
  return {
    dir,
    exists: stat !== null,
    isDirectory: stat?.isDirectory() ?? false,
    writable: may(existing, constants.W_OK | constants.X_OK),
    readOnlyDisk: refusal(existing, constants.W_OK) === 'EROFS',
    owned: stat === null || process.getuid === undefined || stat.uid === process.getuid(),
    freeBytes: space === null ? null : space.bavail * space.bsize,
    totalBytes: space === null ? null : space.blocks * space.bsize,
  };
}

/** The first folder on the way up that is there: what decides whether a new one can be made. */
function nearestFolder(dir: string): string {
  const parent = path.dirname(dir);
  return existsSync(parent) || parent === dir ? parent : nearestFolder(parent);
}

const may = (file: string, mode: number): boolean => refusal(file, mode) === null;

/** Why the system does not let this user; null when it does. */
function refusal(file: string, mode: number): string | null {
  try {
    accessSync(file, mode);
    return null;
  } catch (error) {
    return failureCode(error);
  }
}

/** Permission bits, or null when there is no such file. */
export function modeOf(file: string): number | null {
  const stat = look(file);
  return stat === null ? null : stat.mode & 0o777;
}

/** What stands there; null when nothing does, or when this user may not look: that is found at the folder around it. */
export function look(file: string): Stats | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

export function inspectToken(file: string): TokenFacts {
  const mode = modeOf(file);
  return { file, mode, state: mode === null ? 'missing' : may(file, constants.R_OK) ? 'ok' : 'unreadable' };
}

/** https://www.sqlite.org/fileformat.html#the_database_header */
const header = { magic: 'SQLite format 3\0', bytes: 100, pageSizeAt: 16, pagesAt: 28, userVersionAt: 60 };

export async function inspectDatabase(file: string): Promise<DatabaseFacts> {
  if (!existsSync(file)) return { file, state: 'missing', detail: '' };
  let head: Buffer;
  try {
    head = await readHead(file);
  } catch (error) {
    return { file, state: 'unreadable', detail: failureCode(error) };
  }
  // An empty file is what SQLite itself makes before the first table.
  if (head.length > 0 && head.toString('latin1', 0, header.magic.length) !== header.magic) {
    return { file, state: 'not_a_database', detail: 'its header is not that of SQLite' };
  }
  const loss = lossOf(file, head);
  if (loss !== null) return { file, state: 'not_a_database', detail: loss };
  const schema = head.length < header.bytes ? 0 : head.readUInt32BE(header.userVersionAt);
  const known = readdirSync(path.join(packageRoot, 'migrations')).filter((name) => name.endsWith('.sql')).length;
  if (schema > known) return { file, state: 'newer_schema', detail: `schema ${schema}, this version knows ${known}` };
  const held = await isHeld(`${file}.lock`);
  return { file, state: held ? 'locked' : 'ok', detail: '' };
}

/** What of the database is gone, as far as it can be told without opening it; null when nothing is. */
function lossOf(file: string, head: Buffer): string | null {
  // The log stands beside the file while it is open, and brings home what is newer than it.
  if (existsSync(`${file}-wal`)) return null;
  if (existsSync(`${file}.open`)) return 'it was not closed, and its write-ahead log is gone';
  if (head.length < header.bytes) return null;
  const written = head.readUInt16BE(header.pageSizeAt);
  const pageSize = written === 1 ? 65_536 : written;
  return statSync(file).size < head.readUInt32BE(header.pagesAt) * pageSize ? 'it is cut off' : null;
}

async function readHead(file: string): Promise<Buffer> {
  const { open } = await import('node:fs/promises');
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(header.bytes), 0, header.bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** True while a gateway holds the exclusive lock on the file beside its database. */
async function isHeld(lockFile: string): Promise<boolean> {
  if (!existsSync(lockFile) || !may(lockFile, constants.W_OK)) return false;
  const { DatabaseSync } = await import('node:sqlite');
  const lock = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE; ROLLBACK');
    return false;
  } catch {
    return true;
  } finally {
    lock.close();
  }
}

/** True while a process of that id lives, ours or another user's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return failureCode(error) === 'EPERM';
  }
}

export const readText = (file: string): string | null =>
  may(file, constants.R_OK) ? readFileSync(file, 'utf8') : null;
