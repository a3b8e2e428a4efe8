/** What was read of a time so far, before it is a time: some parts of it may still be missing. */
import type { Part } from './lexicon.ts';

export interface ClockTime {
  /** 0 to 24. */
  hour: number;
  minute: number;
  /** Nothing that stands elsewhere can make it the other half of the day. */
  fixed: boolean;
}

/** A day that may have to be looked for from today on. */
export type Day =
  /** `sameTime`: at the time that it is now, unless another is named. */
  | { type: 'ahead'; days: number; months: number; sameTime: boolean }
  /** `later`: not today. `weeks`: that of a week further on; null: the first one. */
  | { type: 'weekday'; weekday: number; later: boolean; weeks: number | null }
  | { type: 'date'; day: number; month: number; year: number | null; weekday: number | null }
  | { type: 'monthDay'; day: number };

export type Recurrence =
  /** By what passes really. */
  | { type: 'seconds'; seconds: number }
  | { type: 'days'; every: number }
  /** `on`: 0 is Sunday; empty: not said. */
  | { type: 'weeks'; every: number; on: readonly number[] }
  /** `on`: days of the month, -1 is the last; empty: not said. */
  | { type: 'months'; every: number; on: readonly number[] }
  /** The n-th such day of the week of every month, -1 is the last. */
  | { type: 'nth'; n: number; weekday: number }
  | { type: 'years'; on: { day: number; month: number } | null }
  | { type: 'cron'; expression: string };

export interface Draft {
  /** Seconds from now. */
  delay: number | null;
  day: Day | null;
  times: readonly ClockTime[];
  part: Part | null;
  recurrence: Recurrence | null;
  from: { day: Day | null; time: ClockTime | null } | null;
  until: { day: Day | null; time: ClockTime | null } | null;
  count: number | null;
  /** Of a country or region; `here`: of the one that the clock belongs to. */
  holidays: string | null;
  exceptWeekdays: readonly number[];
  exceptDays: readonly Day[];
}

export const emptyDraft: Draft = {
  delay: null,
  day: null,
  times: [],
  part: null,
  recurrence: null,
  from: null,
  until: null,
  count: null,
  holidays: null,
  exceptWeekdays: [],
  exceptDays: [],
};

/** A day alone is no time yet: what else stands in the text may tell more. */
export const isComplete = ({ delay, times, recurrence, part }: Draft): boolean =>
  delay !== null || times.length > 0 || recurrence !== null || part !== null;
