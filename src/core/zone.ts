/**
 * Time zones: what clocks on walls show, and when they show it. Reckons in *wall milliseconds*: what a clock shows,
 * counted since 1970 as if it were UTC, so that days and hours on it are plain arithmetic.
 */
import type { WallTime } from './ports/calendar.ts';

export const dayMs = 86_400_000;
/** Formatters of Intl weigh some ten kilobytes each. */
const maxZones = 32;

/** The clock of a zone. Its changes are those that Node's time zone data know. */
export class Zone {
  /** Null: of UTC, which is no reason to load Intl. */
  readonly #format: Intl.DateTimeFormat | null;

  constructor(name: string) {
    if (name === 'UTC') {
      this.#format = null;
      return;
    }
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** How far the clock is ahead of UTC, in milliseconds. */
  offset(at: number): number {
    if (this.#format === null) return 0;
    const second = Math.floor(at / 1000) * 1000;
    // `3/29/2026, 03:00:00`
    const [month = 0, day = 0, year = 0, ...time] = (this.#format.format(second).match(/\d+/g) ?? []).map(Number);
    const [hour = 0, minute = 0, seconds = 0] = time;
    return wallOf(year, month, day, hour, minute, seconds) - second;
  }

  wall(at: number): number {
    return at + this.offset(at);
  }

  /** The first moment at which the clock shows this; where it skips it, the moment at which it does. */
  at(wall: number): number {
    // No zone is a day away from UTC: a change that matters lies between these two.
    const before = wall - this.offset(wall - dayMs);
    if (this.wall(before) === wall) return before;
    const after = wall - this.offset(wall + dayMs);
    if (this.wall(after) === wall) return after;
    return this.change(wall - dayMs, wall + dayMs) ?? after;
  }

  /** The moment after `from` and up to `to` at which the clock is changed, if it is: two or three days with one change at most. */
  change(from: number, to: number): number | null {
    const old = this.offset(from);
    if (this.offset(to) === old) return null;
    let [before, after] = [Math.floor(from / 1000), Math.floor(to / 1000)];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.offset(middle * 1000) === old) before = middle;
      else after = middle;
    }
    return after * 1000;
  }
}

const zones = new Map<string, Zone>();

/** Throws a RangeError when there is no such zone. */
export function zoneNamed(name: string): Zone {
  const zone = zones.get(name) ?? new Zone(name);
  // The one used longest ago is the first to go.
  zones.delete(name);
  zones.set(name, zone);
  const [oldest] = zones.keys();
  if (zones.size > maxZones && oldest !== undefined) zones.delete(oldest);
  return zone;
}

function wallOf(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date reads the first hundred years as those after 1900.
  return year > 99 ? wall : new Date(wall).setUTCFullYear(year);
}

/** Null when there is no such date or time of day; years 1 to 9999. */
export function wallMsOf({ year, month, day, hour, minute, second }: WallTime): number | null {
  if (!(year >= 1 && year <= 9999)) return null;
  const wall = wallOf(year, month, day, hour, minute, second);
  if (Number.isNaN(wall)) return null;
  const shown = wallTimeOf(wall);
  const same =
    shown.year === year &&
    shown.month === month &&
    shown.day === day &&
    shown.hour === hour &&
    shown.minute === minute &&
    shown.second === second;
  return same ? wall : null;
}

export function wallTimeOf(wall: number): WallTime {
  const date = new Date(wall);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}
