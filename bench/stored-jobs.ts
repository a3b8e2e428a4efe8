/**
 * What a scheduler costs over a database with many jobs: the look for the next due time, and a tick in which some of them
 * are due, in turns with one over few jobs, so that what the machine does to one it does to the other. A process of its
 * own, so that the memory it needs is nobody else's.
 *
 *   node --expose-gc bench/stored-jobs.ts DIRECTORY JOBS
 *
 * Prints one line of JSON.
 */
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MemoryBus } from '../src/adapters/bus/memory.ts';
import { createCalendar } from '../src/adapters/calendar/index.ts';
import { openStore } from '../src/adapters/store/sqlite/index.ts';
import { systemClock, systemRandom } from '../src/adapters/system/index.ts';
import { Scheduler } from '../src/app/schedule/scheduler.ts';
import { idMint } from '../src/core/ids.ts';
import { ownerPerson } from '../src/core/principal.ts';
import { CountedMetrics, KeptLog } from '../tests/support/door.ts';
import { migrationsDir } from '../tests/support/store.ts';
import { anonymousMemory } from './machine.ts';
import { percentile } from './table.ts';

/** Medians, in milliseconds. Processor time of the main thread, and of all others: the store's. */
export interface Cost {
  mainMs: number;
  storeMs: number;
  wallMs: number;
}

export interface StoredJobsFigures {
  next: Cost;
  tick: Cost;
  /** Over a database with `fewJobs`. */
  tickOfFew: Cost;
  /** Private memory after the ticks over that before them. */
  grownBytes: number;
}

export const fewJobs = 1000;
/** The same as the scheduler takes in one go. */
const dueInTick = 10;
const ticks = 100;
const lookUps = 200;
/** Far from now: the gateway that holds them has nothing to do. */
const farMs = 300 * 86_400_000;

/** Puts active jobs into a database that no process holds: `dueInTick` of them are due each second from a year ahead. */
export function storeJobs(file: string, jobs: number, from = Date.now() + farMs): number {
  const database = new DatabaseSync(file);
  const everyMs = Math.ceil(jobs / dueInTick) * 1000;
  const insert = database.prepare(
    `INSERT INTO jobs (id, owner, name, kind, chore, state, next_at, revision, jitter_ms, max_attempts, created_at,
       updated_at, decided_at, timing, missed, deliver, origin, payload)
     VALUES (?, '${ownerPerson}', ?, 'text', 0, 'active', ?, 1, 0, 4, 0, 0, 0, ?, ?, ?, ?, ?)`,
  );
  const missed = JSON.stringify({ policy: 'once', max: 1, maxLatenessMs: null });
  const conversation = { channel: 'telegram', account: 'main', native: '1001' };
  const place = { to: 'conversation', conversation, chatType: 'direct', sessionKey: 'telegram:main:1001' };
  const deliver = JSON.stringify(place);
  const origin = JSON.stringify({ kind: 'sender', id: 'telegram:main', role: 'owner', tainted: null });
  database.exec('BEGIN');
  for (let n = 0; n < jobs; n++) {
    const at = from + Math.floor(n / dueInTick) * 1000;
    const schedule = { type: 'every', everyMs, from: at };
    const timing = JSON.stringify({ schedule, zone: 'Europe/Berlin', except: [], endAt: null, maxRuns: null });
    const payload = JSON.stringify({ kind: 'text', text: `reminder number ${n}` });
    insert.run(
      `job_${String(n).padStart(26, '0')}`,
      `reminder number ${n}`,
      at,
      timing,
      missed,
      deliver,
      origin,
      payload,
    );
  }
  database.exec('COMMIT');
  database.close();
  return from;
}

interface Stored {
  store: Awaited<ReturnType<typeof openStore>>;
  tick: () => Promise<void>;
}

async function stored(file: string, jobs: number): Promise<Stored> {
  const [log, metrics] = [new KeptLog(), new CountedMetrics()];
  const open = (): ReturnType<typeof openStore> =>
    openStore({ path: file, migrationsDir, log, metrics, clock: systemClock });
  await (await open()).close();
  let now = storeJobs(file, jobs);
  const store = await open();
  const clock = { ...systemClock, now: () => now };
  let fired = 0;
  const scheduler = new Scheduler({
    store,
    clock,
    log,
    metrics,
    bus: new MemoryBus(clock, metrics),
    calendar: createCalendar(),
    mintId: idMint(systemClock, systemRandom),
    crash: (step) => void (fired += step === 'after_fire' ? 1 : 0),
    tasks: { wake: () => undefined },
    settings: () => ({ enabled: true, graceMs: 10_000, pollMs: 30_000, maxWaiting: 1000 }),
  });
  const tick = async (): Promise<void> => {
    fired = 0;
    await scheduler.attend();
    if (fired !== dueInTick) throw new Error(`${fired} jobs were due`);
    now += 1000;
  };
  return { store, tick };
}

async function measure(directory: string, jobs: number): Promise<StoredJobsFigures> {
  const many = await stored(path.join(directory, 'many.db'), jobs);
  const few = await stored(path.join(directory, 'few.db'), fewJobs);
  const next = medians(await inTurns(lookUps, async () => void (await many.store.nextDue())));
  // As much again before it, so that caches are what they will be.
  await inTurns(ticks, many.tick, few.tick);
  const [tick = [], tickOfFew = []] = await inTurns(ticks, many.tick, few.tick);
  await few.store.close();
  const settled = async (): Promise<number> => {
    globalThis.gc?.();
    many.store.rest();
    await many.store.nextDue();
    return anonymousMemory(process.pid);
  };
  const before = await settled();
  await inTurns(ticks, many.tick);
  const grownBytes = (await settled()) - before;
  await many.store.close();
  return { next, tick: medians([tick]), tickOfFew: medians([tickOfFew]), grownBytes };
}

/** What each of them cost, each time. */
async function inTurns(times: number, ...works: (() => Promise<void>)[]): Promise<Cost[][]> {
  const costs: Cost[][] = works.map(() => []);
  for (let n = 0; n < times; n++)
    for (const [place, work] of works.entries()) {
      const [begun, thread, all] = [performance.now(), process.threadCpuUsage(), process.cpuUsage()];
      await work();
      const own = process.threadCpuUsage(thread);
      const sum = process.cpuUsage(all);
      const mainMs = (own.user + own.system) / 1000;
      const storeMs = Math.max(0, (sum.user + sum.system) / 1000 - mainMs);
      costs[place]?.push({ mainMs, storeMs, wallMs: performance.now() - begun });
    }
  return costs;
}

function medians([costs = []]: Cost[][]): Cost {
  const median = (name: keyof Cost): number =>
    percentile(
      costs.map((cost) => cost[name]),
      0.5,
    );
  return { mainMs: median('mainMs'), storeMs: median('storeMs'), wallMs: median('wallMs') };
}

const [, program = '', directory, jobs] = process.argv;
if (program === import.meta.filename) {
  if (directory === undefined || jobs === undefined) throw new Error('usage: node bench/stored-jobs.ts DIRECTORY JOBS');
  console.log(JSON.stringify(await measure(directory, Number(jobs))));
}
