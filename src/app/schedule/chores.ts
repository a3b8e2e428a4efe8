import { choreId, choreNames, choreTime, type ChoreName, type ChoreTime } from '../../core/chores.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import type { JobRow, JobSettings, NewJob, ScheduleStore } from '../../core/ports/schedule-store.ts';
import type { Clock, Log, NextLocal } from '../../core/ports/system.ts';
import { ownerPerson } from '../../core/principal.ts';
import type { Timing } from '../../core/schedule.ts';

/** What was due while the gateway was away waits for so long after a start, and each chore a little longer. */
const afterStartMs = 120_000;
const apartMs = 20_000;
/** There are fewer, also with those of another version. */
const maxChores = 100;
const dayMs = 86_400_000;

export interface ChoresDeps {
  store: Pick<ScheduleStore, 'listJobs' | 'addJob' | 'changeJob' | 'removeJob'>;
  calendar: Calendar;
  clock: Clock;
  log: Log;
  /** `[scheduler.chores]` */
  times: () => Readonly<Record<ChoreName, string>>;
  /** The clock that expressions are read on: the one that is configured, else null, and that of the machine. */
  zone: () => string | null;
  /** Asked for only where an expression is no plain time of the day. */
  machineZone: () => string;
  nextLocal: NextLocal;
  /** Something is due at another time than before. */
  wake: () => void;
}

/**
 * Makes the jobs of the gateway what the configuration says: at the start and after each reload. Whether somebody paused
 * one stays; one that is switched off or unknown is removed. At a start nothing is due at once. To be called after a
 * daily chore, too: the clocks may have been changed since it was planned.
 */
export async function keepChores(deps: ChoresDeps): Promise<void> {
  const { store, clock, times } = deps;
  const { items } = await store.listJobs({ owner: null, chores: 'only' }, { limit: maxChores });
  const stored = new Map(items.map((job) => [job.id, job]));
  for (const [n, name] of choreNames.entries()) {
    const job = stored.get(choreId(name));
    const time = choreTime(times()[name]);
    if (time === null) continue;
    stored.delete(choreId(name));
    await keepChore(name, job, time, clock.now() + afterStartMs + n * apartMs, deps);
  }
  for (const id of stored.keys()) await store.removeJob(id, null, clock.now());
  deps.wake();
}

async function keepChore(
  name: ChoreName,
  job: JobRow | undefined,
  time: ChoreTime,
  soonAt: number,
  deps: ChoresDeps,
): Promise<void> {
  const { store, clock, log, zone } = deps;
  const now = clock.now();
  const daily = zone() === null ? dailyTime(time) : null;
  if (job !== undefined && isSame(job, time, daily, deps)) {
    // What was missed is made up for once, and not in the rush of a start.
    if (job.state === 'active' && job.nextAt !== null && job.nextAt < soonAt && job.nextAt <= now)
      await store.changeJob(job.id, job.revision, { nextAt: soonAt, at: now });
    return;
  }
  const timing = timingOf(time, daily, deps);
  const nextAt = await firstAt(timing, deps);
  if (nextAt === null) {
    log.warn('a chore is never due; check scheduler.chores', { chore: name });
    if (job !== undefined) await store.removeJob(job.id, null, now);
  } else if (job === undefined) {
    await store.addJob(newChore(name, timing, nextAt, now), maxChores);
  } else {
    const state = job.state === 'finished' ? { state: 'active' as const } : {};
    await store.changeJob(job.id, job.revision, { settings: timing, ...state, nextAt, at: now });
  }
}

type Daily = { hour: number; minute: number };

/** Of an expression that is a time of the day and nothing else. */
function dailyTime(time: ChoreTime): Daily | null {
  const daily = 'cron' in time ? /^(\d{1,2}) (\d{1,2}) \* \* \*$/.exec(time.cron) : null;
  const [minute, hour] = [Number(daily?.[1] ?? 60), Number(daily?.[2] ?? 24)];
  return minute < 60 && hour < 24 ? { hour, minute } : null;
}

function isSame(
  { schedule, zone, state, nextAt }: JobRow,
  time: ChoreTime,
  daily: Daily | null,
  { clock, nextLocal, zone: wanted }: ChoresDeps,
): boolean {
  if (state === 'finished') return false;
  if (daily !== null) {
    const planned = nextAt ?? clock.now();
    const isPast = planned <= clock.now();
    const fits = isPast || nextLocal(daily.hour, daily.minute, planned - 1) === planned;
    return schedule.type === 'every' && schedule.everyMs === dayMs && fits;
  }
  return 'cron' in time
    ? schedule.type === 'cron' && schedule.expression === time.cron && [null, zone].includes(wanted())
    : schedule.type === 'every' && schedule.everyMs === time.everyMs;
}

/** A time of the day on the clock of the machine is an interval from there on: see `keepChores` for changed clocks. */
function timingOf(time: ChoreTime, daily: Daily | null, deps: ChoresDeps): Timing {
  const { clock, nextLocal, zone, machineZone } = deps;
  const now = clock.now();
  const more = { except: [], endAt: null, maxRuns: null };
  if (daily !== null) {
    const from = nextLocal(daily.hour, daily.minute, now);
    return { schedule: { type: 'every', everyMs: dayMs, from }, zone: 'UTC', ...more };
  }
  if ('cron' in time) {
    return { schedule: { type: 'cron', expression: time.cron }, zone: zone() ?? machineZone(), ...more };
  }
  const { everyMs } = time;
  return { schedule: { type: 'every', everyMs, from: now + everyMs }, zone: zone() ?? 'UTC', ...more };
}

async function firstAt(timing: Timing, { calendar, clock, log }: ChoresDeps): Promise<number | null> {
  const { schedule } = timing;
  const now = clock.now();
  if (schedule.type === 'every') return schedule.from;
  await calendar.load([timing]);
  const problem = calendar.problem(timing, now);
  if (problem !== null) log.warn('the time of a chore is not understood', { problem });
  return problem === null ? calendar.next(timing, now) : null;
}

const newChore = (name: ChoreName, timing: Timing, nextAt: number, now: number): NewJob => ({
  ...timing,
  ...settingsOf(name),
  id: choreId(name),
  owner: ownerPerson,
  origin: { kind: 'system', id: 'gateway', role: 'owner', tainted: null },
  nextAt,
  createdAt: now,
});

/** Made up for once, however late; a failure waits for the next time. */
const settingsOf = (name: ChoreName): Omit<JobSettings, keyof Timing> => ({
  name,
  payload: { kind: 'chore', chore: name },
  deliver: { to: 'nowhere' },
  missed: { policy: 'once', max: 1, maxLatenessMs: null },
  jitterMs: 0,
  maxAttempts: 2,
});
