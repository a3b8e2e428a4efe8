/**
 * The journal of a restore, `restore.json` in the data directory: while it stands, the copy that lies in `restoring` is
 * the data, and whoever starts first completes the moves. First everything of before goes aside, then everything of the
 * backup to its place; each move is a rename, and done again it does nothing.
 */
import { readFile, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { AuditActor } from '../../core/audit.ts';
import { backupFolders, backupName, type TableCounts } from '../../core/backup.ts';
import { ClankerError } from '../../core/errors.ts';
import { codeOf, look, removeAll, replaceFile, sync } from './disk.ts';

export interface RestoreJournal {
  phase: 'aside' | 'place';
  at: number;
  from: string;
  by: AuditActor | null;
  backupAt: number;
  folder: string;
  database: string;
  /** The name of the folder that takes what was there before. */
  aside: string;
  /** What the database must hold. */
  tables: TableCounts;
  files: number;
}

export const journalFile = (folder: string): string => path.join(folder, 'restore.json');
export const stagingName = 'restoring';
export const stagingFolder = (folder: string): string => path.join(folder, stagingName);
export const asideName = (at: number): string => `before-restore-${backupName(at)}`;

export const writeJournal = (journal: RestoreJournal): Promise<void> =>
  replaceFile(journalFile(journal.folder), JSON.stringify(journal));

/** Null when nothing is being restored. */
export async function readJournal(folder: string): Promise<RestoreJournal | null> {
  try {
    return JSON.parse(await readFile(journalFile(folder), 'utf8')) as RestoreJournal;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** What belongs to a database file: it goes aside with it, and only the file itself comes back. */
const databaseEndings = ['', '-wal', '-shm', '.open'];

/** Completes the moves. `step` is called before each, for proofs. */
export async function carryOut(journal: RestoreJournal, step: (name: string) => void): Promise<void> {
  const { folder, database } = journal;
  const folders = [...new Set([folder, path.dirname(database)])];
  if (journal.phase === 'aside') {
    for (const each of folders) await makeFolder(path.join(each, journal.aside));
    const names = backupFolders.map((name) => path.join(folder, name));
    for (const from of [...databaseEndings.map((ending) => database + ending), ...names]) {
      step(`aside ${path.basename(from)}`);
      await move(from, path.join(path.dirname(from), journal.aside, path.basename(from)));
    }
    await syncAll(folders, journal.aside);
    step('all aside');
    journal.phase = 'place';
    await writeJournal(journal);
  }
  const names = backupFolders.map((name) => path.join(folder, name));
  for (const to of [database, ...names]) {
    step(`place ${path.basename(to)}`);
    await move(path.join(stagingFolder(path.dirname(to)), path.basename(to)), to);
  }
  for (const each of folders) await sync(each);
  step('all placed');
}

/** The end of it: from here on nothing is to be completed. */
export async function closeJournal({ folder, database }: RestoreJournal): Promise<void> {
  await rm(journalFile(folder), { force: true });
  await sync(folder);
  for (const each of new Set([folder, path.dirname(database)])) await removeAll(stagingFolder(each));
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

/** What is not there was not there before, or was moved before a crash. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && (await look(from)) === null) return;
    throw new ClankerError(
      'storage',
      'restore_stuck',
      `A backup is being restored, and ${from} cannot be moved to ${to} (${codeOf(error)}). Nothing is lost: mend that, and start again.`,
      { cause: error },
    );
  }
}

async function syncAll(folders: readonly string[], inner: string): Promise<void> {
  for (const folder of folders) {
    await sync(path.join(folder, inner));
    await sync(folder);
  }
}
