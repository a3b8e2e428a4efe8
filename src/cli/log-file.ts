/** The log file of a gateway that does not run, read from its end. */
import { open, type FileHandle } from 'node:fs/promises';

/** Bytes that are read at once, and of one line. */
const pieceBytes = 64 * 1024;
const maxLineBytes = 256 * 1024;
const lineFeed = 0x0a;

/**
 * The newest lines that fit, oldest first: of the file, then of those it was rotated into (`FILE.1` is the newest). Reads
 * no more than it needs; `fits` says null for a line before which nothing is wanted any more.
 */
export async function lastLines(
  file: string,
  limit: number,
  fits: (line: string) => boolean | null,
): Promise<string[]> {
  const found: string[] = [];
  for (let n = 0; found.length < limit; n++) {
    const handle = await openIfThere(n === 0 ? file : `${file}.${n}`);
    if (handle === null) {
      // The newest may be missing for a moment while it is rotated.
      if (n > 0) break;
      continue;
    }
    try {
      for await (const line of linesFromEnd(handle)) {
        const wanted = fits(line);
        if (wanted === null) return found.reverse();
        if (wanted) found.push(line);
        if (found.length === limit) break;
      }
    } finally {
      await handle.close();
    }
  }
  return found.reverse();
}

async function openIfThere(file: string): Promise<FileHandle | null> {
  try {
    return await open(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Last line first. A line that is too long is shown from its end on. */
async function* linesFromEnd(handle: FileHandle): AsyncGenerator<string> {
  let { size: at } = await handle.stat();
  let rest: Buffer = Buffer.alloc(0);
  while (at > 0) {
    const length = Math.min(pieceBytes, at);
    at -= length;
    const piece = Buffer.alloc(length);
    await handle.read(piece, 0, length, at);
    rest = Buffer.concat([piece, rest]);
    for (let end = rest.lastIndexOf(lineFeed); end !== -1; end = rest.lastIndexOf(lineFeed)) {
      if (end < rest.length - 1) yield rest.subarray(end + 1).toString('utf8');
      rest = rest.subarray(0, end);
    }
    if (rest.length > maxLineBytes) rest = rest.subarray(rest.length - maxLineBytes);
  }
  if (rest.length > 0) yield rest.toString('utf8');
}
