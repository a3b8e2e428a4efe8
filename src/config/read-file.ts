import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';

/** Large enough for any configuration by hand, small enough to parse in a blink. */
export const maxFileBytes = 1024 * 1024;

/**
 * A file could not be read; `reason` says why, in words. `missing`: there is none. `hidden`: this user may not look into
 * its folder, so nobody can tell; who only searches goes on.
 */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly missing: boolean;
  readonly hidden: boolean;

  constructor(reason: string, { missing = false, hidden = false } = {}) {
    super(reason);
    this.missing = missing;
    this.hidden = hidden;
  }
}

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'it may not be read by this user',
  ELOOP: 'it is a link that leads nowhere',
  ENXIO: 'it is not a regular file',
};

/**
 * The text of a regular file of at most `maxBytes`, UTF-8, without a byte order mark. Never waits: a FIFO or a device is
 * opened without blocking and refused.
 */
export function readTextFile(path: string, maxBytes = maxFileBytes): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw new UnreadableFile('it is a directory, not a file');
    if (!stat.isFile()) throw new UnreadableFile('it is not a regular file');
    // A file that grows while it is read, or lies about its size as those in /proc do, still ends at the bound.
    const buffer = Buffer.alloc(maxBytes + 1);
    let size = 0;
    for (let count = -1; count !== 0 && size < buffer.length; size += count) {
      count = readSync(descriptor, buffer, size, buffer.length - size, null);
    }
    if (size > maxBytes) throw new UnreadableFile(`it is larger than ${maxBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, size));
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    if (error instanceof TypeError) throw new UnreadableFile('it is not UTF-8 text');
    const code = codeOf(error);
    // A link that leads nowhere, as of a mount that broke, is something that stands there.
    const entry = entryCode(path);
    const reason = code === 'ENOENT' && entry === null ? reasons['ELOOP'] : reasons[code];
    throw new UnreadableFile(reason ?? `the system says ${code}`, {
      missing: entry === 'ENOENT' || entry === 'ENOTDIR',
      hidden: entry === 'EACCES',
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Why the entry itself cannot be looked at; null when it can. */
function entryCode(path: string): string | null {
  try {
    lstatSync(path);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';
