/** What people and programs write about a job, read into what is stored. */
import { invalidInput } from '../../core/errors.ts';
import type { Calendar, WallTime } from '../../core/ports/calendar.ts';
import type { WrittenMissed, WrittenWhen } from '../../core/ports/schedule-gateway.ts';
import { timeZoneOf } from '../../core/preferences.ts';
import { maxCatchUp, type MissedPolicy, type Schedule, type Timing } from '../../core/schedule.ts';
import { parseDuration } from '../../core/units.ts';

/** A job every ten years is a mistake; so is one that ends in the year 20260. */
const maxAheadMs = 10 * 366 * 86_400_000;
export const maxJitterMs = 86_400_000;

const dateTime = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const absolute = /^\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\s*(?:Z|[+-]\d{2}:?\d{2})$/i;

export interface Reading {
  now: number;
  /** Where the person's clock is. */
  zone: string;
  calendar: Calendar;
}

/** A moment as people write it: with an offset, or on the clock of the zone; a day alone is its beginning. */
export function momentOf(text: string, field: string, { zone, calendar }: Reading): number {
  const written = text.trim();
  if (absolute.test(written)) {
    const at = Date.parse(written.replace(' ', 'T').replace(/\s+/, ''));
    if (!Number.isNaN(at)) return at;
  }
  const match = dateTime.exec(written);
  if (match !== null) {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
      .slice(1)
      .map((digits) => Number(digits ?? 0));
    const wall: WallTime = { year, month, day, hour, minute, second };
    const at = calendar.at(wall, zone);
    if (at !== null) return at;
  }
  throw invalidInput(
    'bad_time',
    `${field}: "${written.slice(0, 60)}" is no time; write it like 2026-12-24T18:00, which is read in ${zone}, or with Z or an offset.`,
  );
}

const kinds = ['at', 'after', 'every', 'cron'] as const;

/** Exactly one of at, after, every and cron; `words` were turned into one of them before. */
function scheduleOf(when: WrittenWhen, reading: Reading): Schedule {
  const { now } = reading;
  const named = kinds.filter((kind) => when[kind] !== undefined);
  const [kind] = named;
  if (kind === undefined || named.length > 1) {
    const said = named.length === 0 ? 'it has none of them' : `it has ${named.join(' and ')}`;
    throw invalidInput('bad_schedule', `A job has exactly one of at, after, every, cron and words; ${said}.`);
  }
  if (when.from !== undefined && kind !== 'every')
    throw invalidInput('bad_schedule', 'from: it goes with every; the others tell their first time themselves.');
  const text = when[kind] ?? '';
  switch (kind) {
    case 'at': {
      const at = momentOf(text, 'at', reading);
      if (at <= now) throw invalidInput('in_the_past', `at: ${text.trim()} has passed already; name a time to come.`);
      return { type: 'at', at };
    }
    case 'after':
      return { type: 'at', at: now + positive('after', text) };
    case 'every': {
      const everyMs = positive('every', text);
      const from = when.from === undefined ? now + everyMs : momentOf(when.from, 'from', reading);
      return { type: 'every', everyMs, from };
    }
    case 'cron':
      return { type: 'cron', expression: text.trim().replaceAll(/\s+/g, ' ') };
  }
}

/** Whether a change says something about when. */
export const namesSchedule = (when: WrittenWhen): boolean =>
  [...kinds, 'from' as const].some((name) => when[name] !== undefined);

function positive(field: string, text: string): number {
  const ms = durationOf(field, text);
  if (ms < 1000) throw invalidInput('too_often', `${field}: at least one second.`);
  if (ms > maxAheadMs) throw invalidInput('too_far', `${field}: at most ten years.`);
  return ms;
}

function durationOf(field: string, text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw invalidInput('bad_duration', `${field}: "${text.slice(0, 40)}" is no duration; write it like 20m, 2h or 1d.`);
  }
}

/** Its zone, or the one in `reading`. */
export function zoneOf(written: string | undefined, fallback: string): string {
  if (written === undefined) return fallback;
  const zone = timeZoneOf(written);
  if (zone === null)
    throw invalidInput(
      'bad_time_zone',
      `time_zone: there is no "${written.slice(0, 60)}"; write it like Europe/Berlin.`,
    );
  return zone;
}

/** What is written over what was there before; rejects what is never due. An empty `until` or 0 as `max_runs` takes it back. */
export async function timingOf(when: WrittenWhen, reading: Reading, before: Timing | null = null): Promise<Timing> {
  const { now, zone, calendar } = reading;
  const { except, until, max_runs: maxRuns } = when;
  const timing: Timing = {
    schedule: before === null || namesSchedule(when) ? scheduleOf(when, reading) : before.schedule,
    zone,
    except: except ?? before?.except ?? [],
    endAt: until === undefined ? (before?.endAt ?? null) : until === '' ? null : momentOf(until, 'until', reading),
    maxRuns: maxRuns === undefined ? (before?.maxRuns ?? null) : maxRuns === 0 ? null : maxRuns,
  };
  await calendar.load([timing]);
  const problem = calendar.problem(timing, now);
  if (problem !== null) throw invalidInput('bad_schedule', problem);
  const first = calendar.next(timing, now);
  if (first === null)
    throw invalidInput('never_due', 'It would never be due: look at the times, at until and at except.');
  if (first - now > maxAheadMs) throw invalidInput('too_far', 'It would be due in more than ten years.');
  return timing;
}

/** Pairs of times that are looked at for two that are too close, and for how long ahead: expressions repeat with the year. */
const maxPairs = 60;
const lookAheadMs = 366 * 86_400_000;

/** Rejects what runs more often than every `minMs`. */
export function assertNotTooOften(timing: Timing, minMs: number, { now, calendar }: Reading): void {
  if (timing.schedule.type === 'at') return;
  let before = calendar.next(timing, now);
  for (let pairs = 0; before !== null && pairs < maxPairs; pairs++) {
    // With days off of a country each year further ahead is a lot of work.
    if (pairs > 0 && before - now > lookAheadMs) return;
    const time = calendar.next(timing, before);
    if (time !== null && time - before < minMs)
      throw invalidInput(
        'too_often',
        `It would run every ${(time - before) / 1000} s; at least ${minMs / 1000} s lie between two runs.`,
      );
    before = time;
  }
}

/** What is not said: a single time is made up for however late, a recurring one once and up to a day. */
export function missedOf(written: WrittenMissed | undefined, schedule: Schedule, maxLatenessMs: number): MissedPolicy {
  const usual = schedule.type === 'at' ? null : maxLatenessMs;
  if (written === undefined) return { policy: 'once', max: 1, maxLatenessMs: usual };
  const { policy, max, max_lateness } = written;
  if (max !== undefined && policy !== 'all')
    throw invalidInput('bad_missed', 'missed.max: it goes with the policy "all".');
  return {
    policy,
    max: policy === 'all' ? Math.min(max ?? maxCatchUp, maxCatchUp) : 1,
    maxLatenessMs: max_lateness === undefined ? usual : positive('missed.max_lateness', max_lateness),
  };
}

export function jitterMsOf(written: string | undefined): number {
  if (written === undefined) return 0;
  const ms = durationOf('jitter', written);
  if (ms > maxJitterMs) throw invalidInput('bad_jitter', 'jitter: at most one day.');
  return ms;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `Thu 2026-12-24 18:00`; seconds only where there are some. */
export function localText({ year, month, day, hour, minute, second }: WallTime): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const weekday = weekdays[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] ?? '';
  const seconds = second === 0 ? '' : `:${two(second)}`;
  return `${weekday} ${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}${seconds}`;
}
