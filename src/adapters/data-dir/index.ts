import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ClankerError } from '../../core/errors.ts';

/** The folder that holds everything of one gateway (0700): database, files, operator token, and who runs here. */
export interface DataDir {
  readonly folder: string;
  readonly filesFolder: string;
  /** A folder for each person, for their tools. */
  readonly peopleFolder: string;
  /** The stored operator token, or null when there is none yet. */
  readToken(): Promise<string | null>;
  /** Writes `<data>/token` (0600) as a whole or not at all. */
  writeToken(token: string): Promise<void>;
  /** `<data>/run.json`, so that commands find the running gateway. */
  writeRunFile(run: { pid: number; url: string }): Promise<void>;
  /** Removes it unless another gateway has written its own meanwhile. */
  removeRunFile(pid: number): Promise<void>;
}

/** The process that `<data>/run.json` names, whether it lives or not; null when there is none. */
export async function runningProcess(folder: string): Promise<number | null> {
  const text = await readIfThere(path.join(folder, 'run.json')).catch(() => null);
  return Number(/"pid":(\d+),/.exec(text ?? '')?.[1] ?? 0) || null;
}

export async function openDataDir(folder: string): Promise<DataDir> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ClankerError(
      'config',
      'data_dir',
      `The data directory ${folder} cannot be made (${codeOf(error)}); set OPEN_CLANKER_DATA to one that can be written.`,
      { cause: error },
    );
  }
  const tokenFile = path.join(folder, 'token');
  const runFile = path.join(folder, 'run.json');
  return {
    folder,
    filesFolder: path.join(folder, 'files'),
    peopleFolder: path.join(folder, 'people'),
    readToken: async () => {
      const token = (await readIfThere(tokenFile))?.trim();
      return token === undefined || token.length < 24 ? null : token;
    },
    writeToken: (token) => replaceFile(tokenFile, `${token}\n`),
    writeRunFile: (run) => replaceFile(runFile, `${JSON.stringify(run)}\n`),
    removeRunFile: async (pid) => {
      const text = await readIfThere(runFile);
      if (text?.includes(`"pid":${pid},`) === true) await rm(runFile, { force: true });
    },
  };
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new ClankerError(
      'config',
      'data_dir',
      `${file} cannot be read (${codeOf(error)}); make it readable for the user that runs the gateway.`,
      { cause: error },
    );
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await chmod(draft, 0o600);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    // A disk that is full today is not tomorrow: no reason to be started never again.
    const isFull = ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
    throw new ClankerError(
      isFull ? 'storage' : 'config',
      'data_dir',
      `${file} cannot be written (${codeOf(error)}); ${isFull ? 'the disk is full: free some space' : 'the data directory must be writable'}.`,
      { cause: error },
    );
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';
