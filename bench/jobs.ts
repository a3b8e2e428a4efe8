/** What jobs cost that only lie there, and those among them that are due. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { inDirectory, withGateway } from './gateway.ts';
import { anonymousMemory } from './machine.ts';
import type { BenchOptions } from './rows.ts';
import { fewJobs, storeJobs, type Cost, type StoredJobsFigures } from './stored-jobs.ts';
import { judged, megabytes, type Row } from './table.ts';

const program = path.join(import.meta.dirname, 'stored-jobs.ts');
const mebibyte = 2 ** 20;
/** Of processor time, in milliseconds: on the main thread, and on the store's. */
const maxMs = 5;
/** On a machine that is slow: as a multiple of the same tick over few jobs, in the same minute. */
const maxTimesFew = 1.5;
const maxGrown = 2 * mebibyte;
/** An idle gateway with jobs over one without: the pages of the database that were read are kept. */
const maxIdle = 2 * mebibyte;

export async function jobs({ storedJobs, idleSeconds }: BenchOptions): Promise<Row[]> {
  const many = storedJobs.toLocaleString('en');
  const figures = await inDirectory(async (dir) => {
    const given = ['--expose-gc', program, dir, String(storedJobs)];
    const { stdout } = await promisify(execFile)(process.execPath, given);
    return JSON.parse(stdout) as StoredJobsFigures;
  });
  const { next, tick, tickOfFew } = figures;
  const worse = ({ mainMs, storeMs }: Cost): number => Math.max(mainMs, storeMs);
  const timesFew = worse(tick) / worse(tickOfFew);
  const { grownBytes } = figures;
  const growth = { name: 'bytes', value: grownBytes, limit: maxGrown, budget: '≤ +2 MB' };
  const without = await idle(0, idleSeconds);
  const more = (await idle(storedJobs, idleSeconds)) - without;
  const idleCost = { name: 'bytes', value: more, limit: maxIdle, budget: '≤ +2 MB' };
  return [
    judged(
      `${many} jobs, the next due time, CPU of store / main`,
      'cpu',
      told(next),
      { name: 'worseMs', value: worse(next), limit: maxMs, budget: `≤ ${maxMs} ms each` },
      { ...next },
    ),
    judged(
      `${many} jobs, a tick with 10 due, CPU of store / main`,
      'cpu',
      `${told(tick)}; over ${fewJobs.toLocaleString('en')} jobs ${told(tickOfFew)}, × ${timesFew.toFixed(2)}`,
      {
        name: 'shareOfBudget',
        value: Math.min(worse(tick) / maxMs, timesFew / maxTimesFew),
        limit: 1,
        budget: `≤ ${maxMs} ms each or × ${maxTimesFew}`,
      },
      { ...tick, timesFew },
    ),
    judged(`${many} jobs, after 100 ticks (RssAnon)`, 'memory', signed(grownBytes), growth),
    judged(`${many} jobs, idle gateway (RssAnon)`, 'memory', signed(more), idleCost),
  ];
}

const told = ({ mainMs, storeMs }: Cost): string => `${storeMs.toFixed(2)} / ${mainMs.toFixed(2)} ms`;
const signed = (bytes: number): string => `${bytes < 0 ? '' : '+'}${megabytes(bytes)}`;

/** Private memory of a gateway that rests over so many jobs. */
function idle(stored: number, idleSeconds: number): Promise<number> {
  return inDirectory(async (dir) => {
    await withGateway({ dir }, () => Promise.resolve());
    if (stored > 0) storeJobs(path.join(dir, 'data/open-clanker.db'), stored);
    return withGateway({ dir }, async (daemon) => {
      await sleep(Math.min(idleSeconds, 15) * 1000);
      return anonymousMemory(daemon.pid);
    });
  });
}
