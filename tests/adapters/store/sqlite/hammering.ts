/** Processes that write to a store until they are killed, starved or done: how tests run them, and how they write. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, type SqliteStore } from '../../../../src/adapters/store/sqlite/index.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import { keptMetrics, migrationsDir, quietLog } from '../open.ts';

/** CLANKER_TEST_KILLS raises it for a long run. */
export const kills = Number(process.env['CLANKER_TEST_KILLS'] ?? 3);

/** What a test asks for that watches or breaks system calls. */
export function needsTrace(): { skip?: string } {
  const canTrace = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0;
  return canTrace ? {} : { skip: 'strace is not here or may not trace' };
}

export interface Told {
  code: number | null;
  lines: string[];
}

/** Runs a hammer, under strace when arguments for it are given, and kills it after `killAfter` acknowledged ends. */
export async function runHammer(
  name: 'hammer' | 'task-hammer',
  given: readonly (string | number)[],
  { strace, killAfter = Infinity }: { strace?: string[]; killAfter?: number },
): Promise<Told> {
  const command = [process.execPath, path.join(import.meta.dirname, `${name}.ts`), ...given.map(String)];
  const [program = '', ...args] = strace === undefined ? command : ['strace', '-f', '-qq', ...strace, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
    if (text.split('finished').length > killAfter) child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: text.slice(0, text.lastIndexOf('\n')).split('\n') };
}

/** What was told after a word. */
export const idsOf = (lines: string[], word: string): string[] =>
  lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));

/** A hammer says each acknowledgement right after it. */
export const say = (line: string): void => void writeSync(1, `${line}\n`);

export const openHammered = (file: string): Promise<SqliteStore> =>
  openStore({ path: file, migrationsDir, log: quietLog, metrics: keptMetrics(), clock: systemClock });

/** Until it is acknowledged, as a channel would do; gives up on what waiting cannot mend. Says each error code met. */
export async function acknowledged<T>(operation: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ClankerError) || !error.retryable) throw error;
      say(`error ${error.code}`);
      await sleep(10);
    }
  }
  throw new Error('never acknowledged');
}
