/** How the parts of a time stand together: a row of them, read from left to right, each kind once. */
import { readDay } from './calendar-day.ts';
import { readTime } from './clock-time.ts';
import { readClause } from './clauses.ts';
import { isComplete, type Draft } from './draft.ts';
import { readLength, type Length } from './length.ts';
import type { Found } from './lexicon.ts';
import { isBoundary, listed, past, skip, skipDot, skipSign, type Reader } from './reader.ts';
import { readRecurrence, refine } from './recurrence.ts';

const maxParts = 12;
/** What counts a length of time from something else than now. Of all languages, since some share their units. */
const around = new Set(
  'before after past prior of ago vor nach bevor nachdem antes despues tras de avant apres'.split(' '),
);
/** How far from the end a time may begin. */
const maxPhraseTokens = 60;

/** `front`: it stands before the text, where `20m` and `20 minutes` need no `in`. */
export function readPhrase(reader: Reader, at: number, before: Draft, front: boolean): Found<Draft> | null {
  let phrase: Found<Draft> | null = null;
  for (let n = 0; n < maxParts; n++) {
    const end: number = phrase?.end ?? at;
    const start: number = phrase === null ? at : skipSign(reader, ',', skipDot(reader, end));
    const draft: Draft = phrase?.value ?? before;
    const part = readPart(reader, start, draft, front && phrase === null, phrase !== null);
    if (part === null || !isBoundary(reader, part.end)) break;
    phrase = { value: { ...draft, ...part.value }, end: part.end };
  }
  return phrase;
}

type Piece = Found<Partial<Draft>>;

function readPart(reader: Reader, at: number, draft: Draft, front: boolean, inside: boolean): Piece | null {
  return (
    readComing(reader, at, draft) ??
    readLimits(reader, at, draft) ??
    readDelay(reader, at, draft, front) ??
    readTimes(reader, at, draft, inside) ??
    readDays(reader, at, draft) ??
    readParts(reader, at, draft)
  );
}

function readComing(reader: Reader, at: number, { recurrence, day, delay, part }: Draft): Piece | null {
  if (recurrence !== null || day !== null || delay !== null) return null;
  const found = readRecurrence(reader, at);
  return found?.value.part !== undefined && part !== null ? null : found;
}

function readLimits(reader: Reader, at: number, draft: Draft): Piece | null {
  if (draft.recurrence === null) return null;
  const refined = refine(reader, draft.recurrence, at);
  if (refined !== null) return { value: { recurrence: refined[0] }, end: refined[1] };
  return readClause(reader, at, draft);
}

function readDelay(reader: Reader, at: number, draft: Draft, front: boolean): Piece | null {
  const { day, recurrence, part, delay } = draft;
  if (day !== null || recurrence !== null || part !== null || delay !== null) return null;
  const start = past(reader, 'in', at);
  const length = readLength(reader, start ?? at);
  if (length === null) return null;
  const later = past(reader, 'later', length.end);
  // `9h` is a time where people write it so, and `5 minutes before lunch` is not in five minutes.
  const isBare = start === null && later === null;
  if (isBare && (!front || readTime(reader, at) !== null || around.has(reader.tokens[length.end]?.text ?? '')))
    return null;
  const end = later ?? length.end;
  const { days, months } = length.value;
  if (days > 0 || months > 0) return { value: { day: { type: 'ahead', days, months, sameTime: true } }, end };
  return draft.times.length > 0 ? null : { value: delayOf(length.value), end };
}

const delayOf = ({ seconds }: Length): Partial<Draft> => ({ delay: seconds });

function readTimes(reader: Reader, at: number, draft: Draft, inside: boolean): Piece | null {
  const { times, delay, recurrence } = draft;
  if (times.length > 0 || delay !== null || recurrence?.type === 'seconds' || recurrence?.type === 'cron') return null;
  const bare = inside && (draft.day !== null || recurrence !== null);
  const single = readTime(reader, at);
  if (single === null) {
    // `tomorrow 9` and no more: with a text behind, the number may be a part of it.
    const number = bare ? readTime(reader, at, true) : null;
    return number !== null && ends(reader, number.end) ? { value: { times: [number.value] }, end: number.end } : null;
  }
  const several = recurrence === null ? null : listed(reader, at, (place) => readTime(reader, place, place > at));
  return several === null
    ? { value: { times: [single.value] }, end: single.end }
    : { value: { times: several.value }, end: several.end };
}

function readDays(reader: Reader, at: number, draft: Draft): Piece | null {
  if (draft.day !== null || draft.delay !== null || draft.recurrence !== null) return null;
  const day = readDay(reader, at);
  if (day === null) return null;
  const timed = day.sure || readTime(reader, skipSign(reader, ',', day.end)) !== null;
  if (!timed || (day.part !== undefined && draft.part !== null)) return null;
  return { value: { day: day.value, ...(day.part === undefined ? {} : { part: day.part }) }, end: day.end };
}

/** `tonight`, or behind a day `morning`. */
function readParts(reader: Reader, at: number, { day, part, delay, recurrence }: Draft): Piece | null {
  if (part !== null || delay !== null) return null;
  const { dictionary, tokens } = reader;
  if (day === null && recurrence === null) {
    const today = dictionary.find('today', tokens, at);
    if (today === null) return null;
    const now = { type: 'ahead', days: 0, months: 0, sameTime: false } as const;
    return { value: { day: now, part: today.value }, end: today.end };
  }
  const behind = dictionary.find('parts', tokens, at);
  return behind === null ? null : { value: { part: behind.value }, end: behind.end };
}

/** Whether nothing but the end of a sentence follows. */
export function ends({ tokens }: Reader, at: number): boolean {
  return (
    tokens.slice(at, at + maxEndSigns + 1).every(({ text }) => /^[.!?…]$/.test(text)) &&
    tokens.length - at <= maxEndSigns
  );
}

const maxEndSigns = 3;

/** The reading of a whole text. */
export interface Reading {
  draft: Draft;
  /** Of the tokens, what is not the time: from, to. */
  rest: readonly [number, number];
  /** How many tokens belong to the time. */
  read: number;
}

/** The time stands at the front, at the end, or in part at both. */
export function readText(reader: Reader, empty: Draft): Reading | null {
  const { tokens } = reader;
  const start = skip(reader, 'me', 0);
  const front = readPhrase(reader, start, empty, true);
  const from = front === null ? start : skip(reader, 'toDo', afterSigns(reader, front.end));
  if (front !== null && ends(reader, front.end))
    return { draft: front.value, rest: [tokens.length, tokens.length], read: tokens.length };
  const end = readEnd(reader, start + 1, empty);
  const both = front === null ? null : readEnd(reader, from + 1, front.value);
  const isName = front !== null && end !== null && isComplete(end.draft) && !isFirm(reader, start, front.value);
  if (end !== null && (front === null || (isName && end.at < (both?.at ?? tokens.length)))) {
    const to = Math.min(skip(reader, 'toDo', start), end.at);
    return { draft: end.draft, rest: [to, end.at], read: tokens.length - end.at };
  }
  if (front === null) return null;
  if (both === null) return { draft: front.value, rest: [from, tokens.length], read: front.end };
  return { draft: both.draft, rest: [from, both.at], read: front.end + tokens.length - both.at };
}

/**
 * Whether what stands at the front can hardly be a part of the text. `monday meeting: agenda tomorrow at 9`, `daily stand-up
 * tomorrow at 9` and `10 minute walk at 18:00` begin with names.
 */
function isFirm(reader: Reader, start: number, { times, delay, recurrence }: Draft): boolean {
  if (delay !== null) return past(reader, 'in', start) !== null;
  return times.length > 0 || recurrence?.type === 'seconds' || recurrence?.type === 'cron';
}

/** The longest phrase that ends with the text. */
function readEnd(reader: Reader, first: number, before: Draft): { draft: Draft; at: number } | null {
  for (let at = Math.max(first, reader.tokens.length - maxPhraseTokens); at < reader.tokens.length; at++) {
    if (reader.tokens[at]?.glued === true) continue;
    const phrase = readPhrase(reader, at, before, false);
    if (phrase !== null && ends(reader, phrase.end)) return { draft: phrase.value, at };
  }
  return null;
}

/** `tomorrow at 9: tea` */
function afterSigns({ tokens }: Reader, at: number): number {
  let end = at;
  while (/^[,.;:–—-]$/.test(tokens[end]?.text ?? '') && end < at + maxEndSigns) end++;
  return end;
}
