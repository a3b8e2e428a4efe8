import path from 'node:path';
import { parseEnv } from 'node:util';
import { addComputedDefaults, buildConfig } from './build.ts';
import { withoutEffect } from './channels.ts';
import { addEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { dataDir } from './data-dir.ts';
import { ConfigError } from './errors.ts';
import type { ConfigIssue } from './errors.ts';
import { interpolate } from './interpolate.ts';
import { locate } from './locate.ts';
import { FrontMatterFound, readPrompts } from './prompts.ts';
import { readTextFile, UnreadableFile } from './read-file.ts';
import { rules } from './rules.ts';
import type { Config } from './schema.ts';
import { resolveSecrets } from './secrets.ts';
import { maskSecrets, sourcesOf } from './settings.ts';
import { parseToml } from './toml.ts';
import { keyOf, Written } from './tree.ts';
import type { Tree } from './tree.ts';
import { validate } from './validate.ts';
import type { Problem } from './problem.ts';
import type { ReadHead } from '../core/front-matter.ts';

export interface LoadOptions {
  /** From `--config`; it must exist. */
  file?: string;
  env: Environment;
  cwd: string;
  /** The home directory. */
  home: string;
  /** Values from the command line by key: `{ 'server.port': 8080 }`. */
  flags?: Readonly<Record<string, unknown>>;
}

export interface LoadedConfig {
  config: Config;
  /** The configuration file; null when there is none. */
  file: string | null;
  /** Where relative paths of the configuration start. */
  folder: string;
  /** Where everything is kept; made by whoever writes there first. */
  dataDir: string;
  /** Where each value came from, by key: `default`, `file`, `environment OPENAI_API_KEY`, `flag server.port`. */
  sources: Map<string, string>;
  /** The values as written, secrets masked; see `describeConfig`. */
  written: Tree;
  /** One sentence each. */
  warnings: string[];
  /** Files that were read, or would be if they appeared. */
  files: string[];
}

interface FoundFile {
  file: string;
  text: string;
}

/** The configuration file to use and its text, null when there is none; `looked`: it, and those that would go before it. */
function findFile({ file, env, cwd, home }: LoadOptions): { found: FoundFile | null; looked: string[] } {
  const named = file ?? (env['OPEN_CLANKER_CONFIG'] || undefined);
  const candidates =
    named === undefined
      ? [
          path.join(cwd, 'open-clanker.toml'),
          path.join(cwd, 'config.toml'),
          path.join(home, '.config/open-clanker/config.toml'),
          '/etc/open-clanker/config.toml',
        ]
      : [path.resolve(cwd, named)];
  for (const [index, candidate] of candidates.entries()) {
    try {
      const found = { file: candidate, text: readTextFile(candidate) };
      return { found, looked: candidates.slice(0, index + 1) };
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      if ((error.missing || error.hidden) && named === undefined) continue;
      const hint = error.missing ? '; `open-clanker config generate` writes one' : '';
      throw new ConfigError([{ file: candidate, line: null, column: null, key: '', message: error.message + hint }]);
    }
  }
  return { found: null, looked: candidates };
}

/** The first `.env` of the folders. A folder of that name (a Python environment) is none. */
function readDotEnv(candidates: readonly string[]): Environment {
  for (const file of candidates) {
    try {
      return parseEnv(readTextFile(file));
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      if (error.missing || error.hidden || error.message.includes('directory')) continue;
      throw new ConfigError([{ file, line: null, column: null, key: '', message: error.message }]);
    }
  }
  return {};
}

/** Gives problems their place, line and column in the file or the variable or flag they came from, and their order. */
function placed(problems: readonly Problem[], written: Written, found: FoundFile | null): ConfigIssue[] {
  const issues = problems.map(({ path: at, message, place }): ConfigIssue => {
    const key = keyOf(at.filter((part) => typeof part === 'string'));
    if (place !== undefined) return { ...place, column: null, key, message };
    const origin = written.origin(at);
    // A value that the file only points to stands in a file or variable of its own.
    if (origin !== null && origin.text !== 'file' && origin.layer !== 'default')
      return { file: origin.text, line: origin.line ?? null, column: null, key, message };
    const position = found === null ? null : locate(found.text, at);
    return { file: found?.file ?? null, line: position?.line ?? null, column: position?.column ?? null, key, message };
  });
  return issues.sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity));
}

/**
 * Reads and checks the configuration. Precedence: flag, environment, `.env`, file, prompt file, default. Throws
 * ConfigError with everything that is wrong. Never changes `process.env`, makes no directory, asks no network.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  try {
    return readConfig(options);
  } catch (error) {
    if (!(error instanceof FrontMatterFound)) throw error;
    return readConfig(options, (await import('./front-matter.ts')).readHead);
  }
}

/** The same at once. Throws FrontMatterFound when a prompt file has front matter and nothing was given to read it. */
export function readConfig(options: LoadOptions, readHead: ReadHead | null = null): LoadedConfig {
  const { found, looked } = findFile(options);
  const folder = found === null ? options.cwd : path.dirname(found.file);
  const dotEnvFiles = [...new Set([path.join(folder, '.env'), path.join(options.cwd, '.env')])];
  const dotEnv = readDotEnv(dotEnvFiles);
  const env: Environment = { ...dotEnv, ...options.env };

  const written = new Written();
  const problems: Problem[] = [];
  if (found !== null) {
    const file = interpolate(parseToml(found.text, found.file), env);
    written.addTree(file.tree, { layer: 'file', text: 'file' });
    problems.push(...file.problems);
  }
  const warnings = [...addEnvironment(written, dotEnv, '.env'), ...addEnvironment(written, options.env, 'environment')];
  for (const [key, value] of Object.entries(options.flags ?? {})) {
    if (value !== undefined) written.set(key.split('.'), value, { layer: 'flag', text: `flag ${key}` });
  }

  const secrets = resolveSecrets(written, { env, folder });
  const prompts = readPrompts(written, { folder, readHead });
  const directory = dataDir(env, options.home, options.cwd);
  addComputedDefaults(written, directory);
  const checked = validate(written.tree);
  problems.push(...secrets.problems, ...prompts.problems, ...checked.problems);
  const built = checked.value === null ? null : buildConfig(checked.value, { dataDir: directory, folder });
  if (built !== null) {
    const { config } = built;
    problems.push(...built.problems, ...rules(config, (at) => written.origin(at)?.layer));
  }
  if (built === null || problems.length > 0) throw new ConfigError(placed(dedupe(problems), written, found));

  return {
    config: built.config,
    file: found?.file ?? null,
    folder,
    dataDir: directory,
    sources: sourcesOf(written),
    written: maskSecrets(written),
    warnings: [
      ...warnings,
      ...withoutEffect((written.tree['channels'] ?? {}) as Record<string, unknown>, built.config.channels),
    ],
    files: [
      ...looked,
      ...dotEnvFiles,
      ...secrets.files,
      ...prompts.files,
      ...Object.values(built.config.server.tls ?? {}),
    ],
  };
}

/** One complaint a key is enough: what could not be filled in is not also called missing or malformed. */
function dedupe(problems: readonly Problem[]): Problem[] {
  const first = new Map<string, Problem>();
  for (const problem of problems) {
    const key = keyOf(problem.path);
    if (!first.has(key)) first.set(key, problem);
  }
  return [...first.values()];
}
