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
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async kept(): Promise<ReadonlySet<string>> {
    try {
      return new Set((await readFile(this.#file, 'utf8')).split('\n'));
    } catch {
      return new Set();
    }
  }

  /** Under the person's lock only. */
  async add(hashes: readonly string[]): Promise<void> {
    const kept = new Set(await this.kept());
    for (const hash of hashes) {
      kept.delete(hash);
      kept.add(hash);
    }
    kept.delete('');
    await writeFile(this.#file, `${[...kept].slice(-maxKept).join('\n')}\n`, { mode: 0o600 });
  }
}

const hashOf = (kind: string, bytes: Uint8Array | string): string =>
  createHash('sha256').update(kind).update(bytes).digest('base64url').slice(0, 22);

export const contentHash = (bytes: Uint8Array): string => hashOf('content:', bytes);

/** Of a path and of the folders on the way to it. */
export const pathHashes = (names: readonly string[]): string[] =>
  names.map((_, n) => hashOf('path:', names.slice(0, n + 1).join('/')));
