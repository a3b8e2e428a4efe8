import { isText, headBytes, typeOfBytes } from '../../../core/file-type.ts';
import type { FileEntry, PersonFiles } from '../../../core/ports/person-files.ts';
import type { ToolOutput } from '../../../core/ports/tool.ts';
import { matchesGlob } from './glob.ts';

/** Entries of a folder that are shown. */
const maxListed = 200;
const defaultLines = 500;
/** Characters of a file in one answer. */
const maxShown = 100_000;
/** Files that are named in the answer of a search, and lines of each. */
const maxFound = 50;
const maxLinesEach = 3;
/** Of which the best are taken. */
const maxRanked = 500;
const maxLineShown = 160;
/** Bytes that one search looks through. */
const maxSearched = 20_000_000;

/** What is not the person's own words is somebody's: an attachment's, a program's, or what an agent wrote after reading such. */
const fromOutside = (own: boolean): Pick<ToolOutput, 'outside'> => (own ? {} : { outside: 'file' });

const line = ({ path, kind, size }: FileEntry): string =>
  kind === 'folder' ? `${path}/` : `${path} (${kind === 'other' ? 'no plain file' : `${size} bytes`})`;

export async function listFolder(files: PersonFiles, person: string, path: string): Promise<ToolOutput> {
  const { entries, more, own } = await files.list(person, path, maxListed);
  if (entries.length === 0) return { text: 'The folder is empty.' };
  const lines = entries.map(line);
  if (more) lines.push(`There are more than ${maxListed}; files_find narrows it down.`);
  return { text: lines.join('\n'), ...fromOutside(own) };
}

/** Whole lines from the `offset`-th on, the first being 1; what is no text is only named. */
export async function readText(
  files: PersonFiles,
  person: string,
  path: string,
  piece: { offset?: number | undefined; limit?: number | undefined },
): Promise<ToolOutput> {
  const offset = Math.max(1, Math.floor(piece.offset ?? 1));
  const limit = Math.max(1, Math.floor(piece.limit ?? defaultLines));
  const { bytes, own } = await files.read(person, path);
  const text = decoded(bytes);
  if (text === null) {
    const type = typeOfBytes(bytes.subarray(0, headBytes)) ?? 'of unknown type';
    return {
      text: `"${path}" is no text but ${type}, ${bytes.length} bytes. files_attach hands it over.`,
      isError: true,
    };
  }
  if (text === '') return { text: 'The file is empty.' };
  let [total, begin, end] = [0, -1, text.length];
  for (const { n, start, stop } of linesOf(text)) {
    total = n;
    if (n === offset) begin = start;
    if (n === offset + limit - 1) end = stop;
  }
  if (begin === -1) return { text: `The file has only ${total} lines.`, isError: true };
  const last = Math.min(total, offset + limit - 1);
  const head = offset === 1 && last === total ? '' : `[lines ${offset} to ${last} of ${total}]\n`;
  const shown = text.slice(begin, Math.min(end, begin + maxShown)).replace(/\n$/, '');
  const cut = end - begin > maxShown ? `\n[… cut after ${maxShown} characters: ask for fewer lines]` : '';
  return { text: head + shown.toWellFormed() + cut, ...fromOutside(own) };
}

/** Where each line stands, the first being 1; a line break at the end begins no further one. */
function* linesOf(text: string): Generator<{ n: number; start: number; stop: number }> {
  for (let [n, start] = [1, 0]; start < text.length; n++) {
    const found = text.indexOf('\n', start);
    const stop = found === -1 ? text.length : found;
    yield { n, start, stop };
    start = stop + 1;
  }
}

/** Null when it is no text. */
function decoded(bytes: Uint8Array): string | null {
  if (!isText(bytes.subarray(0, headBytes)) || bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

interface Sought {
  glob?: string | undefined;
  words?: string | undefined;
}

/** Files by a pattern, by words in their name or text, or both; every word must be there, in any case. */
export async function findFiles(
  files: PersonFiles,
  person: string,
  sought: Sought,
  signal: AbortSignal,
): Promise<ToolOutput> {
  const lines: string[] = [];
  const search = new Search(files, person, sought);
  let found = 0;
  for await (const { entry, inText } of search.run(signal)) {
    if (++found > maxFound) break;
    lines.push(line(entry), ...inText.map((text) => `  ${text}`));
  }
  if (found > maxFound) lines.push(`There are more than ${maxFound}; ask more exactly.`);
  if (search.cut) lines.push('Not every file was looked through: there is too much text.');
  // Names and lines of many files: whose each is would be asked for nothing.
  return lines.length === 0 ? { text: 'Nothing was found.' } : { text: lines.join('\n'), outside: 'file' };
}

/** The files with all of these words, at most `limit`: those that are called so, then those with the most lines. */
export async function bestFiles(
  files: PersonFiles,
  person: string,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<{ path: string; lines: string[] }[]> {
  const found: { path: string; lines: string[] }[] = [];
  for await (const { entry, inText } of new Search(files, person, { words }).run(signal)) {
    if (entry.kind === 'file') found.push({ path: entry.path, lines: inText });
    if (found.length === maxRanked) break;
  }
  const rank = ({ lines }: { lines: string[] }): number => (lines.length === 0 ? 0 : 1 + maxLinesEach - lines.length);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, limit);
}

/** One look through all files of a person. */
class Search {
  /** Not every file was looked through: there is too much text. */
  cut = false;
  readonly #files: PersonFiles;
  readonly #person: string;
  readonly #glob: string | undefined;
  readonly #words: readonly string[];

  constructor(files: PersonFiles, person: string, { glob, words = '' }: Sought) {
    this.#files = files;
    this.#person = person;
    this.#glob = glob;
    this.#words = words.toLowerCase().split(/\s+/).filter(Boolean);
  }

  /** `inText`: lines that hold one of the words; empty when the name holds them all. */
  async *run(signal: AbortSignal): AsyncGenerator<{ entry: FileEntry; inText: string[] }> {
    let left = maxSearched;
    for await (const entry of this.#files.walk(this.#person, '')) {
      signal.throwIfAborted();
      if (entry.kind === 'other' || (this.#glob !== undefined && !matchesGlob(entry.path, this.#glob))) continue;
      if (holdsAll(entry.path, this.#words)) yield { entry, inText: [] };
      else if (entry.kind !== 'file') continue;
      else if (entry.size > left) this.cut = true;
      else {
        left -= entry.size;
        const inText = await linesWith(this.#files, this.#person, entry.path, this.#words);
        if (inText.length > 0) yield { entry, inText };
      }
    }
  }
}

const holdsAll = (text: string, words: readonly string[]): boolean => {
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word));
};

/** The first lines that hold one of the words, of a text that holds them all. */
async function linesWith(
  files: PersonFiles,
  person: string,
  path: string,
  words: readonly string[],
): Promise<string[]> {
  // A file may go, or turn into something else, while it is looked for.
  const content = await files.read(person, path).catch(() => null);
  const text = content === null ? null : decoded(content.bytes);
  if (text === null || !holdsAll(text, words)) return [];
  const lines: string[] = [];
  for (const { n, start, stop } of linesOf(text)) {
    const line = text.slice(start, stop);
    const lower = line.toLowerCase();
    if (!words.some((word) => lower.includes(word))) continue;
    lines.push(`${n}: ${line.trim().slice(0, maxLineShown).toWellFormed()}`);
    if (lines.length === maxLinesEach) break;
  }
  return lines;
}
