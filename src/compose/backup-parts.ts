/** Backup and restore, wired: for the running gateway, for its start, and for commands without one. Seldom needed: load it then. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  backupStorage,
  finishRestore as finish,
  stageRestore,
  writeBackup,
  type BackupParts,
  type DataPlaces,
  type RestoreParts,
} from '../adapters/backup/index.ts';
import { copyTree } from '../adapters/files/copy-tree.ts';
import { databaseTools } from '../adapters/store/sqlite/tools.ts';
import type { BackupManifest, Restored } from '../core/backup.ts';
import { ClankerError } from '../core/errors.ts';
import { migrationsDir, storeWorker } from '../places.ts';
import { version } from '../version.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { BackupStorage } from '../core/ports/maintenance-gateway.ts';

const tools = databaseTools(storeWorker);

const parts: BackupParts & RestoreParts = {
  copyDatabase: tools.copy,
  inspectDatabase: tools.inspect,
  settleDatabase: tools.settle,
  copyTree,
};

const placesOf = ({ dataDir, config }: LoadedConfig): DataPlaces => ({
  folder: dataDir,
  database: config.database.path,
});

/** Migrations count from 1 without holes. */
const knownSchema = async (): Promise<number> =>
  (await readdir(migrationsDir)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).length;

/** Of the running gateway; `live` is asked anew each time. */
export const storageOf = (live: () => LoadedConfig): BackupStorage =>
  backupStorage({
    places: placesOf(live()),
    parts,
    program: version,
    known: knownSchema,
    now: Date.now,
    kept: () => {
      const { config, dataDir } = live();
      return { folder: config.backup.folder ?? path.join(dataDir, 'backups'), keep: config.backup.keep };
    },
  });

/** Completes what a restore has begun. */
export const finishRestore = (loaded: LoadedConfig): Promise<Restored | null> => {
  const places = placesOf(loaded);
  return finish(places, { hold: () => tools.hold(places.database), inspectDatabase: tools.inspect });
};

/** Without a gateway: rejects with `storage_locked` when one is at work on the data. */
export async function backupOffline(loaded: LoadedConfig, target: string): Promise<BackupManifest> {
  const places = placesOf(loaded);
  // To hold it would make its folder.
  if (!existsSync(places.database)) {
    const words = `There is no database at ${places.database}: check OPEN_CLANKER_DATA and database.path.`;
    throw new ClankerError('not_found', 'no_database', words);
  }
  const release = await tools.hold(places.database);
  try {
    return await writeBackup(places, target, parts, { program: version, at: Date.now(), signal: never() });
  } finally {
    release();
  }
}

export async function restoreOffline(loaded: LoadedConfig, from: string): Promise<Restored> {
  const places = placesOf(loaded);
  const release = await tools.hold(places.database);
  try {
    const request = { from, at: Date.now(), by: null, known: await knownSchema(), signal: never() };
    await stageRestore(places, parts, request);
    const restored = await finish(places, { hold: null, inspectDatabase: tools.inspect });
    if (restored === null) throw new Error('what was just staged is gone');
    return restored;
  } finally {
    release();
  }
}

const never = (): AbortSignal => new AbortController().signal;
