/** Secrets that stand elsewhere: `bot_token_file` reads a file, `api_key_env` an environment variable. */
import path from 'node:path';
import { redact } from '../core/redact.ts';
import type { Environment } from './environment.ts';
import { readTextFile, UnreadableFile } from './read-file.ts';
import { configSchema } from './schema.ts';
import { keys } from './schema-walk.ts';
import { isTree, layers } from './tree.ts';
import type { Written } from './tree.ts';
import type { Problem } from './problem.ts';

const maxSecretBytes = 65_536;
const variableName = /^[A-Z_][A-Z0-9_]{0,63}$/;

export interface SecretSources {
  env: Environment;
  /** Where relative paths start: the folder of the configuration file, else the working directory. */
  folder: string;
}

/**
 * Fills every secret that is given indirectly. When it is given in two ways, the stronger layer wins; two ways in the
 * same layer are a mistake. Returns the files that were read, to be watched.
 */
export function resolveSecrets(
  written: Written,
  { env, folder }: SecretSources,
): { files: string[]; problems: Problem[] } {
  const files: string[] = [];
  const problems: Problem[] = [];
  const names = (at: string[]): string[] => {
    const table = written.get(at);
    return isTree(table) ? Object.keys(table) : [];
  };
  for (const { path: at, notes } of keys(configSchema(), names)) {
    if (notes.kind !== 'secret') continue;
    for (const suffix of ['_file', '_env']) {
      const indirect = [...at.slice(0, -1), `${at.at(-1)}${suffix}`];
      const value = written.get(indirect);
      const origin = written.origin(indirect);
      if (typeof value !== 'string' || value === '' || origin === null) continue;
      if (written.get(at) !== undefined) {
        const rank = layers.indexOf(written.origin(at)?.layer ?? 'default') - layers.indexOf(origin.layer);
        if (rank > 0) continue;
        if (rank === 0) {
          problems.push({
            path: indirect,
            message: `\`${at.at(-1)}\` is given a second time here; keep one of the two`,
          });
          continue;
        }
      }
      if (suffix === '_env') {
        if (env[value] === undefined)
          problems.push({
            path: indirect,
            // Often the key itself was put here; only what looks like a name is repeated.
            message: variableName.test(value)
              ? `the environment variable ${value} is not set`
              : 'it takes the name of an environment variable, such as "MY_API_KEY"; there is none of the name that stands here',
          });
        else written.set(at, env[value], { ...origin, text: `environment ${value}` });
        continue;
      }
      const file = path.resolve(folder, value);
      files.push(file);
      try {
        written.set(at, readTextFile(file, maxSecretBytes).trim(), { ...origin, text: `file ${file}` });
      } catch (error) {
        if (!(error instanceof UnreadableFile)) throw error;
        problems.push({ path: indirect, message: `${redact(file)} cannot be read: ${error.message}` });
      }
    }
  }
  return { files, problems };
}
