import { mkdir, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { backupName, outdatedBackups } from '../../core/backup.ts';
import { invalidInput } from '../../core/errors.ts';
import type { BackupStorage } from '../../core/ports/maintenance-gateway.ts';
import { look, removeAll } from './disk.ts';
import { lastRestored } from './finish.ts';
import { stageRestore, type RestoreParts } from './stage.ts';
import { writeBackup, type BackupParts, type DataPlaces } from './write.ts';

export interface StorageOptions {
  places: DataPlaces;
  parts: BackupParts & RestoreParts;
  /** The version that backups are made by. */
  program: string;
  /** The newest schema that it knows. */
  known: () => Promise<number>;
  now: () => number;
  /** Where the backups of the chore lie, and how many. */
  kept: () => { folder: string; keep: number };
}

/** Backups of the data of one gateway, as folders on its disk. */
export function backupStorage({ places, parts, program, known, now, kept }: StorageOptions): BackupStorage {
  const write: BackupStorage['write'] = async (target, signal) =>
    writeBackup(places, absolute(target), parts, { program, at: now(), signal });
  return {
    write,
    stage: async (from, by, signal) =>
      stageRestore(places, parts, { from: absolute(from), at: now(), by, known: await known(), signal }),
    last: () => lastRestored(places.folder),
    async writeKept(signal) {
      const { folder, keep } = kept();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const target = path.join(folder, backupName(now()));
      await removeCutOff(folder);
      const manifest = await write(target, signal);
      const outdated = outdatedBackups(await readdir(folder), keep);
      for (const name of outdated) await removeAll(path.join(folder, name));
      return { path: target, manifest, removed: outdated.length };
    },
    async space() {
      // The folder may not have been made yet.
      const { folder } = kept();
      const { bavail, bsize } = await statfs((await look(folder)) === null ? places.folder : folder);
      return { free: bavail * bsize, database: (await look(places.database))?.size ?? 0 };
    },
  };
}

/** What a crash left of an earlier one: nobody else writes here under such a name. */
async function removeCutOff(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^\d{4}-\d{2}-\d{2}T\d{6}Z\.partial$/.test(name)) await removeAll(path.join(folder, name));
  }
}

function absolute(folder: string): string {
  if (path.isAbsolute(folder) && !folder.includes('\0')) return path.resolve(folder);
  throw invalidInput('bad_path', 'The path must be absolute: it is one of the machine on which the gateway runs.');
}
