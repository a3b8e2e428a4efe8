/** Backup and restore as the gateway holds them while nobody asks for them. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { LoadedConfig } from '../config/index.ts';
import type { Restored } from '../core/backup.ts';
import type { BackupStorage } from '../core/ports/maintenance-gateway.ts';

/** `live` is asked anew each time. */
export function lazyBackups(live: () => LoadedConfig): BackupStorage {
  const storage = async (): Promise<BackupStorage> => (await import('./backup-parts.ts')).storageOf(live);
  return {
    write: async (...given) => (await storage()).write(...given),
    stage: async (...given) => (await storage()).stage(...given),
    last: async () => (await storage()).last(),
    writeKept: async (...given) => (await storage()).writeKept(...given),
    space: async () => (await storage()).space(),
  };
}

/** To be called before the store is opened: completes what a restore has begun, see adapters/backup/journal.ts. */
export async function finishRestore(loaded: LoadedConfig): Promise<Restored | null> {
  const begun = ['restore.json', 'restoring'].map((name) =>
    access(path.join(loaded.dataDir, name)).then(
      () => true,
      () => false,
    ),
  );
  if (!(await Promise.all(begun)).includes(true)) return null;
  return (await import('./backup-parts.ts')).finishRestore(loaded);
}
