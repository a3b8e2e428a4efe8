import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as fc from 'fast-check';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import type { Timing } from '../../../src/core/schedule.ts';

const calendar = createCalendar();
const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 300) };

/** Some whose clock is changed by an hour or half of one, at night, at midnight, in autumn; and some where it is not. */
const zone = fc.constantFrom(
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'America/Santiago',
  'America/Havana',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'Europe/Dublin',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
  'UTC',
);

interface Field {
  text: string;
  values: ReadonlySet<number>;
}

/** A field with the values it stands for. */
function field(first: number, last: number): fc.Arbitrary<Field> {
  const number = fc.integer({ min: first, max: last });
  const every = (from: number, to: number, step: number): Set<number> => {
    const values = new Set<number>();
    for (let value = from; value <= to; value += step) values.add(value);
    return values;
  };
  return fc.oneof(
    fc.constant({ text: '*', values: every(first, last, 1) }),
    fc.integer({ min: 2, max: last }).map((step) => ({ text: `*/${step}`, values: every(first, last, step) })),
    number.map((value) => ({ text: `${value}`, values: new Set([value]) })),
    fc
      .uniqueArray(number, { minLength: 2, maxLength: 4 })
      .map((values) => ({ text: values.join(','), values: new Set(values) })),
    fc.tuple(number, number, fc.integer({ min: 1, max: 5 })).map(([a, b, step]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      return { text: step === 1 ? `${from}-${to}` : `${from}-${to}/${step}`, values: every(from, to, step) };
    }),
  );
}

interface Written {
  text: string;
  follows: boolean;
  shows(at: number, zone: string): boolean;
}

const expression: fc.Arbitrary<Written> = fc
  .record({
    second: fc.option(field(0, 59)),
    minute: field(0, 59),
    hour: field(0, 23),
    month: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ text: '*', values: new Set<number>() }) },
      { weight: 1, arbitrary: field(1, 12) },
    ),
    days: fc.oneof(
      fc.constant(['*', '*'] as const),
      fc.integer({ min: 1, max: 28 }).map((day) => [`${day}`, '*'] as const),
      fc.integer({ min: 0, max: 6 }).map((day) => ['*', `${day}`] as const),
    ),
  })
  .map(({ second, minute, hour, month, days: [day, weekday] }) => ({
    text: [...(second === null ? [] : [second.text]), minute.text, hour.text, day, month.text, weekday].join(' '),
    follows: /[*/]/.test(hour.text),
    shows(at, of) {
      const wall = calendar.wall(at, of);
      const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day));
      return (
        (second?.values ?? new Set([0])).has(wall.second) &&
        minute.values.has(wall.minute) &&
        hour.values.has(wall.hour) &&
        (month.text === '*' || month.values.has(wall.month)) &&
        (day === '*' || Number(day) === wall.day) &&
        (weekday === '*' || Number(weekday) === date.getUTCDay())
      );
    },
  }));

/** Any moment of these years, and more often one near a change of some clock. */
const moment = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2031, 0, 1) }),
  fc
    .tuple(
      fc.constantFrom(
        '2026-03-29T01:00Z',
        '2026-10-25T01:00Z',
        '2027-03-14T05:00Z',
        '2027-11-07T05:00Z',
        '2028-04-01T15:00Z',
      ),
      fc.integer({ min: -4 * 3_600_000, max: 4 * 3_600_000 }),
    )
    .map(([change, ms]) => Date.parse(change) + ms),
);

const cron = (text: string, of: string): Timing => ({
  schedule: { type: 'cron', expression: text },
  zone: of,
  except: [],
  endAt: null,
  maxRuns: null,
});

before(() => calendar.load([cron('* * * * *', 'UTC')]));

/** The clock was changed at this very moment, forward. */
function endsGap(at: number, of: string): boolean {
  const wallMs = (time: number): number => {
    const { year, month, day, hour, minute, second } = calendar.wall(time, of);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  return wallMs(at) - wallMs(at - 1000) > 1000;
}

test('each due time is later than the one before, the same however it is asked for, and shown by the clock', () => {
  fc.assert(
    fc.property(expression, zone, moment, (written, of, after) => {
      const timing = cron(written.text, of);
      assert.equal(calendar.problem(timing, after), null, written.text);
      const times = calendar.upcoming(timing, after, 8);
      assert.equal(times.length, 8);
      let last = after;
      for (const at of times) {
        assert.ok(at > last, 'later');
        assert.equal(calendar.next(timing, last), at);
        assert.equal(calendar.next(timing, at - 1), at);
        // From anywhere between the two it is the same one.
        assert.equal(calendar.next(timing, last + Math.floor((at - last) / 2)), at);
        assert.equal(at % 1000, 0);
        assert.ok(
          written.shows(at, of) || (!written.follows && endsGap(at, of)),
          `${written.text} at ${new Date(at).toISOString()}`,
        );
        last = at;
      }
    }),
    runs,
  );
});

test('no time is left out that the clock shows', () => {
  fc.assert(
    fc.property(expression, zone, moment, (written, of, after) => {
      const timing = cron(written.text, of);
      const end = after + 6 * 3_600_000;
      const due = new Set<number>();
      for (
        let at = calendar.next(timing, after);
        at !== null && at <= end && due.size < 500;
        at = calendar.next(timing, at)
      )
        due.add(at);
      const until = due.size < 500 ? end : Math.max(...due);
      for (let at = Math.ceil((after + 1) / 60_000) * 60_000; at <= until; at += 60_000) {
        if (!written.shows(at, of)) continue;
        // Of a time that comes twice, and does not follow the clock, the first.
        const first = calendar.at(calendar.wall(at, of), of);
        assert.ok(
          due.has(at) || (!written.follows && first !== at),
          `${written.text} at ${new Date(at).toISOString()}`,
        );
      }
    }),
    runs,
  );
});

test('a moment is found again by what the clock shows, unless it comes twice', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
      fc.oneof(moment, fc.integer({ min: 0, max: 4e12 })),
      (of, time) => {
        const at = Math.floor(time / 1000) * 1000;
        const found = calendar.at(calendar.wall(at, of), of);
        assert.ok(found !== null && found <= at);
        assert.deepEqual(calendar.wall(found, of), calendar.wall(at, of));
        if (found !== at) assert.ok(at - found <= 26 * 3_600_000, 'the first of two');
      },
    ),
    { numRuns: runs.numRuns * 3 },
  );
});

test('whatever is written, it is refused, or understood and due', () => {
  const junk = fc
    .array(
      fc.string({
        unit: fc.constantFrom(...Array.from('0123456789*,-/#LW+ ?@:.MONFRIJAN')),
        minLength: 1,
        maxLength: 5,
      }),
      {
        minLength: 4,
        maxLength: 7,
      },
    )
    .map((fields) => fields.join(' '));
  fc.assert(
    fc.property(fc.oneof(junk, fc.string({ unit: 'binary' })), zone, moment, (text, of, after) => {
      const timing = cron(text, of);
      const problem = calendar.problem(timing, after);
      if (problem === null) assert.ok((calendar.next(timing, after) ?? 0) > after, text);
      else assert.match(problem, /it takes five fields/);
    }),
    runs,
  );
});

test('no due time lies on a day off, and none beside it is lost', () => {
  const day = fc.integer({ min: 0, max: 40 }).map((n) => new Date(Date.UTC(2026, 9, 1 + n)).toISOString().slice(0, 10));
  const entry = fc.oneof(
    day,
    fc.tuple(day, day).map((days) => days.toSorted().join('/')),
  );
  fc.assert(
    fc.property(expression, zone, fc.array(entry, { maxLength: 4 }), (written, of, except) => {
      const after = Date.UTC(2026, 9, 20);
      const isOff = (at: number): boolean => {
        const { year, month, day: date } = calendar.wall(at, of);
        const today = new Date(Date.UTC(year, month - 1, date)).toISOString().slice(0, 10);
        return except.some((text) => {
          const [from = '', to = from] = text.split('/');
          return from <= today && today <= to;
        });
      };
      const all = cron(written.text, of);
      const due = calendar.next({ ...all, except }, after);
      assert.ok(due !== null && !isOff(due));
      for (const at of calendar.upcoming(all, after, 200)) {
        if (at >= due) break;
        assert.ok(isOff(at), `${written.text} at ${new Date(at).toISOString()}`);
      }
    }),
    runs,
  );
});
