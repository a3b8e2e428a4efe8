/**
 * What a draft means at a moment: the rules for what people leave out.
 * - A time that has passed today is tomorrow's. A day without a time is at 9:00, or when its part of the day begins.
 * - `monday` on a Monday is today while its time is still to come; `next monday` never is today.
 * - A date without a year is the next one; one that has passed is refused, not moved.
 * - `9` is 9:00 on a clock of 24 hours; only `pm`, `in the evening` and the like make it 21:00.
 */
import type { WallTime } from '../ports/calendar.ts';
import type { WrittenWhen } from '../ports/schedule-gateway.ts';
import { hourIn, hourOfPart, lastOfNight } from './clock-time.ts';
import { countryOf } from './country.ts';
import {
  addDays,
  addMonths,
  dateText,
  exists,
  isBefore,
  secondsOf,
  timeText,
  weekdayOf,
  type CalendarDate,
} from './dates.ts';
import type { ClockTime, Day, Draft, Recurrence } from './draft.ts';
import { everyDay } from './recurrence.ts';

/** `contradiction`: its parts do not go together, or one is missing. */
export type Refusal = 'past' | 'contradiction' | 'no_country';

export interface Here {
  now: WallTime;
  zone: string;
}

const usualHour = 9;
/** A year that is further off is a slip. */
const maxYearsAhead = 50;
/** Leap days may be eight years apart. */
const maxYearsToTry = 9;

export function meaningOf(draft: Draft, here: Here): WrittenWhen | Refusal {
  const { delay, recurrence } = draft;
  if (recurrence !== null) return again(draft, recurrence, here);
  if (delay !== null) return { after: durationText(delay) };
  const at = once(draft, here);
  return typeof at === 'string' ? at : { at: momentText(at), time_zone: here.zone };
}

/** The largest unit that it is a whole number of. */
function durationText(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
  ];
  const [size, unit] = units.find(([each]) => seconds % each === 0) ?? [1, 's'];
  return `${seconds / size}${unit}`;
}

// ── once

interface Moment {
  date: CalendarDate;
  /** May be 24: midnight after that day. */
  hour: number;
  minute: number;
  second: number;
}

function momentText({ date, hour, minute, second }: Moment): string {
  const day = hour === 24 ? addDays(date, 1) : date;
  return `${dateText(day)}T${timeText(hour % 24, minute, second)}`;
}

function once({ day, times, part }: Draft, { now }: Here): Moment | Refusal {
  if (times.length > 1) return 'contradiction';
  const [named] = times;
  const time = named === undefined ? null : inPart(named, part);
  if (named !== undefined && time === null) return 'contradiction';
  const { hour, minute, second } = time ?? timeWithout(day, part, now);
  if (isOfDayBefore(hour, part)) return 'contradiction';
  const passed = secondsOf({ hour, minute, second }) <= secondsOf(now);
  if (day === null) return { date: passed ? addDays(now, 1) : now, hour, minute, second };
  const date = dateOf(day, now, passed);
  if (date === null) return 'contradiction';
  if (isBefore(date, now) || (passed && !isBefore(now, date))) return 'past';
  return { date, hour, minute, second };
}

function timeWithout(
  day: Day | null,
  part: Draft['part'],
  now: WallTime,
): Pick<WallTime, 'hour' | 'minute' | 'second'> {
  if (part !== null) return { hour: hourOfPart[part], minute: 0, second: 0 };
  return day?.type === 'ahead' && day.sameTime ? now : { hour: usualHour, minute: 0, second: 0 };
}

/** Is `friday night at 2` on Friday or on Saturday? */
const isOfDayBefore = (hour: number, part: Draft['part']): boolean => part === 'night' && hour <= lastOfNight;

/** `tomorrow evening at 6` is at 18:00. */
function inPart(
  { hour, minute, fixed }: ClockTime,
  part: Draft['part'],
): Pick<WallTime, 'hour' | 'minute' | 'second'> | null {
  if (part === null || (fixed && hour > 0)) return { hour, minute, second: 0 };
  const meant = hourIn(hour, part);
  return meant === null ? null : { hour: meant, minute, second: 0 };
}

/** The date that is meant, perhaps one that has passed; null: there is none. `passed`: its time of today has. */
function dateOf(day: Day, now: WallTime, passed: boolean): CalendarDate | null {
  switch (day.type) {
    case 'ahead':
      return addMonths(addDays(now, day.days), day.months);
    case 'weekday': {
      const ahead = (day.weekday - weekdayOf(now) + 7) % 7;
      if (day.weeks !== null) {
        // The Monday of this week, and on from there.
        const monday = -((weekdayOf(now) + 6) % 7);
        return addDays(now, monday + day.weeks * 7 + ((day.weekday + 6) % 7));
      }
      return addDays(now, ahead === 0 && (day.later || passed) ? 7 : ahead);
    }
    case 'monthDay':
      return nextMonthDay(day.day, now, passed);
    case 'date': {
      const date = day.year === null ? nextDate(day, now, passed) : { ...day, year: day.year };
      if (date === null || !exists(date) || date.year > now.year + maxYearsAhead) return null;
      return day.weekday !== null && weekdayOf(date) !== day.weekday ? null : date;
    }
  }
}

function nextDate({ day, month }: { day: number; month: number }, now: WallTime, passed: boolean): CalendarDate | null {
  for (let n = 0; n < maxYearsToTry; n++) {
    const date = { year: now.year + n, month, day };
    if (exists(date) && !isGone(date, now, passed)) return date;
  }
  return null;
}

function nextMonthDay(day: number, now: WallTime, passed: boolean): CalendarDate | null {
  for (let n = 0; n < 12; n++) {
    const { year, month } = addMonths({ ...now, day: 1 }, n);
    const date = { year, month, day };
    if (exists(date) && !isGone(date, now, passed)) return date;
  }
  return null;
}

const isGone = (date: CalendarDate, now: WallTime, passed: boolean): boolean =>
  isBefore(date, now) || (passed && !isBefore(now, date));

// ── again and again

function again(draft: Draft, recurrence: Recurrence, here: Here): WrittenWhen | Refusal {
  if (draft.day !== null || draft.delay !== null) return 'contradiction';
  const schedule = scheduleOf(draft, recurrence, here);
  if (typeof schedule === 'string') return schedule;
  const limits = limitsOf(draft, here);
  if (typeof limits === 'string') return limits;
  const except = [...(schedule.except ?? []), ...(limits.except ?? [])];
  return { ...schedule, ...limits, time_zone: here.zone, ...(except.length === 0 ? {} : { except }) };
}

function scheduleOf(draft: Draft, recurrence: Recurrence, here: Here): WrittenWhen | Refusal {
  if (draft.exceptWeekdays.length > 0 && !(recurrence.type === 'weeks' && recurrence.every === 1))
    return 'contradiction';
  switch (recurrence.type) {
    case 'seconds':
      return draft.times.length > 0 || draft.part !== null ? 'contradiction' : every(recurrence.seconds, draft, here);
    case 'days':
      return every(recurrence.every * 86_400, draft, here);
    case 'weeks': {
      const { every: weeks, on } = recurrence;
      return weeks > 1 ? everyWeeks(weeks, on, draft, here) : weekly(on, draft, here);
    }
    case 'months':
      return monthly(recurrence, draft, here);
    case 'nth':
      return cron(draft, here, `* * ${recurrence.weekday}#${recurrence.n === -1 ? 'L' : recurrence.n}`);
    case 'years':
      return recurrence.on === null
        ? 'contradiction'
        : cron(draft, here, `${recurrence.on.day} ${recurrence.on.month} *`);
    case 'cron':
      return draft.times.length > 0 || draft.part !== null
        ? 'contradiction'
        : withStart({ cron: recurrence.expression }, draft, here);
  }
}

function weekly(on: readonly number[], draft: Draft, here: Here): WrittenWhen | Refusal {
  const wanted = on.length === 0 ? [1] : on;
  const days = everyDay.filter((day) => wanted.includes(day) && !draft.exceptWeekdays.includes(day));
  return days.length === 0 ? 'contradiction' : cron(draft, here, `* * ${weekdaysText(days)}`);
}

/** `*`, `1-5`, `0,6` */
function weekdaysText(days: readonly number[]): string {
  if (days.length === everyDay.length) return '*';
  const [first = 0] = days;
  const last = days.at(-1) ?? first;
  return days.length > 2 && last - first === days.length - 1 ? `${first}-${last}` : days.join(',');
}

function monthly(recurrence: Extract<Recurrence, { type: 'months' }>, draft: Draft, here: Here): WrittenWhen | Refusal {
  const { every: months, on } = recurrence;
  if (12 % months !== 0) return 'contradiction';
  const days = on.length === 0 ? [1] : [...new Set(on)].toSorted((a, b) => (a === -1 ? 32 : a) - (b === -1 ? 32 : b));
  const text = days.map((day) => (day === -1 ? 'L' : day)).join(',');
  return cron(draft, here, `${text} ${months === 1 ? '*' : months === 12 ? '1' : `*/${months}`} *`);
}

/** With the minutes and hours before these fields of days. */
function cron(draft: Draft, here: Here, days: string): WrittenWhen | Refusal {
  const times = timesOf(draft);
  const [first] = times ?? [];
  if (times === null || first === undefined) return 'contradiction';
  if (times.some(({ minute }) => minute !== first.minute)) return 'contradiction';
  // Midnight after a day is a time of the next one; where every day is meant that is the same.
  if (days !== '* * *' && times.some(({ hour }) => hour === 24 || isOfDayBefore(hour, draft.part)))
    return 'contradiction';
  const hours = [...new Set(times.map(({ hour }) => hour % 24))].toSorted((a, b) => a - b);
  return withStart({ cron: `${first.minute} ${hours.join(',')} ${days}` }, draft, here);
}

function timesOf({ times, part }: Draft): Pick<WallTime, 'hour' | 'minute'>[] | null {
  if (times.length === 0) return [{ hour: part === null ? usualHour : hourOfPart[part], minute: 0 }];
  const meant = times.map((time) => inPart(time, part));
  return meant.includes(null) ? null : meant.filter((time) => time !== null);
}

/** A later start is a span of days on which it is not due yet. */
function withStart(when: WrittenWhen, { from }: Draft, { now }: Here): WrittenWhen | Refusal {
  if (from === null) return when;
  const date = from.day === null || from.time !== null ? null : dateOf(from.day, now, false);
  if (date === null) return 'contradiction';
  if (isBefore(date, now)) return 'past';
  if (!isBefore(now, date)) return when;
  return { ...when, except: [`${dateText(now)}/${dateText(addDays(date, -1))}`] };
}

/** By what passes really; from its first time on. */
function every(seconds: number, draft: Draft, here: Here): WrittenWhen | Refusal {
  const when = { every: durationText(seconds) };
  const { from, times, part } = draft;
  if (from !== null && (times.length > 0 || part !== null) && from.time !== null) return 'contradiction';
  if (from === null && times.length === 0 && part === null) return when;
  const start = from?.time ?? null;
  const first = once({ ...draft, day: from?.day ?? null, times: start === null ? times : [start] }, here);
  return typeof first === 'string' ? first : { ...when, from: momentText(first) };
}

function everyWeeks(weeks: number, on: readonly number[], draft: Draft, here: Here): WrittenWhen | Refusal {
  const [weekday] = on;
  if (on.length > 1 || (weekday !== undefined && (draft.from?.day ?? null) !== null)) return 'contradiction';
  const seconds = weeks * 7 * 86_400;
  if (weekday === undefined) return every(seconds, draft, here);
  const day: Day = { type: 'weekday', weekday, later: false, weeks: null };
  return every(seconds, { ...draft, from: { day, time: draft.from?.time ?? null } }, here);
}

// ── limits

/** The next day on which this time is still to come. */
function ofTime(time: ClockTime | null, now: WallTime): Day {
  const passed = time !== null && secondsOf({ ...time, second: 0 }) <= secondsOf(now);
  return { type: 'ahead', days: passed ? 1 : 0, months: 0, sameTime: false };
}

function limitsOf(draft: Draft, { now, zone }: Here): Pick<WrittenWhen, 'until' | 'max_runs' | 'except'> | Refusal {
  const { until, count, holidays, exceptDays } = draft;
  const except = exceptDays
    .map((day) => dateOf(day, now, false))
    .map((date) => (date === null ? null : dateText(date)));
  if (except.includes(null)) return 'contradiction';
  if (holidays !== null) {
    const country = holidays === 'here' ? countryOf(zone) : holidays;
    if (country === null) return 'no_country';
    except.push(`holidays:${country}`);
  }
  const time = until?.time ?? null;
  const end = until === null ? null : dateOf(until.day ?? ofTime(time, now), now, false);
  if (until !== null && end === null) return 'contradiction';
  if (end !== null && isBefore(end, now)) return 'past';
  const lastTime = time === null ? { hour: 23, minute: 59, second: 59 } : { ...time, second: 0 };
  const last = end === null ? null : { date: end, ...lastTime };
  return {
    ...(last === null ? {} : { until: momentText(last) }),
    ...(count === null ? {} : { max_runs: count }),
    ...(except.length === 0 ? {} : { except: except.filter((each) => each !== null) }),
  };
}
