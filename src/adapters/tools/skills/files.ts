/** Reading inside a skill's folder and nowhere else. */
import { constants, type Stats } from 'node:fs';
import { lstat, open, opendir, realpath } from 'node:fs/promises';
import path from 'node:path';

const maxPathLength = 255;
const maxDepth = 6;
/** Of files that are named to the model. */
const maxListed = 50;
const maxLookedAt = 500;

/** Why a file or folder is not read, in words that follow its name. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

const worldWritable = 0o002;

/** Windows has no such bits and shows them set. */
export const anybodyMayWrite = ({ mode }: Stats): boolean =>
  process.platform !== 'win32' && (mode & worldWritable) !== 0;

const isInside = (folder: string, file: string): boolean => file.startsWith(folder + path.sep);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/** The real path of something inside a folder, whose own path is real; links that lead out are refused. */
export async function realInside(folder: string, relative: string): Promise<string> {
  try {
    const real = await realpath(path.join(folder, relative));
    if (isInside(folder, real)) return real;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new Refused('there is no such file');
    throw new Refused(code === 'ELOOP' ? 'it is a link that leads nowhere' : `the system says ${code}`);
  }
  throw new Refused('it is a link that leads out of the folder');
}

/** What a model may write for a file: plain steps down, no hidden names. */
function checkName(relative: string): void {
  const steps = relative.split('/');
  const plain =
    relative.length <= maxPathLength &&
    steps.length <= maxDepth &&
    // eslint-disable-next-line no-control-regex -- a NUL ends a path for the system
    !/[\u0000-\u001f\\:]/.test(relative) &&
    steps.every((step) => step !== '' && !step.startsWith('.'));
  if (!plain) throw new Refused('it is not a path inside the skill, such as "references/forms.md"');
}

/** The text of a regular UTF-8 file inside a folder. Throws Refused for everything else. */
export async function readInside(folder: string, relative: string, maxBytes: number): Promise<string> {
  checkName(relative);
  const real = await realInside(folder, relative);
  try {
    // What became a link since is refused, and a pipe is opened without waiting for its writer.
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Refused('it is not a regular file');
      if (anybodyMayWrite(stat)) throw new Refused('anybody on this machine may change it; run chmod o-w on it');
      const bytes = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
      let size = 0;
      for (let count = -1; count !== 0 && size < bytes.length; size += count) {
        count = (await file.read(bytes, size, bytes.length - size, null)).bytesRead;
      }
      if (size > maxBytes || size > stat.size) throw new Refused(`it is larger than ${maxBytes} bytes`);
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, size));
      if (text.includes('\u0000')) throw new Refused('it is not text');
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    if (error instanceof TypeError) throw new Refused('it is not text');
    throw new Refused(
      codeOf(error) === 'EACCES' ? 'it may not be read by this user' : `the system says ${codeOf(error)}`,
    );
  }
}

/** The files of a skill by name, SKILL.md and hidden ones not among them; the first fifty. */
export async function filesInside(folder: string): Promise<string[]> {
  const files: string[] = [];
  const waiting = [''];
  let left = maxLookedAt;
  for (let under = waiting.shift(); under !== undefined && left > 0; under = waiting.shift()) {
    const depth = under === '' ? 0 : under.split('/').length;
    for await (const entry of await opendir(path.join(folder, under))) {
      if (--left <= 0) break;
      const name = under === '' ? entry.name : `${under}/${entry.name}`;
      if (entry.name.startsWith('.') || name === 'SKILL.md') continue;
      if (entry.isDirectory() && depth + 1 < maxDepth) waiting.push(name);
      if (entry.isFile()) files.push(name);
    }
  }
  return files.sort().slice(0, maxListed);
}

/** A folder that only its owner and the like may change. Its real path. */
export async function soundFolder(parent: string, name: string): Promise<string | null> {
  const real = await realInside(parent, name);
  const stat = await lstat(real);
  if (!stat.isDirectory()) return null;
  if (anybodyMayWrite(stat)) throw new Refused('anybody on this machine may change it; run chmod o-w on it');
  return real;
}
