import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { ClankerError, invalidInput } from '../../core/errors.ts';
import { nameKey, parseFilePath } from '../../core/file-path.ts';
import { parseId } from '../../core/ids.ts';
import type {
  Change,
  FileContent,
  FileEntry,
  FilesUsage,
  PersonFiles,
  WriteMode,
} from '../../core/ports/person-files.ts';
import { codeOf, HeldFolder, noSuchFile } from './held-folder.ts';
import { contentHash, OwnWords, pathHashes } from './own-words.ts';
import { removeTree } from './remove-tree.ts';

/** Files and folders of one person. */
export const maxEntries = 5000;
/** Programs may nest deeper than paths do; what is below that is not counted one by one. */
const maxWalkDepth = 32;

export interface PersonFilesLimits {
  /** Bytes of one file. */
  maxFile: number;
  /** Bytes of all files of one person. */
  quota: number;
}

/**
 * `<folder>/<person>/files` is what the person's tools see. Beside it, out of their reach and out of that of any
 * sandbox, `drafts` holds what is being written or removed, and `own` what `OwnWords` keeps.
 */
export class DiskPersonFiles implements PersonFiles {
  readonly #folder: string;
  readonly #limits: () => PersonFilesLimits;
  readonly #own = new OwnWords();
  /** The last work on the folder of a person; forgotten when nothing waits. */
  readonly #working = new Map<string, Promise<unknown>>();

  /** `limits` is asked anew each time: a reload may change them. */
  constructor(folder: string, limits: () => PersonFilesLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  async list(person: string, file: string, limit: number): ReturnType<PersonFiles['list']> {
    const names = parseFilePath(file);
    const kept = await this.#own.kept(this.#ownFile(person));
    const folder = await this.#open(person, names);
    if (folder === null) return { entries: [], more: false, own: true };
    try {
      const found = await folder.entries();
      const entries: FileEntry[] = [];
      for (const { name, raw, kind } of found.slice(0, limit)) {
        const size = kind === 'file' ? ((await folder.look(raw))?.size ?? 0) : 0;
        entries.push({ path: [...names, name].join('/'), kind, size });
      }
      const own = entries.every((entry) => pathHashes(entry.path.split('/')).every((hash) => kept.has(hash)));
      return { entries, more: found.length > limit, own };
    } finally {
      await folder.close();
    }
  }

  async entry(person: string, file: string): Promise<FileEntry> {
    const names = parseFilePath(file);
    if (names.length === 0) return { path: '', kind: 'folder', size: 0 };
    return this.#in(person, names, async (folder, name) => {
      const stat = await folder.look(name);
      if (stat === null) throw noSuchFile(file);
      const kind = stat.isDirectory() ? 'folder' : stat.isFile() && stat.nlink === 1 ? 'file' : 'other';
      return { path: names.join('/'), kind, size: kind === 'file' ? stat.size : 0 };
    });
  }

  async read(person: string, file: string): Promise<FileContent> {
    const names = parseFilePath(file);
    const bytes = await this.#in(person, names, (folder, name) => this.#bytesOf(folder, name));
    const kept = await this.#own.kept(this.#ownFile(person));
    return { bytes, own: [contentHash(bytes), ...pathHashes(names)].every((hash) => kept.has(hash)) };
  }

  async #bytesOf(folder: HeldFolder, name: string): Promise<Buffer> {
    const { maxFile } = this.#limits();
    const { handle, size } = await folder.file(name);
    try {
      if (size > maxFile) throw tooLarge(maxFile);
      const bytes = Buffer.alloc(size);
      const { bytesRead } = await handle.read(bytes, 0, size, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  async write(
    person: string,
    file: string,
    bytes: Uint8Array,
    { mode, own, signal }: Change & { mode: WriteMode },
  ): Promise<FileEntry> {
    const names = parseFilePath(file);
    if (names.length === 0) throw invalidInput('is_folder', 'A file needs a name.');
    const { maxFile, quota } = this.#limits();
    if (bytes.length > maxFile) throw tooLarge(maxFile);
    return this.#inTurn(
      person,
      async (home) => {
        const usage = await this.usage(person);
        if (usage.entries + names.length > maxEntries)
          throw invalidInput('too_many_entries', `A person has at most ${maxEntries} files and folders; delete some.`);
        const target = await this.#open(person, names.slice(0, -1), { make: true });
        if (target === null) throw noSuchFile(file);
        try {
          const name = names.at(-1) ?? '';
          const before = await this.#before(target, name, mode);
          const whole = mode === 'append' ? Buffer.concat([before, bytes]) : bytes;
          if (whole.length > maxFile) throw tooLarge(maxFile);
          const total = usage.bytes - before.length + whole.length;
          if (total > quota && whole.length > before.length)
            throw invalidInput(
              'quota_exceeded',
              `The person's files may have ${quota} bytes together, and would have ${total}; delete some first.`,
            );
          // What was not their own before does not become it by what is added.
          const kept = await this.#own.kept(this.#ownFile(person));
          const pure = own && (mode !== 'append' || before.length === 0 || kept.has(contentHash(before)));
          await this.#put(home, target, name, whole);
          if (own)
            await this.#own.add(this.#ownFile(person), [...pathHashes(names), ...(pure ? [contentHash(whole)] : [])]);
          return { path: names.join('/'), kind: 'file', size: whole.length };
        } finally {
          await target.close();
        }
      },
      signal,
    );
  }

  /** What a write finds under its name; throws when it must not touch that. */
  async #before(folder: HeldFolder, name: string, mode: WriteMode): Promise<Buffer> {
    if ((await folder.look(name)) === null) {
      await refuseVariant(folder, name);
      return Buffer.alloc(0);
    }
    const before = await this.#bytesOf(folder, name);
    if (mode === 'create') throw exists(name);
    return before;
  }

  /** Written beside, fsynced, and put in its place by one rename. */
  async #put(home: HeldFolder, target: HeldFolder, name: string, bytes: Uint8Array): Promise<void> {
    const drafts = await emptied(home);
    const draft = randomBytes(12).toString('hex');
    try {
      const handle = await open(drafts.at(draft), 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(drafts.at(draft), target.at(name));
      await target.sync();
    } catch (error) {
      await removeTree(drafts, draft);
      if (['ENOSPC', 'EDQUOT'].includes(codeOf(error)))
        throw new ClankerError('storage', 'storage_full', 'The disk is full; nothing was written.', { cause: error });
      throw error;
    } finally {
      await drafts.close();
    }
  }

  async move(person: string, from: string, to: string, { own, signal }: Change): Promise<void> {
    const [source, goal] = [parseFilePath(from), parseFilePath(to)];
    if (source.length === 0 || goal.length === 0) throw invalidInput('bad_path', 'Name what to move, and where to.');
    return this.#inTurn(
      person,
      () =>
        this.#in(person, source, async (folder, name) => {
          if ((await folder.look(name)) === null) throw noSuchFile(from);
          if (source.every((part, n) => part === goal[n])) throw invalidInput('bad_path', 'That is in itself.');
          const target = await this.#open(person, goal.slice(0, -1), { make: true });
          if (target === null) throw noSuchFile(to);
          try {
            const newName = goal.at(-1) ?? '';
            if ((await target.look(newName)) !== null) throw exists(newName);
            // Only the spelling of its own name may change.
            if (source.slice(0, -1).join('/') !== goal.slice(0, -1).join('/') || nameKey(name) !== nameKey(newName))
              await refuseVariant(target, newName);
            await rename(folder.at(name), target.at(newName));
            await Promise.all([folder.sync(), target.sync()]);
          } finally {
            await target.close();
          }
          if (own) await this.#own.add(this.#ownFile(person), pathHashes(goal));
        }),
      signal,
    );
  }

  async remove(person: string, file: string, signal?: AbortSignal): Promise<void> {
    const names = parseFilePath(file);
    if (names.length === 0) throw invalidInput('bad_path', 'Name what to delete.');
    return this.#inTurn(
      person,
      (home) =>
        this.#in(person, names, async (folder, name) => {
          if ((await folder.look(name)) === null) throw noSuchFile(file);
          const drafts = await emptied(home);
          try {
            // Out of reach first: what is removed one by one is not in anybody's sight any more.
            const removed = randomBytes(12).toString('hex');
            await rename(folder.at(name), drafts.at(removed));
            await folder.sync();
            await removeTree(drafts, removed);
          } finally {
            await drafts.close();
          }
        }),
      signal,
    );
  }

  async *walk(person: string, file: string): AsyncGenerator<FileEntry> {
    const names = parseFilePath(file);
    const folder = await this.#open(person, names);
    if (folder === null) return;
    let left = maxEntries;
    for await (const { path: found, kind, size } of below(folder, names)) {
      if (left-- <= 0) return;
      yield { path: found, kind, size };
    }
  }

  async usage(person: string): Promise<FilesUsage> {
    const { quota } = this.#limits();
    const folder = await this.#open(person, []);
    let [bytes, entries] = [0, 0];
    if (folder === null) return { bytes, entries, over: false };
    for await (const { size, hidden } of below(folder, [])) {
      bytes += size;
      entries++;
      // A folder that cannot be looked into counts as more than there may be, until it is deleted.
      if (hidden === true || entries > maxEntries) return { bytes, entries: maxEntries + 1, over: true };
    }
    return { bytes, entries, over: bytes > quota };
  }

  lend<T>(person: string, work: (folder: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#inTurn(person, () => work(path.join(this.#home(person), 'files')), signal);
  }

  erase(person: string): Promise<number> {
    return this.#inTurn(person, async () => {
      const people = await HeldFolder.open(this.#folder);
      if (people === null) return 0;
      try {
        const { entries } = await this.usage(person);
        await removeTree(people, path.basename(this.#home(person)));
        this.#own.forget();
        return entries;
      } finally {
        await people.close();
      }
    });
  }

  /** Ids as we mint them are safe names; others, such as with capitals, become one by their hash. */
  #home(person: string): string {
    const plain = /^[a-z0-9_-]{1,64}$/.test(parseId(person));
    const name = plain ? person : `=${createHash('sha256').update(person).digest('hex').slice(0, 40)}`;
    return path.join(this.#folder, name);
  }

  #ownFile(person: string): string {
    return path.join(this.#home(person), 'own');
  }

  /** One change at a time, in a home that is there. */
  #inTurn<T>(person: string, work: (home: HeldFolder) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#working.get(person) ?? Promise.resolve();
    const mine = before.then(async () => {
      signal?.throwIfAborted();
      await mkdir(path.join(this.#home(person), 'files'), { recursive: true, mode: 0o700 });
      const home = await HeldFolder.open(this.#home(person));
      if (home === null) throw new Error('the folder that was just made is gone');
      try {
        return await work(home);
      } finally {
        await home.close();
      }
    });
    const settled = mine.catch(() => undefined);
    this.#working.set(person, settled);
    void settled.then(() => this.#working.get(person) === settled && this.#working.delete(person));
    return mine;
  }

  /** The folder that names lead to, each opened from the one before; null while the person has none at all. */
  async #open(person: string, names: readonly string[], { make = false } = {}): Promise<HeldFolder | null> {
    let folder = await HeldFolder.open(path.join(this.#home(person), 'files'));
    for (const name of names) {
      if (folder === null) throw noSuchFile(name);
      try {
        if (make && (await folder.look(name)) === null) await refuseVariant(folder, name);
        const next: HeldFolder = await folder.folder(name, make);
        await folder.close();
        folder = next;
      } catch (error) {
        await folder.close();
        throw error;
      }
    }
    return folder;
  }

  async #in<T>(
    person: string,
    names: readonly string[],
    work: (folder: HeldFolder, name: string) => Promise<T>,
  ): Promise<T> {
    const name = names.at(-1);
    if (name === undefined) throw invalidInput('is_folder', 'That is the folder itself.');
    const folder = await this.#open(person, names.slice(0, -1));
    if (folder === null) throw noSuchFile(name);
    try {
      return await work(folder, name);
    } finally {
      await folder.close();
    }
  }
}

/** Everything below a folder, depth first; closes it. `hidden`: what is in this folder cannot be seen. */
async function* below(folder: HeldFolder, names: readonly string[]): AsyncGenerator<FileEntry & { hidden?: true }> {
  try {
    for (const { name, raw, kind } of await folder.entries()) {
      const size = kind === 'file' ? ((await folder.look(raw))?.size ?? 0) : 0;
      const next = kind === 'folder' ? await inside(folder, raw, names.length) : null;
      const entry = { path: [...names, name].join('/'), kind, size };
      yield kind === 'folder' && next === null ? { ...entry, hidden: true } : entry;
      if (next !== null) yield* below(next, [...names, name]);
    }
  } finally {
    await folder.close();
  }
}

async function inside(folder: HeldFolder, name: Buffer, depth: number): Promise<HeldFolder | null> {
  if (depth >= maxWalkDepth) return null;
  try {
    return await folder.folder(name);
  } catch {
    return null;
  }
}

/** The folder for what is being written or removed, without what a crash left in it. */
async function emptied(home: HeldFolder): Promise<HeldFolder> {
  const drafts = await home.folder('drafts', true);
  for (const { name } of await drafts.entries()) await removeTree(drafts, name);
  return drafts;
}

/** Where `a.txt` is, `A.txt` cannot be made: on many a system they are one file. */
async function refuseVariant(folder: HeldFolder, name: string): Promise<void> {
  const key = nameKey(name);
  const same = (await folder.entries()).find((entry) => nameKey(entry.name) === key);
  if (same !== undefined) throw invalidInput('exists', `"${same.name}" is there already, spelled like that.`);
}

const exists = (name: string): ClankerError => invalidInput('exists', `"${name}" is there already.`);
const tooLarge = (maxBytes: number): ClankerError =>
  invalidInput('too_large', `A file may have at most ${maxBytes} bytes.`);
