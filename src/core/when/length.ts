/** Lengths of time: `20m`, `an hour and a half`, `1h 30m`, `anderthalb Stunden`. */
import type { Found, Unit } from './lexicon.ts';
import { digits, past, skip, skipDot, type Reader } from './reader.ts';

export interface Length {
  /** By what passes really. */
  seconds: number;
  /** By what clocks and calendars show. */
  days: number;
  months: number;
}

const of: Readonly<Record<Unit, Partial<Length>>> = {
  s: { seconds: 1 },
  m: { seconds: 60 },
  h: { seconds: 3600 },
  d: { days: 1 },
  w: { days: 7 },
  mo: { months: 1 },
  y: { months: 12 },
};

const maxPieces = 4;
const maxAmount = 9999;

/** How much of a unit. */
export function amountOf(unit: Unit, amount: number): Length {
  const { seconds = 0, days = 0, months = 0 } = of[unit];
  return { seconds: seconds * amount, days: days * amount, months: months * amount };
}

export function readLength(reader: Reader, at: number): Found<Length> | null {
  const sum: Length = { seconds: 0, days: 0, months: 0 };
  let end = at;
  for (let n = 0; n < maxPieces; n++) {
    const piece = readPiece(reader, n === 0 ? at : skip(reader, 'and', end));
    if (piece === null) break;
    sum.seconds += piece.value.seconds;
    sum.days += piece.value.days;
    sum.months += piece.value.months;
    end = piece.end;
  }
  return normal(sum, end);
}

function readPiece(reader: Reader, at: number): Found<Length> | null {
  const { dictionary, tokens } = reader;
  const span = dictionary.find('spans', tokens, at);
  if (span !== null) return { value: { seconds: span.value, days: 0, months: 0 }, end: span.end };
  const number = readAmount(reader, at);
  if (number === null) return null;
  const half = past(reader, 'andHalf', number.end);
  const unit = dictionary.find('units', tokens, half ?? number.end);
  if (unit === null) return null;
  const minutes = half === null && unit.value === 'h' ? readMinutes(reader, unit.end) : null;
  if (minutes !== null) {
    const value = { seconds: number.value * 3600 + minutes.value * 60, days: 0, months: 0 };
    return { value, end: minutes.end };
  }
  const behind = half === null ? past(reader, 'andHalf', unit.end) : null;
  const amount = number.value + (half !== null || behind !== null ? 0.5 : 0);
  return { value: amountOf(unit.value, amount), end: skipUnitDot(reader, behind ?? unit.end) };
}

/** `1h30`, `2 h 30`, where `h` is read so. */
function readMinutes(reader: Reader, at: number): Found<number> | null {
  const { dictionary, tokens } = reader;
  const isMark = tokens[at - 1]?.text === 'h' && dictionary.find('hourMark', tokens, at - 1) !== null;
  const minutes = isMark && tokens[at]?.text.length === 2 ? digits(reader, at, 0, 59) : null;
  return minutes === null || dictionary.find('units', tokens, minutes.end) !== null ? null : minutes;
}

/** `20 min. tea`: not the dot that ends all of it. */
function skipUnitDot(reader: Reader, at: number): number {
  const end = skipDot(reader, at);
  return end < reader.tokens.length ? end : at;
}

/** In digits, `1.5` and `1,5` as well, or in words. */
function readAmount({ dictionary, tokens }: Reader, at: number): Found<number> | null {
  const text = tokens[at]?.text ?? '';
  const value = /^\d{1,4}(?:[.,]\d{1,2})?$/.test(text) ? Number(text.replace(',', '.')) : -1;
  if (value > 0 && value <= maxAmount) return { value, end: at + 1 };
  return dictionary.find('numbers', tokens, at) ?? dictionary.find('articles', tokens, at);
}

/** Half a day passes really, half a month means nothing. Nothing at all is no length. */
function normal({ seconds, days, months }: Length, end: number): Found<Length> | null {
  if (!Number.isInteger(months)) return null;
  const mixed = seconds > 0 || !Number.isInteger(days);
  if (mixed && months > 0) return null;
  const value = mixed
    ? { seconds: Math.round(seconds + days * 86_400), days: 0, months: 0 }
    : { seconds, days, months };
  return value.seconds + value.days + value.months > 0 ? { value, end } : null;
}
