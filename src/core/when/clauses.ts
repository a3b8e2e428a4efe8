/** What limits something that comes again: `until 1 March`, `5 times`, `unless it is a holiday`, `from monday`. */
import { readDay } from './calendar-day.ts';
import { readTime } from './clock-time.ts';
import { countryAt } from './country.ts';
import type { Day, Draft } from './draft.ts';
import type { Found } from './lexicon.ts';
import { past, skip, whole, type Reader } from './reader.ts';
import { readWeekdays } from './recurrence.ts';

const maxCount = 9999;
const maxExceptions = 10;

type Clause = Found<Partial<Draft>>;

/** The next clause; one that was there already is none. */
export function readClause(reader: Reader, at: number, draft: Draft): Clause | null {
  return (
    readUntil(reader, at, draft) ??
    readCount(reader, at, draft) ??
    readExcept(reader, at, draft) ??
    readFrom(reader, at, draft)
  );
}

function readUntil(reader: Reader, at: number, { until }: Draft): Clause | null {
  const start = until === null ? past(reader, 'until', at) : null;
  if (start === null) return null;
  const day = readDay(reader, start);
  const time = readTime(reader, day?.end ?? start);
  if (day === null && time === null) return null;
  const value = { until: { day: day?.value ?? null, time: time?.value ?? null } };
  return { value, end: time?.end ?? day?.end ?? start };
}

function readCount(reader: Reader, at: number, draft: Draft): Clause | null {
  const count = draft.count === null ? whole(reader, at, 1, maxCount) : null;
  const end = count === null ? null : past(reader, 'times', count.end);
  return count === null || end === null ? null : { value: { count: count.value }, end };
}

function readFrom(reader: Reader, at: number, { from }: Draft): Clause | null {
  const start = from === null ? past(reader, 'starting', at) : null;
  if (start === null) return null;
  const day = readDay(reader, start);
  const time = readTime(reader, day?.end ?? start, day === null);
  if (day === null && time === null) return null;
  return {
    value: { from: { day: day?.value ?? null, time: time?.value ?? null } },
    end: time?.end ?? day?.end ?? start,
  };
}

/** `except on holidays in Austria, on sundays and on 24 December` */
function readExcept(reader: Reader, at: number, draft: Draft): Clause | null {
  const start = past(reader, 'except', at);
  if (start === null) return null;
  let { holidays } = draft;
  const weekdays = [...draft.exceptWeekdays];
  const days: Day[] = [...draft.exceptDays];
  let end = start;
  for (let n = 0; n < maxExceptions; n++) {
    const next = n === 0 ? start : skip(reader, 'except', past(reader, 'and', end) ?? -1);
    const holiday = past(reader, 'holiday', skip(reader, 'on', next));
    const each = reader.dictionary.find('eachWeekday', reader.tokens, skip(reader, 'on', next));
    const of = each ?? readWeekdays(reader, next);
    const day = holiday === null && of === null ? readDay(reader, next) : null;
    if (holiday !== null) {
      const country = countryAt(reader, skip(reader, 'exceptEnd', holiday));
      holidays = country?.value ?? 'here';
      end = skip(reader, 'exceptEnd', country?.end ?? holiday);
    } else if (of !== null) {
      weekdays.push(...of.value);
      end = of.end;
    } else if (day === null) break;
    else {
      days.push(day.value);
      end = day.end;
    }
  }
  return end === start ? null : { value: { holidays, exceptWeekdays: weekdays, exceptDays: days }, end };
}
