/**
 * A folder that is held open, so that no path is trusted twice. Node has no `openat`; Linux has the same by another
 * name: `/proc/self/fd/N/name` begins at the very folder that descriptor N holds, wherever its path leads by now. Each
 * name is opened with O_NOFOLLOW, so a link that was put in the place of a folder or file is refused by the kernel and
 * not by a check before.
 *
 * Elsewhere (macOS) names are opened by path, and what was opened is compared with what the path then says. There is no
 * sandbox there (see tools/exec), so nobody but the user of the gateway can put a link into the folder.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { invalidInput, type ClankerError } from '../../core/errors.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const hasAnchors = process.platform === 'linux';

/** A name as text, or as the bytes that stand on the disk. */
type Name = string | Buffer;

export const noSuchFile = (name: string): ClankerError => invalidInput('no_such_file', `There is no "${name}".`);

const notPlain = (name: Name): ClankerError =>
  invalidInput(
    'not_plain',
    `"${name.toString()}" is a link, a pipe, a device or a file with several names; it can only be deleted.`,
  );

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

export class HeldFolder {
  readonly #handle: FileHandle;
  /** What names are appended to. */
  readonly #base: string;

  private constructor(handle: FileHandle, folder: string) {
    this.#handle = handle;
    this.#base = hasAnchors ? `/proc/self/fd/${handle.fd}` : folder;
  }

  /** A folder that we made ourselves, by its absolute path. Null when it is not there. */
  static async open(folder: string): Promise<HeldFolder | null> {
    try {
      const real = hasAnchors ? folder : await realpath(folder);
      return new HeldFolder(await open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), real);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** The path of a name in this folder, good for one system call that follows no link. */
  at(name: Name): string | Buffer {
    return typeof name === 'string' ? `${this.#base}/${name}` : Buffer.concat([Buffer.from(`${this.#base}/`), name]);
  }

  /** What stands under a name, links not followed; null when nothing does. */
  async look(name: Name): Promise<Stats | null> {
    try {
      return await lstat(this.at(name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** The folder under a name, made when `make` is set. Throws `no_such_file`, `is_file` or `not_plain`. */
  async folder(name: Name, make = false): Promise<HeldFolder> {
    if (make && (await this.look(name)) === null) {
      await mkdir(this.at(name), { mode: 0o700 });
      await this.sync();
    }
    const handle = await this.#open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return new HeldFolder(handle, this.at(name).toString());
  }

  /** A plain file with this one name, open for reading; the caller closes it. */
  async file(name: string): Promise<{ handle: FileHandle; size: number }> {
    // A pipe without a writer would be waited for.
    const handle = await this.#open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = await handle.stat();
    if (stat.isFile() && stat.nlink === 1) return { handle, size: stat.size };
    await handle.close();
    throw stat.isDirectory() ? invalidInput('is_folder', `"${name}" is a folder.`) : notPlain(name);
  }

  async #open(name: Name, flags: number): Promise<FileHandle> {
    let handle: FileHandle;
    try {
      handle = await open(this.at(name), flags);
    } catch (error) {
      switch (codeOf(error)) {
        case 'ENOENT':
          throw noSuchFile(name.toString());
        case 'ENOTDIR':
          throw (await this.look(name))?.isFile() === true
            ? invalidInput('is_file', `"${name.toString()}" is a file, not a folder.`)
            : notPlain(name);
        case 'ELOOP': // a link
        case 'ENXIO': // a socket
        case 'EMLINK': // a link, as FreeBSD says it
          throw notPlain(name);
        default:
          throw error;
      }
    }
    // What vanishes while it is compared is not there.
    if (hasAnchors || (await this.#isAt(handle, name).catch(() => false))) return handle;
    await handle.close();
    throw notPlain(name);
  }

  async #isAt(handle: FileHandle, name: Name): Promise<boolean> {
    const [held, named, real] = await Promise.all([handle.stat(), this.look(name), realpath(this.at(name))]);
    return held.ino === named?.ino && held.dev === named.dev && real === path.join(this.#base, name.toString());
  }

  /** What is in it, in the order of names. Programs may have made names that are no text: `raw` names them all. */
  async entries(): Promise<{ name: string; raw: Buffer; kind: 'file' | 'folder' | 'other' }[]> {
    const found = await readdir(this.at('.'), { withFileTypes: true, encoding: 'buffer' });
    return found
      .sort((a, b) => Buffer.compare(a.name, b.name))
      .map((entry) => ({
        name: entry.name.toString(),
        raw: entry.name,
        kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other',
      }));
  }

  /** Makes what was done to the names of this folder last. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
