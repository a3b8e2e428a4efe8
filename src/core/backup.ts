/**
 * What a backup is: a folder with `manifest.json`, the database, `files.jsonl` (a BackupFile a line) and the folders of
 * the data directory. The manifest is written last, so that what has one is whole.
 */
import * as z from 'zod/mini';
import type { AuditActor } from './audit.ts';
import { ClankerError } from './errors.ts';
import { once } from './once.ts';

/** Folders of the data directory that belong to people; what is not there is not kept. */
export const backupFolders = ['files', 'people', 'plugins', 'skills'] as const;
export const backupDatabase = 'open-clanker.db';
export const backupFileList = 'files.jsonl';
export const backupManifest = 'manifest.json';
/** Bytes; one with all fields is far below. */
export const maxManifestBytes = 1_048_576;

/** How many rows each table has. */
export type TableCounts = Record<string, number>;

/** What is in a database. */
export interface DatabaseAccount {
  schema: number;
  tables: TableCounts;
}

/** What was read of a database file: nothing wrong with it, or what. */
export interface DatabaseReport extends DatabaseAccount {
  problems: string[];
  size: number;
  sha256: string;
}

export interface BackupFile {
  /** From the folder of the backup on, with `/`. */
  path: string;
  size: number;
  sha256: string;
}

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const count = z.int().check(z.minimum(0));

const manifestSchema = once(() =>
  z.strictObject({
    format: z.literal('open-clanker-backup'),
    version: z.literal(1),
    /** Of the program that made it. */
    program: z.string(),
    /** The moment that it shows, milliseconds since the epoch. */
    at: count,
    database: z.strictObject({
      schema: count,
      tables: z.record(z.string(), count),
      size: count,
      sha256: hash,
    }),
    /** Of the files that `files.jsonl` names; its SHA-256. */
    files: z.strictObject({ count, bytes: count, sha256: hash }),
    /** Links, pipes and names that are no text are not kept; how many there were. */
    skipped: count,
  }),
);

export type BackupManifest = z.output<ReturnType<typeof manifestSchema>>;

export const badBackup = (why: string, cause?: unknown): ClankerError =>
  new ClankerError('invalid_input', 'bad_backup', `This backup cannot be used: ${why} Nothing was changed.`, { cause });

/** Throws `bad_backup`. A backup of a later format says so. */
export function readManifest(text: string): BackupManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badBackup(`${backupManifest} is no JSON.`, error);
  }
  const parsed = manifestSchema().safeParse(value);
  if (parsed.success) return parsed.data;
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format === 'open-clanker-backup' && version !== 1)
    throw badBackup('it was made by a newer version of Open Clanker; upgrade first.');
  throw badBackup(`${backupManifest} is not what "open-clanker backup" writes.`, parsed.error);
}

/** Tables whose rows are not as many as they should be: `messages: 10 rows instead of 12`. */
export function countDifferences(found: TableCounts, expected: TableCounts): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort();
  return names
    .filter((name) => found[name] !== expected[name])
    .map((name) => `${name}: ${found[name] ?? 'no'} rows instead of ${expected[name] ?? 'none'}`);
}

export const rowsOf = (tables: TableCounts): number => Object.values(tables).reduce((sum, rows) => sum + rows, 0);

/** Whether a path of `files.jsonl` stays inside the backup and belongs to one of its folders. */
export function isBackupPath(path: string): boolean {
  const [folder = '', ...names] = path.split('/');
  return (
    (backupFolders as readonly string[]).includes(folder) &&
    names.length > 0 &&
    names.every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0') && name.length <= 255)
  );
}

/** A restored backup, as it is told after the start. */
export interface Restored {
  /** Milliseconds since the epoch. */
  at: number;
  /** The folder of the backup, and the moment that it shows. */
  from: string;
  backupAt: number;
  /** Where the data from before are, beside those in use. */
  before: string;
  /** Rows and files as they should be; `problems`: what is not so. */
  rows: number;
  files: number;
  problems: string[];
  /** Who asked for it; null: nobody known, such as a command without a gateway. */
  by: AuditActor | null;
}

/** Names sort by time: `2026-11-21T033000Z`. */
export const backupName = (at: number): string =>
  new Date(at)
    .toISOString()
    .replaceAll(':', '')
    .replace(/\.\d+Z$/, 'Z');

/** Of the names in a folder those of our own backups that are more than `keep`, oldest first. */
export function outdatedBackups(names: readonly string[], keep: number): string[] {
  const ours = names.filter((name) => /^\d{4}-\d{2}-\d{2}T\d{6}Z$/.test(name)).sort();
  return ours.slice(0, Math.max(0, ours.length - keep));
}
