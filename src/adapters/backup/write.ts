import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import {
  backupDatabase,
  backupFileList,
  backupFolders,
  backupManifest,
  countDifferences,
  type BackupFile,
  type BackupManifest,
  type DatabaseAccount,
  type DatabaseReport,
} from '../../core/backup.ts';
import { ClankerError, invalidInput } from '../../core/errors.ts';
import { codeOf, firstNameTo, look, removeAll, replaceFile, requireSpace, sync } from './disk.ts';
import { stagingName } from './journal.ts';

/** What the store and the files do for a backup; see their adapters. */
export interface BackupParts {
  copyDatabase: (file: string, target: string, signal: AbortSignal) => Promise<DatabaseAccount>;
  inspectDatabase: (file: string, signal: AbortSignal) => Promise<DatabaseReport>;
  copyTree: (from: string, to: string, signal: AbortSignal) => AsyncIterable<BackupFile | null>;
}

/** Where the data are. */
export interface DataPlaces {
  /** The data directory. */
  folder: string;
  database: string;
}

/**
 * Writes a backup to `target`, which must not be there, as `target.partial` first; it is read again before it gets its
 * name. The database is copied before the files: one that comes meanwhile is an orphan, and one that goes was meant to.
 */
export async function writeBackup(
  places: DataPlaces,
  target: string,
  parts: BackupParts,
  { program, at, signal }: { program: string; at: number; signal: AbortSignal },
): Promise<BackupManifest> {
  const partial = `${target}.partial`;
  if ((await look(target)) !== null) throw invalidInput('exists', `${target} is there already; name a new folder.`);
  await requireOutside(places.folder, target);
  await makePartial(partial);
  try {
    const { size } = (await look(places.database)) ?? { size: 0 };
    const log = (await look(`${places.database}-wal`))?.size ?? 0;
    await requireSpace(partial, size + log, 'the backup');
    const copy = path.join(partial, backupDatabase);
    const account = await parts.copyDatabase(places.database, copy, signal);
    const files = await copyFolders(places.folder, partial, parts, signal);
    const database = await verifyCopy(copy, account, parts, signal);
    const { skipped, ...kept } = files;
    const manifest: BackupManifest = {
      format: 'open-clanker-backup',
      version: 1,
      program,
      at,
      database,
      files: kept,
      skipped,
    };
    await replaceFile(path.join(partial, backupManifest), `${JSON.stringify(manifest, null, 2)}\n`);
    if ((await look(target)) !== null) throw invalidInput('exists', `${target} is there already; name a new folder.`);
    await rename(partial, target);
    await sync(path.dirname(target));
    return manifest;
  } catch (error) {
    await removeAll(partial).catch(() => undefined);
    throw error;
  }
}

/** In a folder that is kept it would be copied into itself; what a restore left is cleared with the next start. */
async function requireOutside(folder: string, target: string): Promise<void> {
  const first = await firstNameTo(folder, target);
  if ([stagingName, ...backupFolders].includes(first))
    throw invalidInput('bad_path', `${target} lies in ${first}, which is part of the data; name a folder elsewhere.`);
}

async function makePartial(partial: string): Promise<void> {
  try {
    await mkdir(partial, { mode: 0o700 });
  } catch (error) {
    switch (codeOf(error)) {
      case 'EEXIST':
        throw invalidInput(
          'exists',
          `${partial} is there: a backup is being written, or one was cut off. In that case remove it and try again.`,
        );
      case 'ENOENT':
        throw invalidInput('no_folder', `There is no folder ${path.dirname(partial)}; make it first.`);
      default:
        throw new ClankerError('storage', 'not_writable', `${partial} cannot be made (${codeOf(error)}).`, {
          cause: error,
        });
    }
  }
}

interface Kept {
  count: number;
  bytes: number;
  sha256: string;
  skipped: number;
}

/** The list is written as it grows: there may be more files than fit into memory. */
async function copyFolders(from: string, to: string, parts: BackupParts, signal: AbortSignal): Promise<Kept> {
  const kept = { count: 0, bytes: 0, skipped: 0 };
  const hash = createHash('sha256');
  const list = await open(path.join(to, backupFileList), 'wx', 0o600);
  try {
    for (const folder of backupFolders) {
      for await (const file of parts.copyTree(path.join(from, folder), path.join(to, folder), signal)) {
        if (file === null) kept.skipped++;
        else {
          kept.count++;
          kept.bytes += file.size;
          await add(list, hash, { ...file, path: `${folder}/${file.path}` });
        }
      }
    }
    await list.sync();
  } finally {
    await list.close();
  }
  return { ...kept, sha256: hash.digest('hex') };
}

async function add(list: FileHandle, hash: Hash, file: BackupFile): Promise<void> {
  const line = `${JSON.stringify(file)}\n`;
  hash.update(line);
  await list.write(line);
}

/** What was counted in the snapshot must be in the copy, and the copy must be whole. */
async function verifyCopy(
  copy: string,
  account: DatabaseAccount,
  parts: BackupParts,
  signal: AbortSignal,
): Promise<BackupManifest['database']> {
  const { problems, ...report } = await parts.inspectDatabase(copy, signal);
  const wrong = [...problems, ...countDifferences(report.tables, account.tables)];
  if (wrong.length > 0) {
    throw new ClankerError(
      'storage',
      'damaged',
      `The copy of the database is not whole, so there is no backup: ${wrong.slice(0, 3).join('; ')}`,
    );
  }
  return report;
}
