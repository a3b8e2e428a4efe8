/** Small things about files that backups need, each in one place. */
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, rename, rm, statfs, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { ClankerError } from '../../core/errors.ts';

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Null when nothing is there; links are not followed. */
export async function look(file: string): Promise<Stats | null> {
  try {
    return await lstat(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * The first name on the way from a folder to a file that may not be there yet, links followed: '' is the folder itself,
 * `..` elsewhere.
 */
export async function firstNameTo(folder: string, file: string): Promise<string> {
  const real = (each: string): Promise<string | null> => realpath(each).catch(() => null);
  const parent = path.dirname(file);
  const whole = (await real(file)) ?? path.join((await real(parent)) ?? path.resolve(parent), path.basename(file));
  return path.relative((await real(folder)) ?? path.resolve(folder), whole).split(path.sep)[0] ?? '';
}

/** A file or the names in a folder, made to last. */
export async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Written as a whole or not at all (0600). */
export async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.tmp`;
  await writeFile(draft, text, { mode: 0o600 });
  await sync(draft);
  await rename(draft, file);
  await sync(path.dirname(file));
}

export const removeAll = (file: string): Promise<void> => rm(file, { recursive: true, force: true });

/** A plain file to be read. Rejects for links, folders, devices and pipes, which could be waited for or read for ever. */
export async function openPlain(file: string): Promise<FileHandle> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error(`${file} is no plain file`);
}

/** Size and SHA-256 of a plain file. */
export async function measure(file: string): Promise<{ size: number; sha256: string }> {
  const handle = await openPlain(file);
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of handle.createReadStream({ highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(bytes);
    size += bytes.length;
  }
  return { size, sha256: hash.digest('hex') };
}

/** Rejects with `storage_full` when less than `bytes` are free where the folder lies. */
export async function requireSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  const mb = (size: number): string => `${Math.ceil(size / 1e6)} MB`;
  throw new ClankerError(
    'storage',
    'storage_full',
    `There is not enough space for ${what}: it needs ${mb(bytes)}, and ${mb(bavail * bsize)} are free.`,
  );
}
