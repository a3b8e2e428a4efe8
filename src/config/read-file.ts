import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Large enough for any configuration by hand, small enough to parse in a blink. */
export const maxFileBytes = 1024 * 1024;

/** A file could not be read; `reason` says why, in words. `missing` tells it apart from a file that is there. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly missing: boolean;

  constructor(reason: string, missing = false) {
    super(reason);
    this.missing = missing;
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
export async function readTextFile(path: string, maxBytes = maxFileBytes): Promise<string> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new UnreadableFile('it is a directory, not a file');
    if (!stat.isFile()) throw new UnreadableFile('it is not a regular file');
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    let size = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, size, buffer.length - size);
      size += bytesRead;
      if (bytesRead === 0 || size === buffer.length) break;
    }
    if (size > maxBytes) throw new UnreadableFile(`it is larger than ${maxBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, size));
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    if (error instanceof TypeError) throw new UnreadableFile('it is not UTF-8 text');
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new UnreadableFile(reasons[code] ?? `the system says ${code}`, code === 'ENOENT' || code === 'ENOTDIR');
  }
}
