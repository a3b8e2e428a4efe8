import { createHash } from 'node:crypto';
import { readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import {
  badBackup,
  backupDatabase,
  backupFileList,
  backupManifest,
  countDifferences,
  isBackupPath,
  maxManifestBytes,
  readManifest,
  type BackupFile,
  type BackupManifest,
} from '../../core/backup.ts';
import type { ClankerError } from '../../core/errors.ts';
import { codeOf, look, measure, openPlain } from './disk.ts';
import type { BackupParts } from './write.ts';

/** Characters of a line of the list; a path with all its folders is far below. */
const maxLine = 65_536;

/** The manifest alone. Rejects with `bad_backup`. */
export async function manifestOf(folder: string): Promise<BackupManifest> {
  const file = path.join(folder, backupManifest);
  const found = await look(file).catch((error: unknown) => {
    throw badBackup(`${folder} cannot be read (${codeOf(error)}).`, error);
  });
  if (found === null) throw badBackup(`there is no ${backupManifest} in ${folder}.`);
  if (!found.isFile() || found.size > maxManifestBytes) throw badBackup(`${backupManifest} is not one.`);
  return readManifest(await readFile(file, 'utf8'));
}

/**
 * Reads all of a backup: each file is what the manifest says, and the database is whole and has the rows it had.
 * `known`: the newest schema that this program knows. Rejects with `bad_backup`.
 */
export async function checkBackup(
  folder: string,
  parts: Pick<BackupParts, 'inspectDatabase'>,
  { known, signal }: { known: number; signal: AbortSignal },
): Promise<BackupManifest> {
  const manifest = await manifestOf(folder);
  const { schema } = manifest.database;
  if (schema > known)
    throw badBackup(
      `its database has schema ${schema} and this version knows ${known}; upgrade Open Clanker to at least ${manifest.program} first.`,
    );
  await checkDatabase(folder, manifest, parts, signal);
  for await (const file of listedFiles(folder, manifest)) {
    signal.throwIfAborted();
    const found = await measure(path.join(folder, file.path)).catch(() => null);
    if (found === null) throw badBackup(`${file.path} is missing or cannot be read.`);
    if (found.size !== file.size || found.sha256 !== file.sha256)
      throw badBackup(`${file.path} is not what was kept; the backup is damaged.`);
  }
  return manifest;
}

async function checkDatabase(
  folder: string,
  { database }: BackupManifest,
  parts: Pick<BackupParts, 'inspectDatabase'>,
  signal: AbortSignal,
): Promise<void> {
  const file = path.join(folder, backupDatabase);
  const found = await look(file);
  if (found?.isFile() !== true) throw badBackup(`${backupDatabase} is missing.`);
  if (found.size !== database.size) throw badBackup(`${backupDatabase} is cut off or was changed.`);
  const report = await parts.inspectDatabase(file, signal);
  if (report.sha256 !== database.sha256) throw badBackup(`${backupDatabase} is not what was kept; it is damaged.`);
  const { schema } = report;
  const other = schema === database.schema ? [] : [`schema ${schema} instead of ${database.schema}`];
  const wrong = [...report.problems, ...other, ...countDifferences(report.tables, database.tables)];
  if (wrong.length > 0) throw badBackup(`its database is not whole: ${wrong.slice(0, 3).join('; ')}.`);
}

/** The files that the backup should hold, one at a time; the list itself is checked at its end. */
export async function* listedFiles(folder: string, { files }: BackupManifest): AsyncGenerator<BackupFile> {
  const hash = createHash('sha256');
  let count = 0;
  const list = await openPlain(path.join(folder, backupFileList)).catch((error: unknown) => {
    throw badBackup(`${backupFileList} cannot be read (${codeOf(error) || 'it is no plain file'}).`, error);
  });
  for await (const line of linesOf(list)) {
    hash.update(line).update('\n');
    count++;
    yield fileOf(line);
  }
  if (count !== files.count || hash.digest('hex') !== files.sha256)
    throw badBackup(`${backupFileList} is not what was written; it is damaged.`);
}

/** Closes the file. A line without an end is not read into memory for ever. */
async function* linesOf(list: FileHandle): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of list.createReadStream({ encoding: 'utf8' }) as AsyncIterable<string>) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > maxLine) throw notAFile();
  }
  if (rest !== '') yield rest;
}

const notAFile = (): ClankerError => badBackup(`${backupFileList} has a line that is no file of a backup.`);

function fileOf(line: string): BackupFile {
  try {
    const file = JSON.parse(line) as Partial<BackupFile>;
    if (typeof file.path === 'string' && isBackupPath(file.path) && typeof file.size === 'number')
      return { path: file.path, size: file.size, sha256: String(file.sha256) };
  } catch {
    // Told below, as what else does not fit.
  }
  throw notAFile();
}
