/** The days on which a timing is not due. */
import { dayMs, wallMsOf, wallTimeOf } from '../../core/zone.ts';
import type { HolidayBook } from './holidays.ts';

/** The most that one timing may name, and of these places with their holidays: a year of one is up to 80 ms of work. */
const maxExcept = 50;
const maxPlaces = 4;
/** A holiday entry, and what stands behind the colon. */
const holidayEntry = /^holidays:(.+)$/i;
const accepted =
  'a day off is written 2026-12-24, a span 2026-12-24/2027-01-02, the public holidays of a country or region holidays:DE or holidays:DE-BY';

export const namesHolidays = (except: readonly string[]): boolean => except.some((entry) => holidayEntry.test(entry));

/**
 * When this day is over and the one after it, as far as the same entry goes, in wall milliseconds; null: it is no day
 * off. Takes entries in order.
 */
export function endOfDaysOff(except: readonly string[], wall: number, holidays: HolidayBook | null): number | null {
  const today = Math.floor(wall / dayMs) * dayMs;
  for (const entry of except) {
    const place = holidayEntry.exec(entry)?.[1];
    if (place !== undefined) {
      if (holidays === null) throw new Error('the days of holidays are not loaded');
      if (holidays.has(place, today)) return today + dayMs;
      continue;
    }
    const span = spanOf(entry);
    if (span !== null && span.from <= today && today <= span.to) return span.to + dayMs;
  }
  return null;
}

/** What is wrong with them, in words that say what is accepted. Null: nothing. */
export function daysOffProblem(except: readonly string[], holidays: HolidayBook | null): string | null {
  if (except.length > maxExcept) return `there are ${except.length} days off; at most ${maxExcept} entries are taken.`;
  if (except.filter((entry) => holidayEntry.test(entry)).length > maxPlaces)
    return `there are holidays of more than ${maxPlaces} countries or regions; at most ${maxPlaces} are taken.`;
  for (const entry of except) {
    const place = holidayEntry.exec(entry)?.[1];
    if (place !== undefined) {
      if (holidays === null) throw new Error('the days of holidays are not loaded');
      const problem = holidays.problem(place);
      if (problem !== null) return problem;
      continue;
    }
    const span = spanOf(entry);
    if (span === null) return `"${entry.slice(0, 60)}" is no day off; ${accepted}.`;
    if (span.to < span.from) return `"${entry}" ends before it begins; ${accepted}.`;
  }
  return null;
}

/** First and last day. */
function spanOf(entry: string): { from: number; to: number } | null {
  const [first = '', last = first, ...more] = entry.split('/');
  const [from, to] = [dayOf(first), dayOf(last)];
  return from === null || to === null || more.length > 0 ? null : { from, to };
}

function dayOf(text: string): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  return wallMsOf({ ...wallTimeOf(0), year, month, day });
}
