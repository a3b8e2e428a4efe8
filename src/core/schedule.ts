/**
 * When a job is due, and what becomes of times that passed unattended. A *slot* is one due time of a job; every slot
 * ends as `fired` or as `missed`, and none is left without a word.
 */

export type Schedule =
  /** Once. Milliseconds since the epoch. */
  | { type: 'at'; at: number }
  /** `from`, `from + everyMs`, `from + 2 * everyMs`, … whatever clocks on walls do. */
  | { type: 'every'; everyMs: number; from: number }
  /** Five fields of cron, or six with seconds, read on the clock of the job's time zone. */
  | { type: 'cron'; expression: string };

/** A schedule with all that decides about its due times. */
export interface Timing {
  schedule: Schedule;
  /** IANA name: the clock that `cron` and `except` are read on. */
  zone: string;
  /**
   * Days on which it is not due: `2026-12-24`, a span `2026-12-24/2027-01-02` (both ends included), or the public holidays
   * of a country or region: `holidays:DE`, `holidays:DE-BY`.
   */
  except: readonly string[];
  /** No slot after this moment. Null: no end. */
  endAt: number | null;
  /** No more firings than this, runs by hand not counted. Null: no limit. */
  maxRuns: number | null;
}

/**
 * What is done about due times that nobody attended, since the gateway was down, the machine slept, or its clock was
 * moved. Of the times that are due at once, `skip` runs the newest if it is on time, `once` the newest, `all` the newest
 * `max`; none that is later than `maxLatenessMs`. The others are missed.
 */
export interface MissedPolicy {
  policy: 'skip' | 'once' | 'all';
  /** Of `all`: 1 to maxCatchUp. */
  max: number;
  /** Null: however late. */
  maxLatenessMs: number | null;
}

/** The most that `all` runs at once. */
export const maxCatchUp = 100;
/** Due times that are looked at in one step: a job that was forgotten for a year is worked off in several. */
export const maxDueAtOnce = 500;
/** Further back due times are not told apart: a clock that was years ahead would have a minute's job count millions. */
export const maxLookBackMs = 100 * 86_400_000;

/**
 * Neighbouring due times with the same fate: `count` of them, from `due` to `until`; 1 and the same when it fired. Of
 * those before maxLookBackMs only the first is counted.
 */
export interface DecidedSlot {
  /** Milliseconds since the epoch. */
  due: number;
  until: number;
  count: number;
  state: 'fired' | 'missed';
}

export interface DueDecision {
  /** Oldest first; all due times that were looked at are in them. */
  slots: DecidedSlot[];
  /** The first due time that was not decided about; null: the schedule is over. */
  nextAt: number | null;
}

/**
 * Decides about everything that is due by `now`, beginning with `dueAt`. `next` tells the due time after a moment, or null
 * (the end of the timing heeded). With more than `maxDueAtOnce` to look at, those that no policy could still want are
 * decided, and `nextAt` is one that is due already: ask again. `graceMs`: how late still is on time.
 */
export function decideDue(
  dueAt: number,
  now: number,
  next: (after: number) => number | null,
  { policy, max, maxLatenessMs }: MissedPolicy,
  { graceMs, runsLeft }: { graceMs: number; runsLeft: number },
): DueDecision {
  const recent = now - dueAt > maxLookBackMs ? next(now - maxLookBackMs) : null;
  if (recent !== null && recent <= now)
    return { slots: [{ due: dueAt, until: now - maxLookBackMs, count: 1, state: 'missed' }], nextAt: recent };
  const due: number[] = [];
  let nextAt: number | null = dueAt;
  while (nextAt !== null && nextAt <= now && due.length < maxDueAtOnce) {
    due.push(nextAt);
    nextAt = next(nextAt);
  }
  const more = nextAt !== null && nextAt <= now;
  if (more) {
    const keep = due.splice(maxDueAtOnce - maxCatchUp);
    return { slots: together(due, () => false), nextAt: keep[0] ?? nextAt };
  }
  const wanted = Math.min(policy === 'all' ? Math.min(max, maxCatchUp) : 1, runsLeft);
  const latest = policy === 'skip' ? graceMs : (maxLatenessMs ?? Infinity);
  const first = due.length - wanted;
  const slots = together(due, (time, n) => n >= first && now - time <= latest);
  const fired = slots.filter(({ state }) => state === 'fired').length;
  return { slots, nextAt: fired < runsLeft ? nextAt : null };
}

function together(due: readonly number[], fires: (time: number, n: number) => boolean): DecidedSlot[] {
  const slots: DecidedSlot[] = [];
  for (const [n, time] of due.entries()) {
    const state = fires(time, n) ? 'fired' : 'missed';
    const last = slots.at(-1);
    if (state === 'missed' && last?.state === 'missed') {
      last.until = time;
      last.count += 1;
    } else slots.push({ due: time, until: time, count: 1, state });
  }
  return slots;
}

/** The due time of an `at` or `every` after a moment; null: there is none. Of `cron` the Calendar knows. */
export function nextPlain(schedule: Exclude<Schedule, { type: 'cron' }>, after: number): number | null {
  if (schedule.type === 'at') return schedule.at > after ? schedule.at : null;
  const { from, everyMs } = schedule;
  return after < from ? from : from + (Math.floor((after - from) / everyMs) + 1) * everyMs;
}

/**
 * The schedule after the clock was set back to `now`, behind the time at which it was decided about: an interval that had
 * begun by then goes on in its beat, instead of waiting for a beginning that may be years away.
 */
export function afterSetBack(schedule: Schedule, decidedAt: number, now: number): Schedule {
  if (schedule.type !== 'every') return schedule;
  const { from, everyMs } = schedule;
  const hadBegun = from - decidedAt <= everyMs;
  return from > now && decidedAt > now && hadBegun ? { ...schedule, from: now + ((from - now) % everyMs) } : schedule;
}

/** Life of a job. `finished`: no slot is left. Removing one takes the row, its slots and nothing of its tasks. */
export type JobState = 'active' | 'paused' | 'finished';

/** Which states a job may go to. `finished` is left by an edit that gives it new slots. */
export const jobTransitions: Readonly<Record<JobState, readonly JobState[]>> = {
  active: ['paused', 'finished'],
  paused: ['active', 'finished'],
  finished: ['active'],
};
