import { rowsOf, type Restored } from '../../core/backup.ts';
import { ClankerError } from '../../core/errors.ts';
import type { BackupStorage, LogTail, MaintenanceGateway } from '../../core/ports/maintenance-gateway.ts';
import type { Log } from '../../core/ports/system.ts';
import { requireScope } from '../../core/principal.ts';
import { actorOf, type Audit } from '../audit/audit.ts';

export interface MaintenanceDeps {
  backups: BackupStorage;
  tail: LogTail;
  audit: Audit;
  log: Log;
  /** Ends this daemon so that the process begins anew with what was staged. */
  restart: () => void;
  stopping: AbortSignal;
}

/** Backups by hand, one at a time, and the log. Whoever asks may leave: what was begun is done to its end. */
export function maintenanceOf({ backups, tail, audit, log, restart, stopping }: MaintenanceDeps): MaintenanceGateway {
  let busy = false;
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    if (busy) {
      throw new ClankerError(
        'conflict',
        'backup_running',
        'A backup is being written or restored; try again after it.',
        {
          retryable: true,
        },
      );
    }
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  };
  return {
    backup(principal, target) {
      requireScope(principal, 'admin');
      return alone(async () => {
        const manifest = await backups.write(target, stopping);
        const counts = { rows: rowsOf(manifest.database.tables), files: manifest.files.count };
        await audit.record(principal, 'backup.made', null, counts);
        log.info('a backup was written', { path: target, ...counts });
        return { path: target, manifest };
      });
    },
    restore(principal, from) {
      requireScope(principal, 'admin');
      return alone(async () => {
        const manifest = await backups.stage(from, actorOf(principal), stopping);
        log.warn('a backup takes the place of the data; the gateway begins anew', { path: from });
        restart();
        return { path: from, manifest };
      });
    },
    lastRestored(principal) {
      requireScope(principal, 'admin');
      return backups.last();
    },
    logs(principal, filter, limit) {
      requireScope(principal, 'admin');
      return tail.lines(filter, limit);
    },
    followLogs(principal, hear) {
      requireScope(principal, 'admin');
      return tail.follow(hear);
    },
  };
}

/** The first thing that a gateway says with the data of a backup. */
export async function tellRestored(restored: Restored, { audit, log }: { audit: Audit; log: Log }): Promise<void> {
  const { from, backupAt, before, rows, files, problems, by } = restored;
  const fields = { path: from, backup_at: new Date(backupAt).toISOString(), rows, files, before };
  if (problems.length === 0) log.info('a backup was restored; every row is accounted for', fields);
  else log.error('a backup was restored, and rows are missing; the data of before lie aside', { ...fields, problems });
  const system = { kind: 'system', id: 'gateway', person: null } as const;
  await audit.recordBy(by ?? system, 'backup.restored', null, { rows, files, backup_at: backupAt });
}
