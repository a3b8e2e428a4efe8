import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Calendar } from '../../core/ports/calendar.ts';
import { timeZoneOf } from '../../core/preferences.ts';
import { nextPlain, type Schedule, type Timing } from '../../core/schedule.ts';
import { dayMs, wallMsOf, wallTimeOf, zoneNamed } from '../../core/zone.ts';
import type { CronReader } from './cron.ts';
import { daysOffProblem, endOfDaysOff, namesHolidays } from './days-off.ts';
import type { HolidayBook } from './holidays.ts';
import { nextOfCron } from './next-of-cron.ts';

/** How far ahead a time is looked for that is on no day off, and times between holidays: ten years of 366 days. */
const maxSearchMs = 3660 * dayMs;

/** Light: croner, and date-holidays with its data, are loaded by `load`, and only for timings that need them. */
export function createCalendar(): Calendar {
  let cron: CronReader | null = null;
  let holidays: HolidayBook | null = null;

  function reader(): CronReader {
    if (cron === null) throw new Error('the reader of cron expressions is not loaded');
    return cron;
  }

  function nextDue(schedule: Schedule, zone: string, after: number): number | null {
    if (schedule.type !== 'cron') return nextPlain(schedule, after);
    return nextOfCron(reader().read(schedule.expression), zoneNamed(zone), after);
  }

  function next({ schedule, zone, except, endAt }: Timing, after: number): number | null {
    const last = endAt ?? Infinity;
    let due = nextDue(schedule, zone, after);
    while (due !== null && due <= last) {
      if (except.length === 0) return due;
      if (due - after > maxSearchMs) return null;
      const clock = zoneNamed(zone);
      const end = endOfDaysOff(except, clock.wall(due), holidays);
      if (end === null) return due;
      due = nextDue(schedule, zone, clock.at(end) - 1);
    }
    return null;
  }

  return {
    async load(timings) {
      if (cron === null && timings.some(({ schedule }) => schedule.type === 'cron')) {
        const { CronReader: Reader } = await import('./cron.ts');
        cron ??= new Reader();
      }
      if (holidays === null && timings.some(({ except }) => namesHolidays(except))) {
        const { HolidayBook: Book } = await import('./holidays.ts');
        holidays ??= new Book();
      }
      // What they are needed for is work, and whoever loads for many, one by one, must not hold up the rest.
      if (timings.some(({ except }) => namesHolidays(except))) await nextTurn();
    },
    next,
    upcoming(timing, after, count) {
      const times: number[] = [];
      while (times.length < count) {
        const due = next(timing, times.at(-1) ?? after);
        if (due === null) break;
        // Years of holidays are a lot of work, and nobody asks what is after ten of them.
        if (times.length > 0 && due - after > maxSearchMs && namesHolidays(timing.except)) break;
        times.push(due);
      }
      return times;
    },
    problem({ schedule, zone, except }) {
      if (timeZoneOf(zone) === null)
        return `there is no time zone "${zone.slice(0, 60)}"; it is a name such as Europe/Berlin or UTC.`;
      const wrong = schedule.type === 'cron' ? reader().problem(schedule.expression) : null;
      return wrong ?? daysOffProblem(except, holidays);
    },
    at(time, zone) {
      const wall = wallMsOf(time);
      return wall === null ? null : zoneNamed(zone).at(wall);
    },
    wall: (at, zone) => wallTimeOf(zoneNamed(zone).wall(at)),
  };
}
