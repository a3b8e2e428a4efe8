import { choreId, choreNames, choreTime, type ChoreName, type ChoreTime } from '../../core/chores.ts';
import type { Calendar, WallTime } from '../../core/ports/calendar.ts';
import type { JobRow, JobSettings, NewJob, ScheduleStore } from '../../core/ports/schedule-store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { ownerPerson } from '../../core/principal.ts';
import type { Schedule, Timing } from '../../core/schedule.ts';

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
  /** The clock that expressions are read on. */
  zone: () => string;
  /** Something is due at another time than before. */
  wake: () => void;
}

/**
 * Makes the jobs of the gateway what the configuration says: at the start and after each reload. Whether somebody paused
 * one stays; one that is switched off or unknown is removed. At a start nothing is due at once.
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
  if (job !== undefined && isSame(job, time, zone())) {
    // What was missed is made up for once, and not in the rush of a start.
    if (job.state === 'active' && job.nextAt !== null && job.nextAt < soonAt && job.nextAt <= now)
      await store.changeJob(job.id, job.revision, { nextAt: soonAt, at: now });
    return;
  }
  const timing = timingOf(time, zone(), now);
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

const isSame = ({ schedule, zone, state }: JobRow, time: ChoreTime, wanted: string): boolean =>
  state !== 'finished' &&
  ('cron' in time
    ? schedule.type === 'cron' && schedule.expression === time.cron && zone === wanted
    : schedule.type === 'every' && schedule.everyMs === time.everyMs);

function timingOf(time: ChoreTime, zone: string, now: number): Timing {
  const schedule: Schedule =
    'cron' in time
      ? { type: 'cron', expression: time.cron }
      : { type: 'every', everyMs: time.everyMs, from: now + time.everyMs };
  return { schedule, zone, except: [], endAt: null, maxRuns: null };
}

/** The reader of expressions is loaded for those only that are no plain time of the day. */
async function firstAt(timing: Timing, { calendar, clock, log }: ChoresDeps): Promise<number | null> {
  const { schedule, zone } = timing;
  const now = clock.now();
  if (schedule.type === 'every') return schedule.from;
  const daily = schedule.type === 'cron' ? /^(\d{1,2}) (\d{1,2}) \* \* \*$/.exec(schedule.expression) : null;
  const [minute, hour] = [Number(daily?.[1] ?? 60), Number(daily?.[2] ?? 24)];
  if (minute < 60 && hour < 24) return dailyAt({ hour, minute }, zone, now, calendar);
  await calendar.load([timing]);
  const problem = calendar.problem(timing, now);
  if (problem !== null) log.warn('the time of a chore is not understood', { problem });
  return problem === null ? calendar.next(timing, now) : null;
}

function dailyAt(
  time: Pick<WallTime, 'hour' | 'minute'>,
  zone: string,
  now: number,
  calendar: Calendar,
): number | null {
  for (const day of [now, now + dayMs, now + 2 * dayMs]) {
    const at = calendar.at({ ...calendar.wall(day, zone), ...time, second: 0 }, zone);
    if (at !== null && at > now) return at;
  }
  return null;
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
