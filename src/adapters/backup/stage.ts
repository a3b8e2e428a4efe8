import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import type { AuditActor } from '../../core/audit.ts';
import {
  badBackup,
  backupDatabase,
  backupFolders,
  type BackupManifest,
  type DatabaseAccount,
} from '../../core/backup.ts';
import { ClankerError, invalidInput } from '../../core/errors.ts';
import { checkBackup, listedFiles } from './check.ts';
import { firstNameTo, look, openPlain, removeAll, requireSpace, sync } from './disk.ts';
import { asideName, journalFile, stagingFolder, stagingName, writeJournal, type RestoreJournal } from './journal.ts';
import type { BackupParts, DataPlaces } from './write.ts';

export interface RestoreParts extends Pick<BackupParts, 'inspectDatabase'> {
  settleDatabase: (file: string, at: number, signal: AbortSignal) => Promise<DatabaseAccount>;
}

export interface RestoreRequest {
  /** The folder of the backup. */
  from: string;
  at: number;
  by: AuditActor | null;
  /** The newest schema that this program knows. */
  known: number;
  signal: AbortSignal;
  /** Called at every step that a crash could follow, for proofs. */
  step?: (name: string) => void;
}

/**
 * Checks a backup and copies it beside the data, which stay as they are; the last step is the journal, and from it on
 * `finishRestore`, here or at the next start, puts the copy in place of the data. A gateway may still be at work on them.
 */
export async function stageRestore(
  places: DataPlaces,
  parts: RestoreParts,
  request: RestoreRequest,
): Promise<BackupManifest> {
  const { from, at, known, signal, step = () => undefined } = request;
  await requireFree(places);
  await requireOutside(places, from);
  const manifest = await checkBackup(from, parts, { known, signal });
  await requireMovable(places);
  step('checked');
  const [data, database] = [stagingFolder(places.folder), stagingFolder(path.dirname(places.database))];
  await requireSpace(path.dirname(places.database), manifest.database.size, 'the database of the backup');
  await requireSpace(places.folder, manifest.files.bytes, 'the files of the backup');
  try {
    for (const folder of new Set([data, database])) {
      await removeAll(folder);
      await mkdir(folder, { mode: 0o700 });
    }
    const copy = path.join(database, path.basename(places.database));
    await copyChecked(path.join(from, backupDatabase), copy, manifest.database.sha256, signal);
    step('database copied');
    const account = await parts.settleDatabase(copy, at, signal);
    step('database settled');
    const made = new Set<string>();
    for await (const file of listedFiles(from, manifest)) {
      const target = path.join(data, file.path);
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      made.add(path.dirname(target));
      await copyChecked(path.join(from, file.path), target, file.sha256, signal);
    }
    step('files copied');
    for (const folder of [...made, data, database]) await sync(folder);
    const journal: RestoreJournal = {
      phase: 'aside',
      at,
      from,
      by: request.by,
      backupAt: manifest.at,
      folder: places.folder,
      database: places.database,
      aside: await freeName(places, at),
      tables: account.tables,
      files: manifest.files.count,
    };
    await writeJournal(journal);
    step('journal written');
    return manifest;
  } catch (error) {
    if ((await look(journalFile(places.folder))) === null)
      for (const folder of new Set([data, database])) await removeAll(folder).catch(() => undefined);
    throw error;
  }
}

async function requireFree({ folder }: DataPlaces): Promise<void> {
  if ((await look(journalFile(folder))) === null) return;
  throw new ClankerError(
    'conflict',
    'restoring',
    'Another backup is being restored; the next start of the gateway completes that.',
  );
}

/** What is cleared or moved aside must not be where the backup lies. */
async function requireOutside({ folder, database }: DataPlaces, from: string): Promise<void> {
  const inData = await firstNameTo(folder, from);
  const inDisk = await firstNameTo(path.dirname(database), from);
  if (!['', stagingName, ...backupFolders].includes(inData) && inDisk !== stagingName) return;
  throw invalidInput(
    'bad_path',
    `${from} lies where a restore puts its own files or takes the data away; move the backup elsewhere first. Nothing was changed.`,
  );
}

/** Moving aside is a rename: a folder that is a mount of its own cannot be. */
async function requireMovable(places: DataPlaces): Promise<void> {
  const own = await look(places.folder);
  for (const name of backupFolders) {
    const found = await look(path.join(places.folder, name));
    if (found === null || own === null || found.dev === own.dev) continue;
    throw new ClankerError(
      'storage',
      'not_movable',
      `${path.join(places.folder, name)} lies on a disk of its own and cannot be moved aside; stop the gateway and put the files of the backup there by hand.`,
    );
  }
}

async function freeName({ folder, database }: DataPlaces, at: number): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? asideName(at) : `${asideName(at)}-${n}`;
    const places = [folder, path.dirname(database)].map((each) => look(path.join(each, name)));
    if ((await Promise.all(places)).every((found) => found === null)) return name;
  }
}

/** The bytes that are written are those that were checked. */
async function copyChecked(from: string, to: string, sha256: string, signal: AbortSignal): Promise<void> {
  const source = await openPlain(from);
  try {
    const { mode } = await source.stat();
    const target = await open(to, 'wx', 0o600 | (mode & 0o100));
    try {
      const hash = createHash('sha256');
      const stream = source.createReadStream({ highWaterMark: 256 * 1024, autoClose: false });
      for await (const bytes of stream as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        hash.update(bytes);
        await target.writeFile(bytes);
      }
      if (hash.digest('hex') !== sha256) throw badBackup(`${path.basename(from)} changed while it was read.`);
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
