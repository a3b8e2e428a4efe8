import { ClankerError } from '../../../core/errors.ts';

/** Primary result codes of SQLite (sqlite.org/rescode.html); the extended code holds them in its low byte. */
const busy = 5;
const outOfMemory = 7;
const readOnly = 8;
const io = 10;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;
/** Extended: the index of the log (`-shm`) cannot be given its size. That is how a full disk shows itself at opening. */
const noSharedMemory = 10 | (19 << 8);

export const closed = (cause?: unknown): ClankerError =>
  new ClankerError('storage', 'storage_closed', 'The database is not open at the moment; try again shortly.', {
    retryable: true,
    cause,
  });

export const overloaded = (): ClankerError =>
  new ClankerError('storage', 'storage_busy', 'Too much is waiting for the database; try again shortly.', {
    retryable: true,
    retryAfterMs: 1000,
  });

export const locked = (): ClankerError =>
  new ClankerError(
    'storage',
    'storage_locked',
    'Another gateway already uses this data directory: stop it, or give this one its own with OPEN_CLANKER_DATA.',
  );

export const damaged = (what: string, cause?: unknown, otherwise = 'move the file away to begin empty'): ClankerError =>
  new ClankerError(
    'storage',
    'damaged',
    `${what} Nothing was changed. Restore a backup with "open-clanker restore", or ${otherwise}.`,
    { cause },
  );

export const notOurs = (): ClankerError =>
  new ClankerError(
    'storage',
    'not_ours',
    'The database file belongs to another program. Nothing was changed. Set database.path to a file of its own.',
  );

const isFolder = (): ClankerError =>
  new ClankerError(
    'storage',
    'not_ours',
    'A folder stands where the database file should be: remove it when it is empty, or set database.path to a file.',
  );

export const newerSchema = (found: number, known: number): ClankerError =>
  new ClankerError(
    'storage',
    'newer_schema',
    `The database has schema ${found} and this version knows ${known}: upgrade Open Clanker, or restore a backup made before the upgrade.`,
  );

export const fileGone = (): ClankerError =>
  new ClankerError(
    'storage',
    'storage_closed',
    'The database file was removed or replaced while the gateway ran; nothing is accepted any more. Put it back, or restart the gateway.',
    { retryable: true },
  );

const unwritable = (cause: unknown): ClankerError =>
  new ClankerError(
    'storage',
    'storage_readonly',
    'The database cannot be opened for writing: check the owner, the permissions and the mount of the data directory.',
    { cause },
  );

/** An error of SQLite or the file system in the product's words. A ClankerError stays what it is. */
export function storageError(error: unknown): ClankerError {
  if (error instanceof ClankerError) return error;
  const { errcode, code } = error as { errcode?: number; code?: string };
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return unwritable(error);
  if (code === 'EISDIR') return isFolder();
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || errcode === noSharedMemory;
  switch (isFull ? full : (errcode ?? 0) & 0xff) {
    case full:
      return new ClankerError(
        'storage',
        'storage_full',
        'The disk is full: nothing more can be stored until there is space again.',
        { retryable: true, cause: error },
      );
    case io:
    case outOfMemory:
      return new ClankerError(
        'storage',
        'storage_io',
        'The disk does not work as it should: reading or writing failed.',
        {
          retryable: true,
          cause: error,
        },
      );
    case busy:
      return new ClankerError('storage', 'storage_busy', 'Another program holds the database; try again shortly.', {
        retryable: true,
        cause: error,
      });
    case readOnly:
    case cannotOpen:
      return unwritable(error);
    case corrupt:
    case notADatabase:
      return damaged('The database file is damaged or is not a database.', error);
    default:
      return new ClankerError('storage', 'internal', 'The database refused an operation; the log has the details.', {
        cause: error,
      });
  }
}

/** True when SQLite or the disk gave up the whole transaction, not one operation of it. */
export const breaksTransaction = (error: ClankerError): boolean =>
  ['storage_full', 'storage_io', 'storage_readonly', 'damaged'].includes(error.code);
