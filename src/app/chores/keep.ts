/** Chores that care for the database as a whole. */
import { rowsOf } from '../../core/backup.ts';
import type { BackupStorage } from '../../core/ports/maintenance-gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Log } from '../../core/ports/system.ts';

/** A database of this size is rewritten in about a second (90 to 250 MB each second were measured); others wait meanwhile. */
export const maxVacuumBytes = 100 * 1024 ** 2;
/** Less free space than this part of it is not worth the rewriting: it is used again. */
const worthPart = 0.2;

export interface KeepDeps {
  store: Pick<Store, 'vacuum'>;
  backups: BackupStorage;
  log: Log;
}

/** One more backup, unless the disk has less than twice the database free. */
export async function keepBackup({ backups, log }: KeepDeps, signal: AbortSignal): Promise<string> {
  const { free, database } = await backups.space();
  if (free < 2 * database) {
    const reason = `No backup: ${mb(free)} are free, and twice the database (${mb(database)}) is wanted.`;
    log.warn('there is no backup, as the disk is too full', { free_bytes: free, database_bytes: database });
    return reason;
  }
  const { path, manifest, removed } = await backups.writeKept(signal);
  const counts = `${rowsOf(manifest.database.tables)} rows, ${manifest.files.count} files`;
  return `${path}: ${counts}${removed === 0 ? '' : `; ${removed} older removed`}`;
}

/** Rewrites a small database that has much free space; a large one keeps and uses it. */
export async function vacuum({ store }: KeepDeps): Promise<string> {
  const { bytes, free, done } = await store.vacuum(maxVacuumBytes, worthPart);
  return done ? `${mb(free)} of ${mb(bytes)} given back` : '';
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
