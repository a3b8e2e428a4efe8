import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { ConfigError } from '../../src/config/index.ts';
import { readConfig } from '../../src/config/load.ts';
import type { ConfigIssue, LoadedConfig, LoadOptions } from '../../src/config/index.ts';

/** A token that passes every check. */
export const goodToken = 'Zq8w-2Kx7_Lm4Tn9-Rb3Vc6Yd1Hf';

/** A folder of its own for one test, with the given files in it. */
export function folder(t: TestContext, files: Record<string, string | Buffer> = {}): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-config-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, name), text);
  return dir;
}

/** Loads from a folder that is also working directory and home; the environment is empty unless given. */
export const load = (dir: string, options: Partial<LoadOptions> = {}): LoadedConfig =>
  readConfig({ env: {}, cwd: dir, home: dir, ...options });

/** Loads a text as `open-clanker.toml`. */
export const loadText = (t: TestContext, text: string | Buffer, options: Partial<LoadOptions> = {}): LoadedConfig =>
  load(folder(t, { 'open-clanker.toml': text }), options);

/** What a load complains about; an empty list when it does not. */
export function issuesOf(run: () => unknown): readonly ConfigIssue[] {
  try {
    run();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

export const issuesOfText = (
  t: TestContext,
  text: string | Buffer,
  options: Partial<LoadOptions> = {},
): readonly ConfigIssue[] => issuesOf(() => loadText(t, text, options));
