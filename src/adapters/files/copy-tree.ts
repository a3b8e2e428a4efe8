import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { BackupFile } from '../../core/backup.ts';
import { ClankerError } from '../../core/errors.ts';
import { codeOf, HeldFolder } from './held-folder.ts';

const readBytes = 256 * 1024;
/** Programs may nest deeper than any path that we make; what is below that is not copied. */
const maxDepth = 32;
const { O_CREAT, O_EXCL, O_WRONLY } = constants;

/**
 * Copies the plain files below `from` to `to`, which is made; yields each with its path from `to` on and its hash as it
 * was read, null for what cannot be kept: links, pipes, devices, names that are no text. Programs may change what is
 * copied at the same time: no link is followed, wherever it was put, and a file that went is left out.
 */
export async function* copyTree(from: string, to: string, signal: AbortSignal): AsyncGenerator<BackupFile | null> {
  const top = await HeldFolder.open(from);
  if (top === null) return;
  try {
    yield* copyFolder(top, to, '', signal, 0);
  } finally {
    await top.close();
  }
}

async function* copyFolder(
  folder: HeldFolder,
  to: string,
  within: string,
  signal: AbortSignal,
  depth: number,
): AsyncGenerator<BackupFile | null> {
  await mkdir(path.join(to, within), { mode: 0o700 });
  for (const { name, raw, kind } of await folder.entries()) {
    signal.throwIfAborted();
    const own = within === '' ? name : `${within}/${name}`;
    if (kind === 'other' || !Buffer.from(name).equals(raw)) yield null;
    else if (kind === 'folder') {
      const inner = depth < maxDepth ? await keptOf(folder.folder(raw)) : null;
      if (inner === null) yield null;
      else {
        try {
          yield* copyFolder(inner, to, own, signal, depth + 1);
        } finally {
          await inner.close();
        }
      }
    } else {
      const opened = await keptOf(folder.file(name));
      if (opened === null) yield null;
      else yield { path: own, ...(await copyFile(opened.handle, path.join(to, own), signal)) };
    }
  }
  await syncFolder(path.join(to, within));
}

/** Null for what is no plain file or folder, or not any more. */
async function keptOf<T>(opening: Promise<T>): Promise<T | null> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof ClankerError || codeOf(error) === 'EACCES') return null;
    throw error;
  }
}

/** Closes the source. What is executable stays so. */
async function copyFile(source: FileHandle, target: string, signal: AbortSignal): Promise<Omit<BackupFile, 'path'>> {
  try {
    const { mode } = await source.stat();
    const made = await open(target, O_CREAT | O_EXCL | O_WRONLY, 0o600 | (mode & 0o100));
    try {
      const hash = createHash('sha256');
      const piece = Buffer.alloc(readBytes);
      let size = 0;
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await source.read(piece, 0, piece.length, null);
        if (bytesRead === 0) break;
        const bytes = piece.subarray(0, bytesRead);
        hash.update(bytes);
        await writeAll(made, bytes);
        size += bytesRead;
      }
      await made.sync();
      return { size, sha256: hash.digest('hex') };
    } finally {
      await made.close();
    }
  } finally {
    await source.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const { bytesWritten } = await handle.write(rest);
    rest = rest.subarray(bytesWritten);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
