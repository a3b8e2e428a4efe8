/** Times of the day: `at 9`, `9am`, `18:30`, `half past six`, `halb sieben`, `9 heures et quart`, `noon`. */
import type { ClockTime } from './draft.ts';
import type { Found, Lexicon, Part } from './lexicon.ts';
import { digits, past, skip, whole, type Reader } from './reader.ts';

/** The hour up to which it is still night, which began the day before. */
export const lastOfNight = 5;

type Half = Lexicon['half'][string];

/** What a part of a day means where no time is named. */
export const hourOfPart: Readonly<Record<Part, number>> = {
  morning: 9,
  noon: 12,
  afternoon: 15,
  evening: 19,
  night: 21,
};

/** `bare`: also a number of which nothing says that it is a time. */
export function readTime(reader: Reader, at: number, bare = false): Found<ClockTime> | null {
  const said = past(reader, 'at', at);
  return readSaid(reader, said ?? at, bare || said !== null);
}

function readSaid(reader: Reader, at: number, bare: boolean): Found<ClockTime> | null {
  const { dictionary, tokens } = reader;
  const named = dictionary.find('named', tokens, at);
  if (named !== null) return { value: { hour: named.value, minute: 0, fixed: true }, end: named.end };
  const toHour = dictionary.find('toHour', tokens, at);
  const time = toHour === null ? readNumbers(reader, at) : readToHour(reader, toHour.value, toHour.end);
  if (time === null) return null;
  const half = dictionary.find('half', tokens, time.end);
  if (half === null) return time.sure || bare ? { value: { ...time.value, fixed: false }, end: time.end } : null;
  const hour = hourIn(time.value.hour, half.value);
  return hour === null ? null : { value: { hour, minute: time.value.minute, fixed: true }, end: half.end };
}

interface Numbers extends Found<{ hour: number; minute: number }> {
  /** It can be nothing but a time. */
  sure: boolean;
}

function readToHour(reader: Reader, minutes: number, at: number): Numbers | null {
  const hour = whole(reader, at, 0, 24);
  return hour === null
    ? null
    : { value: shifted(hour.value, minutes), end: skip(reader, 'oclock', hour.end), sure: true };
}

function readNumbers(reader: Reader, at: number): Numbers | null {
  const [, h, separator, m] = /^(\d{1,2})([:.])([0-5]\d)$/.exec(reader.tokens[at]?.text ?? '') ?? [];
  if (h !== undefined) {
    const value = { hour: Number(h), minute: Number(m) };
    const mark = past(reader, 'oclock', at + 1);
    const sure = separator === ':' || mark !== null;
    return isTime(value) ? { value, end: mark ?? at + 1, sure } : null;
  }
  const hour = whole(reader, at, 0, 24) ?? readArticle(reader, at);
  if (hour === null) return null;
  const minutes = readMinutes(reader, hour.end);
  if (minutes !== null) {
    const value = { hour: hour.value, minute: minutes.value };
    return isTime(value) ? { value, end: minutes.end, sure: true } : null;
  }
  const mark = past(reader, 'oclock', hour.end);
  const end = mark ?? hour.end;
  const behind = reader.dictionary.find('pastHour', reader.tokens, end);
  if (behind !== null) return { value: shifted(hour.value, behind.value), end: behind.end, sure: mark !== null };
  return { value: { hour: hour.value, minute: 0 }, end, sure: mark !== null };
}

/** `um ein Uhr` */
function readArticle(reader: Reader, at: number): Found<number> | null {
  const one = reader.dictionary.find('articles', reader.tokens, at);
  return one !== null && past(reader, 'oclock', one.end) !== null ? one : null;
}

/** `9 Uhr 30`, `9h30`; in two digits, so that it is not what follows: `9 Uhr 3 Eier`. */
function readMinutes(reader: Reader, at: number): Found<number> | null {
  const mark = past(reader, 'hourMark', at);
  if (mark === null || reader.tokens[mark]?.text.length !== 2) return null;
  return digits(reader, mark, 0, 59);
}

const isTime = ({ hour, minute }: { hour: number; minute: number }): boolean => hour * 60 + minute <= 24 * 60;

function shifted(hour: number, minutes: number): { hour: number; minute: number } {
  const time = (hour * 60 + minutes + 24 * 60) % (24 * 60);
  return { hour: Math.floor(time / 60), minute: time % 60 };
}

/** The hour that a number means in a part of the day, 24 for the midnight after; null: it is not in it. */
export function hourIn(hour: number, half: Half): number | null {
  switch (half) {
    case 'am':
      return hour >= 1 && hour <= 12 ? hour % 12 : null;
    case 'pm':
      return hour >= 1 && hour <= 12 ? (hour % 12) + 12 : null;
    case 'morning':
      return hour < 12 ? hour : null;
    case 'noon':
      return hour >= 11 && hour <= 14 ? hour : hour === 1 || hour === 2 ? hour + 12 : null;
    case 'afternoon':
      return hour >= 12 && hour <= 19 ? hour : hour >= 1 && hour <= 7 ? hour + 12 : null;
    case 'evening':
      if (hour === 0 || hour === 12) return 24;
      return hour >= 16 ? hour : hour >= 4 && hour <= 11 ? hour + 12 : null;
    case 'night':
      if (hour === 0 || hour === 12) return 24;
      return hour <= lastOfNight || hour >= 18 ? hour : hour <= 11 ? hour + 12 : null;
  }
}
