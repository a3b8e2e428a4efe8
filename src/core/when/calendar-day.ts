/** Days: `tomorrow`, `next friday`, `24.12.`, `Dec 24, 2026`, `Montag, den 3. März`, `le 1er mai`. */
import type { Day } from './draft.ts';
import type { Found, Part } from './lexicon.ts';
import { digits, past, skip, skipDot, skipSign, type Reader } from './reader.ts';

/** `sure`: it can hardly mean anything else. Otherwise a time has to follow: `24/12 18:00`. */
interface FoundDay extends Found<Day> {
  sure: boolean;
  /** Of a day that is named together with its part. */
  part?: Part;
}

export function readDay(reader: Reader, at: number): FoundDay | null {
  const { dictionary, tokens } = reader;
  const ahead = dictionary.find('days', tokens, at);
  if (ahead !== null) return sure({ type: 'ahead', days: ahead.value, months: 0, sameTime: false }, ahead.end);
  const today = dictionary.find('today', tokens, at);
  // The part is read again from there: `this evening` is a day and a part of it.
  if (today !== null) return null;
  return readNextWeek(reader, at) ?? readWeekday(reader, at) ?? readDate(reader, at);
}

const sure = (value: Day, end: number): FoundDay => ({ value, end, sure: true });

/** `next week`, `next week on monday` */
function readNextWeek(reader: Reader, at: number): FoundDay | null {
  const week = reader.dictionary.find('nextWeek', reader.tokens, at);
  if (week === null) return null;
  const weekday = weekdayAt(reader, skip(reader, 'on', week.end), true);
  if (weekday === null) return sure({ type: 'ahead', days: week.value, months: 0, sameTime: false }, week.end);
  return sure({ type: 'weekday', weekday: weekday.value, later: true, weeks: week.value / 7 }, weekday.end);
}

function readWeekday(reader: Reader, at: number): FoundDay | null {
  const on = past(reader, 'on', at);
  const next = past(reader, 'next', on ?? at);
  const compound = reader.dictionary.find('weekdayParts', reader.tokens, next ?? on ?? at);
  if (compound !== null) {
    const [weekday, part] = compound.value;
    return { ...sure({ type: 'weekday', weekday, later: next !== null, weeks: null }, compound.end), part };
  }
  const weekday = weekdayAt(reader, next ?? on ?? at, true);
  if (weekday === null) return null;
  const { value, end } = weekday;
  const date = next === null ? readDate(reader, skipSign(reader, ',', end)) : null;
  if (date?.value.type === 'date') return { ...date, value: { ...date.value, weekday: value } };
  const behind = past(reader, 'nextBehind', end);
  const week = reader.dictionary.find('nextWeek', reader.tokens, end);
  if (week !== null) return sure({ type: 'weekday', weekday: value, later: true, weeks: week.value / 7 }, week.end);
  const later = next !== null || behind !== null;
  const day: Day = { type: 'weekday', weekday: value, later, weeks: null };
  return { value: day, end: behind ?? end, sure: later || on !== null || !weekday.short };
}

interface FoundWeekday extends Found<number> {
  /** An abbreviation that may be another word. */
  short: boolean;
}

export function weekdayAt(reader: Reader, at: number, shorts: boolean): FoundWeekday | null {
  const { dictionary, tokens } = reader;
  const full = dictionary.find('weekdays', tokens, at);
  if (full !== null) return { ...full, short: false };
  const short = shorts ? dictionary.find('weekdaysShort', tokens, at) : null;
  return short === null ? null : { value: short.value, end: skipDot(reader, short.end), short: true };
}

/** A day of a month, with or without a year. */
export function readDate(reader: Reader, at: number): FoundDay | null {
  const on = past(reader, 'on', at);
  const start = on ?? at;
  const date = readWritten(reader, start, on !== null) ?? readDayMonth(reader, start) ?? readMonthDay(reader, start);
  return date ?? (on === null ? null : readDayOfMonth(reader, on));
}

const written = /^(\d{1,4})([./-])(\d{1,2})(?:\2(\d{4}|\d{2}))?$/;

/** All in digits: `2026-12-24`, `24.12.`, `24/12/26`, by the custom of the language where both are possible. */
function readWritten(reader: Reader, at: number, on: boolean): FoundDay | null {
  const { tokens, dictionary } = reader;
  const [, first = '', separator, second = '', third] = written.exec(tokens[at]?.text ?? '') ?? [];
  if (separator === undefined) return null;
  if (first.length > 2) {
    const isDate = first.length === 4 && separator === '-' && third?.length === 2;
    return isDate ? dated(Number(third), Number(second), Number(first), at + 1, true) : null;
  }
  if (separator === '-' && third?.length !== 4) return null;
  const year = third === undefined ? null : Number(third) + (third.length === 2 ? 2000 : 0);
  const [a, b] = [Number(first), Number(second)];
  const dayFirst = separator !== '/' || a > 12 || (dictionary.lexicon.dayFirst && b <= 12);
  const dot = separator === '.' && year === null ? skipDot(reader, at + 1) : at + 1;
  const isSure = on || year !== null || dot > at + 1;
  return dayFirst ? dated(a, b, year, dot, isSure) : dated(b, a, year, dot, isSure);
}

/** `24 December 2026`, `24. Dez.`, `1er janvier`, `24 de diciembre` */
function readDayMonth(reader: Reader, at: number): FoundDay | null {
  const day = dayNumber(reader, at);
  if (day === null) return null;
  const month = reader.dictionary.find('months', reader.tokens, skip(reader, 'of', day.end));
  return month === null ? null : withYear(reader, day.value, month.value, skipMonthDot(reader, month.end));
}

/** `Dec 24th, 2026`, where that is the custom. */
function readMonthDay(reader: Reader, at: number): FoundDay | null {
  if (reader.dictionary.lexicon.dayFirst) return null;
  const month = reader.dictionary.find('months', reader.tokens, at);
  if (month === null) return null;
  const day = dayNumber(reader, skip(reader, 'on', skipMonthDot(reader, month.end)));
  return day === null ? null : withYear(reader, day.value, month.value, day.end);
}

/** `the 5th`, `am 5.`; without what makes it an ordinal a time has to follow. */
function readDayOfMonth(reader: Reader, at: number): FoundDay | null {
  const day = dayNumber(reader, at);
  return day === null ? null : { value: { type: 'monthDay', day: day.value }, end: day.end, sure: day.ordinal };
}

interface DayNumber extends Found<number> {
  ordinal: boolean;
}

export function dayNumber(reader: Reader, at: number): DayNumber | null {
  const number = digits(reader, at, 1, 31);
  if (number === null) {
    const word = reader.dictionary.find('ordinals', reader.tokens, at);
    return word === null || word.value < 1 ? null : { ...word, ordinal: true };
  }
  const suffix = reader.tokens[number.end]?.glued === true ? past(reader, 'ordinalSuffix', number.end) : null;
  return { value: number.value, end: suffix ?? number.end, ordinal: suffix !== null };
}

const skipMonthDot = (reader: Reader, at: number): number => {
  const end = skipDot(reader, at);
  return end < reader.tokens.length ? end : at;
};

function withYear(reader: Reader, day: number, month: number, at: number): FoundDay | null {
  const year = digits(reader, skip(reader, 'of', skipSign(reader, ',', at)), 1900, 2199);
  return dated(day, month, year?.value ?? null, year?.end ?? at, true);
}

/** The 29th of February is a day of some years. */
const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function dated(day: number, month: number, year: number | null, end: number, isSure: boolean): FoundDay | null {
  const days = longest[month - 1];
  if (days === undefined || day < 1 || day > days) return null;
  return { value: { type: 'date', day, month, year, weekday: null }, end, sure: isSure };
}
