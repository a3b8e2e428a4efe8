/** Shapes of backups and of the log. */
import * as z from 'zod/mini';
import type { BackupManifest, Restored } from '../../../core/backup.ts';
import type { MadeBackup } from '../../../core/ports/maintenance-gateway.ts';
import { nullable, number, time } from './base.ts';

/** An absolute path on the machine of the gateway. */
export const backupBody = () => z.strictObject({ path: z.string().check(z.minLength(1), z.maxLength(4096)) });

const manifest = () =>
  z.strictObject({
    format: z.string(),
    version: z.number(),
    program: z.string(),
    at: time,
    database: z.strictObject({
      schema: z.number(),
      tables: z.record(z.string(), z.number()),
      size: z.number(),
      sha256: z.string(),
    }),
    files: z.strictObject({ count: z.number(), bytes: z.number(), sha256: z.string() }),
    skipped: z.number(),
  } satisfies Record<keyof BackupManifest, unknown>);

export const madeBackup = () =>
  z.strictObject({ path: z.string(), manifest: manifest() } satisfies Record<keyof MadeBackup, unknown>);

const restored = () =>
  z.strictObject({
    at: time,
    from: z.string(),
    backupAt: time,
    before: z.string(),
    rows: z.number(),
    files: z.number(),
    problems: z.array(z.string()),
    by: nullable(z.looseObject({ kind: z.string(), id: z.string() })),
  } satisfies Record<keyof Restored, unknown>);
export const lastRestored = () => z.strictObject({ restored: nullable(restored()) });

export const logsQuery = () =>
  z.strictObject({
    level: z.exactOptional(z.enum(['trace', 'debug', 'info', 'warn', 'error'])),
    since: z.exactOptional(z.iso.datetime({ offset: true })),
    limit: z.exactOptional(number(/^(?:[1-9]\d{0,3}|10000)$/, '1 to 10000')),
  });
export const logLines = () =>
  z.strictObject({ logs: z.array(z.looseObject({ time: z.string(), level: z.string(), message: z.string() })) });
