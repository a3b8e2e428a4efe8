import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** What was kept longest is forgotten first, and counts as written by somebody outside from then on. */
const maxKept = 4000;

/**
 * Which files hold nothing but what the person's own agent wrote while no text of others was in play: by hashes of
 * their content and of their paths, so that a file which a program or anything else changed is not among them. One line
 * each, newest last; a line that a crash loses makes a file count as outside, never the other way round.
 */
export class OwnWords {
  /** What was asked for last: a search asks for the same person's again and again. Nobody but us writes it. */
  #last: { file: string; hashes: ReadonlySet<string> } | null = null;

  async kept(file: string): Promise<ReadonlySet<string>> {
    if (this.#last?.file === file) return this.#last.hashes;
    const hashes = new Set((await readIfThere(file)).split('\n'));
    this.#last = { file, hashes };
    return hashes;
  }

  /** Under the person's lock only. */
  async add(file: string, hashes: readonly string[]): Promise<void> {
    const kept = new Set(await this.kept(file));
    for (const hash of hashes) {
      kept.delete(hash);
      kept.add(hash);
    }
    kept.delete('');
    const newest = [...kept].slice(-maxKept);
    await writeFile(file, `${newest.join('\n')}\n`, { mode: 0o600 });
    this.#last = { file, hashes: new Set(newest) };
  }

  /** The person's file is gone. */
  forget(): void {
    this.#last = null;
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}

const hashOf = (kind: string, bytes: Uint8Array | string): string =>
  createHash('sha256').update(kind).update(bytes).digest('base64url').slice(0, 22);

export const contentHash = (bytes: Uint8Array): string => hashOf('content:', bytes);

/** Of a path and of the folders on the way to it. */
export const pathHashes = (names: readonly string[]): string[] =>
  names.map((_, n) => hashOf('path:', names.slice(0, n + 1).join('/')));
