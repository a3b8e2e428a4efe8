/** Counting days as calendars do, without a time zone. */
import type { WallTime } from '../ports/calendar.ts';

export interface CalendarDate {
  year: number;
  month: number;
  day: number;
}

const utc = ({ year, month, day }: CalendarDate): Date => new Date(Date.UTC(year, month - 1, day));

function dateOf(at: Date): CalendarDate {
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
}

export const addDays = (date: CalendarDate, days: number): CalendarDate =>
  dateOf(utc({ ...date, day: date.day + days }));

/** The same day of another month, its last one where it is shorter. */
export function addMonths(date: CalendarDate, months: number): CalendarDate {
  const { year, month } = dateOf(utc({ ...date, month: date.month + months, day: 1 }));
  return { year, month, day: Math.min(date.day, daysOf(year, month)) };
}

export const daysOf = (year: number, month: number): number => utc({ year, month: month + 1, day: 0 }).getUTCDate();

export const exists = ({ year, month, day }: CalendarDate): boolean => day <= daysOf(year, month);

/** 0 is Sunday. */
export const weekdayOf = (date: CalendarDate): number => utc(date).getUTCDay();

export const isBefore = (a: CalendarDate, b: CalendarDate): boolean => utc(a).getTime() < utc(b).getTime();

/** Seconds of the day that have passed. */
export const secondsOf = ({ hour, minute, second }: Pick<WallTime, 'hour' | 'minute' | 'second'>): number =>
  (hour * 60 + minute) * 60 + second;

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026-12-24` */
export const dateText = ({ year, month, day }: CalendarDate): string =>
  `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;

/** `18:00`, with seconds where there are some. */
export const timeText = (hour: number, minute: number, second = 0): string =>
  `${two(hour)}:${two(minute)}${second === 0 ? '' : `:${two(second)}`}`;
