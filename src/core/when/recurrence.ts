/** What comes again: `every weekday`, `mondays and thursdays`, `every 15 minutes`, `on the 1st of each month`, cron. */
import { dayNumber, readDate, weekdayAt } from './calendar-day.ts';
import type { Draft, Recurrence } from './draft.ts';
import { amountOf, readLength } from './length.ts';
import type { Found, Part, Unit } from './lexicon.ts';
import { listed, past, skip, type Reader } from './reader.ts';

/** `every morning` says a part of the day, too. */
type Came = Found<Pick<Draft, 'recurrence'> & { part?: Part }>;

export const everyDay: readonly number[] = [0, 1, 2, 3, 4, 5, 6];

export function readRecurrence(reader: Reader, at: number): Came | null {
  return (
    readCron(reader, at) ??
    readEach(reader, at) ??
    readEvery(reader, at) ??
    readSpan(reader, at) ??
    readMonthly(reader, at)
  );
}

const came = (recurrence: Recurrence, end: number, part?: Part): Came => ({
  value: { recurrence, ...(part === undefined ? {} : { part }) },
  end,
});

const cronField = String.raw`[\dA-Za-z*?][\dA-Za-z*?,/#-]*`;
const cron = new RegExp(`^[\`"“]\\s*(${cronField}(?:\\s+${cronField}){4,5})\\s*[\`"”]$`);

/** Five or six fields in code marks or quotes. Whether they make sense is for the calendar to say. */
function readCron({ text, tokens }: Reader, at: number): Came | null {
  const token = tokens[at];
  if (token === undefined || !'`"“'.includes(token.text.charAt(0))) return null;
  const [, expression] = cron.exec(text.slice(token.start, token.end)) ?? [];
  return expression === undefined || !/[\d*]/.test(expression)
    ? null
    : came({ type: 'cron', expression: expression.replaceAll(/\s+/g, ' ') }, at + 1);
}

/** `daily`, `weekly on monday`, `werktags`, `mondays and thursdays` */
function readEach(reader: Reader, at: number): Came | null {
  const { dictionary, tokens } = reader;
  const unit = dictionary.find('each', tokens, at);
  if (unit !== null) return refined(reader, recurring(unit.value, 1), unit.end);
  const start = skip(reader, 'on', at);
  const days = listed(reader, dictionary.find('eachWeekday', tokens, at) === null ? start : at, (place) =>
    dictionary.find('eachWeekday', tokens, place),
  );
  return days === null ? null : came({ type: 'weeks', every: 1, on: days.value.flat() }, days.end);
}

function readEvery(reader: Reader, at: number): Came | null {
  const every = past(reader, 'every', at);
  if (every === null) return null;
  const { dictionary, tokens } = reader;
  const set = dictionary.find('weekdaySets', tokens, every);
  if (set !== null) return came({ type: 'weeks', every: 1, on: set.value }, set.end);
  const part = dictionary.find('today', tokens, every) ?? dictionary.find('parts', tokens, every);
  if (part !== null) return came({ type: 'weeks', every: 1, on: everyDay }, part.end, part.value);
  const span = readSpan(reader, every) ?? readMonthly(reader, every);
  if (span !== null) return span;
  const other = past(reader, 'other', every);
  const weekdays = readWeekdays(reader, other ?? every);
  if (weekdays !== null) {
    if (other === null) return came({ type: 'weeks', every: 1, on: weekdays.value }, weekdays.end);
    return came({ type: 'weeks', every: 2, on: weekdays.value }, weekdays.end);
  }
  const nth = other === null ? readNth(reader, every) : null;
  if (nth !== null) return { ...nth, end: skip(reader, 'ofEachMonth', nth.end) };
  const date = other === null ? readDate(reader, every) : null;
  if (date?.value.type === 'date') return date.value.year === null ? yearly(date.value, date.end) : null;
  return readInterval(reader, every, other);
}

/** `every 15 minutes`, `every other day`, `every week on friday` */
function readInterval(reader: Reader, every: number, other: number | null): Came | null {
  const { dictionary, tokens } = reader;
  const unit = dictionary.find('units', tokens, other ?? every);
  if (unit !== null) return refined(reader, recurring(unit.value, other === null ? 1 : 2), unit.end);
  if (other !== null) return null;
  const length = readLength(reader, every);
  if (length === null) return null;
  const { seconds, days, months } = length.value;
  if (months > 0) return days > 0 ? null : refined(reader, { type: 'months', every: months, on: [] }, length.end);
  if (days === 0) return came({ type: 'seconds', seconds }, length.end);
  const weeks = days % 7 === 0 ? days / 7 : null;
  return refined(
    reader,
    weeks === null ? { type: 'days', every: days } : { type: 'weeks', every: weeks, on: [] },
    length.end,
  );
}

function recurring(unit: Unit, every: number): Recurrence {
  if (unit === 'y') return { type: 'years', on: null };
  if (unit === 'mo') return { type: 'months', every, on: [] };
  if (unit === 'w') return { type: 'weeks', every, on: [] };
  if (unit === 'd') return every === 1 ? { type: 'weeks', every: 1, on: everyDay } : { type: 'days', every };
  return { type: 'seconds', seconds: amountOf(unit, every).seconds };
}

const refined = (reader: Reader, recurrence: Recurrence, end: number): Came =>
  came(...(refine(reader, recurrence, end) ?? [recurrence, end]));

/** Which days of the week, month or year it is, where that was not said: `weekly … on monday`. */
export function refine(reader: Reader, recurrence: Recurrence, at: number): [Recurrence, number] | null {
  if (recurrence.type === 'weeks' && recurrence.on.length === 0) {
    const days =
      readWeekdays(reader, skip(reader, 'on', at)) ?? reader.dictionary.find('eachWeekday', reader.tokens, at);
    return days === null ? null : [{ ...recurrence, on: days.value }, days.end];
  }
  if (recurrence.type === 'months' && recurrence.on.length === 0) {
    const on = past(reader, 'on', at);
    const nth = recurrence.every === 1 ? readNth(reader, on ?? at) : null;
    if (nth?.value.recurrence) return [nth.value.recurrence, skip(reader, 'ofEachMonth', nth.end)];
    const days = on === null ? null : readMonthDays(reader, on);
    return days === null ? null : [{ ...recurrence, on: days.value }, days.end];
  }
  if (recurrence.type === 'years' && recurrence.on === null) {
    const date = readDate(reader, at);
    const made = date?.value.type === 'date' && date.value.year === null ? yearly(date.value, date.end) : null;
    return made?.value.recurrence ? [made.value.recurrence, made.end] : null;
  }
  return null;
}

const yearly = ({ day, month }: { day: number; month: number }, end: number): Came =>
  came({ type: 'years', on: { day, month } }, end);

/** `monday and thursday`, with what may stand before each of them. */
export const readWeekdays = (reader: Reader, at: number): Found<number[]> | null =>
  listed(reader, at, (place) => weekdayAt(reader, skip(reader, 'every', skip(reader, 'on', place)), true));

/** `monday to friday`: also without `every` more than one day. */
function readSpan(reader: Reader, at: number): Came | null {
  const start = skip(reader, 'on', skip(reader, 'starting', at));
  const first = weekdayAt(reader, start, true);
  const to = first === null ? null : past(reader, 'to', first.end);
  const last = to === null ? null : weekdayAt(reader, skip(reader, 'on', to), true);
  if (first === null || last === null || first.value === last.value) return null;
  const on: number[] = [];
  for (let day = first.value; day !== last.value; day = (day + 1) % 7) on.push(day);
  return came({ type: 'weeks', every: 1, on: [...on, last.value] }, last.end);
}

/** `the 1st and 15th of each month`, `the last friday of the month` */
function readMonthly(reader: Reader, at: number): Came | null {
  const start = skip(reader, 'on', at);
  const nth = readNth(reader, start);
  const days = nth === null ? readMonthDays(reader, start) : null;
  const end = nth?.end ?? days?.end;
  if (end === undefined) return null;
  const monthly = past(reader, 'ofEachMonth', end);
  if (monthly === null) return null;
  return nth === null ? came({ type: 'months', every: 1, on: days?.value ?? [] }, monthly) : { ...nth, end: monthly };
}

/** `first monday`, `last friday`, with or without the month. */
function readNth(reader: Reader, at: number): Came | null {
  const nth = reader.dictionary.find('ordinals', reader.tokens, at) ?? digitNth(reader, at);
  const weekday = nth === null || nth.value > 5 ? null : weekdayAt(reader, nth.end, true);
  if (nth === null || weekday === null) return null;
  return came({ type: 'nth', n: nth.value, weekday: weekday.value }, weekday.end);
}

function digitNth(reader: Reader, at: number): Found<number> | null {
  const number = dayNumber(reader, at);
  return number?.ordinal === true ? number : null;
}

const readMonthDays = (reader: Reader, at: number): Found<number[]> | null =>
  listed(reader, at, (place) => {
    const start = skip(reader, 'on', place);
    const last = reader.dictionary.find('ordinals', reader.tokens, start);
    const number = last?.value === -1 ? last : dayNumber(reader, start);
    return number === null ? null : { value: number.value, end: skip(reader, 'day', number.end) };
  });
