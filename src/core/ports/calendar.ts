/** What clocks on walls show in a time zone, when cron expressions are due by them, and which days are holidays. */
import type { Timing } from '../schedule.ts';

export interface Calendar {
  /**
   * Loads what these timings need, each part once: the reader of cron expressions, the days of holidays. To be awaited
   * before the others are asked about them, which throw otherwise; with nothing to load it is over at once. Where days have to be reckoned
   * others have their turn first: of many jobs, load and ask one by one.
   */
  load(timings: readonly Pick<Timing, 'schedule' | 'except'>[]): Promise<void>;
  /**
   * The first due time after a moment (both in milliseconds since the epoch), `endAt` and `except` heeded; null: there is
   * none. Across a change of the clocks a time that does not exist is due at the end of the gap, and one that comes twice
   * the first time only; an expression with `*` or a step in its hours follows the time that really passes.
   */
  next(timing: Timing, after: number): number | null;
  /** The same, several at once; at most `count`, and with holidays to heed at most ten years ahead. */
  upcoming(timing: Timing, after: number, count: number): number[];
  /**
   * What is wrong with a timing, in words that say what is accepted: an expression that is not understood or never due, an
   * unknown zone, country or day. Null: nothing. To be asked before the others, which expect a timing in order.
   */
  problem(timing: Timing, now: number): string | null;
  /** The moment at which clocks in the zone show this time, in a gap its end; null when there is no such date. */
  at(wall: WallTime, zone: string): number | null;
  /** What clocks in the zone show. */
  wall(at: number, zone: string): WallTime;
}

export interface WallTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}
