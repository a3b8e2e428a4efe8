/** Looks at the files of the gateway without changing any. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../version.ts';
import { failureCode } from '../http.ts';
import type { DatabaseFacts, DataFacts, TokenFacts } from './facts.ts';

export function inspectData(dir: string): DataFacts {
  const stat = statSync(dir, { throwIfNoEntry: false });
  const existing = stat === undefined ? nearestFolder(dir) : dir;
  const space = may(existing, constants.R_OK) ? statfsSync(existing) : null;
  return {
    dir,
    exists: stat !== undefined,
    isDirectory: stat?.isDirectory() ?? false,
    writable: may(existing, constants.W_OK | constants.X_OK),
    owned: stat === undefined || process.getuid === undefined || stat.uid === process.getuid(),
    freeBytes: space === null ? null : space.bavail * space.bsize,
    totalBytes: space === null ? null : space.blocks * space.bsize,
  };
}

/** The first folder on the way up that is there: what decides whether a new one can be made. */
function nearestFolder(dir: string): string {
  const parent = path.dirname(dir);
  return existsSync(parent) || parent === dir ? parent : nearestFolder(parent);
}

function may(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Permission bits, or null when there is no such file. */
export function modeOf(file: string): number | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? null : stat.mode & 0o777;
}

export function inspectToken(file: string): TokenFacts {
  const mode = modeOf(file);
  return { file, mode, state: mode === null ? 'missing' : may(file, constants.R_OK) ? 'ok' : 'unreadable' };
}

/** https://www.sqlite.org/fileformat.html#the_database_header */
const header = { magic: 'SQLite format 3\0', bytes: 100, userVersionAt: 60 };

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
  const schema = head.length < header.bytes ? 0 : head.readUInt32BE(header.userVersionAt);
  const known = readdirSync(path.join(packageRoot, 'migrations')).filter((name) => name.endsWith('.sql')).length;
  if (schema > known) return { file, state: 'newer_schema', detail: `schema ${schema}, this version knows ${known}` };
  const held = await isHeld(`${file}.lock`);
  return { file, state: held ? 'locked' : 'ok', detail: '' };
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
