import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import type { Timing } from '../../../src/core/schedule.ts';

const calendar = createCalendar();
const now = Date.UTC(2026, 0, 1);

const timing = (expression: string, more: Partial<Timing> = {}): Timing => ({
  schedule: { type: 'cron', expression },
  zone: 'UTC',
  except: [],
  endAt: null,
  maxRuns: null,
  ...more,
});

before(() => calendar.load([timing('* * * * *', { except: ['holidays:DE'] })]));

const iso = (at: number): string => new Date(at).toISOString().replace(/:00\.000Z$/, 'Z');
const upcoming = (of: Timing, after = now, count = 3): string[] => calendar.upcoming(of, after, count).map(iso);

test('what is no expression is refused in words that say what is one', () => {
  const refused: [string, RegExp][] = [
    ['', /is empty/],
    ['  ', /is empty/],
    ['@reboot', /nickname; write @daily as 0 0 \* \* \*/],
    ['@daily', /nickname/],
    ['* * * *', /has 4 fields/],
    ['noon', /has 1 field;/],
    ['* * * * * * *', /has 7 fields/],
    ['* * * * * * * *', /has 8 fields/],
    ['*/0 * * * *', /illegal stepping/],
    ['0-59/1000 * * * *', /steps/],
    ['5/5 * * * *', /stepping/],
    ['60 * * * *', /minute: 60/],
    ['0 24 * * *', /hour: 24/],
    ['0 0 32 * *', /day: 31|day: 32/],
    ['0 0 0 * *', /day/],
    ['0 0 * 13 *', /month/],
    ['0 0 * * 8', /8/],
    ['60 * * * * *', /second: 60/],
    ['5-1 * * * *', /larger/],
    ['1,,2 * * * *', /empty/],
    ['-1 * * * *', /not understood/],
    ['0 0 * * FRIDAY', /not understood/],
    ['0 0 ? * MON', /has "\?" in it/],
    ['2026-12-24T18:00 * * * *', /has ":" in it/],
    ['0 9 * * пн', /has "п" in it/],
    ['0 0 31 2 *', /never due/],
    ['0 0 30W 2 *', /never due/],
    ['0 0 31 4,6,9,11 *', /never due/],
    [`${'0,'.repeat(300)}0 * * * *`, /longer than 500 characters/],
  ];
  for (const [expression, reason] of refused) {
    const problem = calendar.problem(timing(expression), now);
    assert.match(problem ?? 'accepted', reason, expression);
    // What is well written and never comes needs no lesson in writing.
    if (reason.source !== 'never due') assert.match(problem ?? '', /it takes five fields: minute 0-59/, expression);
    assert.throws(() => calendar.next(timing(expression), now), reason);
  }
});

test('what croner knows beyond numbers is read as documented', () => {
  const due: [string, string[]][] = [
    ['0 9 L * *', ['2026-01-31T09:00Z', '2026-02-28T09:00Z', '2026-03-31T09:00Z']],
    ['0 9 * * 5L', ['2026-01-30T09:00Z', '2026-02-27T09:00Z', '2026-03-27T09:00Z']],
    ['0 9 * * MON#2', ['2026-01-12T09:00Z', '2026-02-09T09:00Z', '2026-03-09T09:00Z']],
    ['0 9 15W * *', ['2026-01-15T09:00Z', '2026-02-16T09:00Z', '2026-03-16T09:00Z']],
    // Either is enough, unless both are asked for.
    ['0 9 13 * FRI', ['2026-01-02T09:00Z', '2026-01-09T09:00Z', '2026-01-13T09:00Z']],
    ['0 9 13 * +FRI', ['2026-02-13T09:00Z', '2026-03-13T09:00Z', '2026-11-13T09:00Z']],
    ['0 9 * * 7', ['2026-01-04T09:00Z', '2026-01-11T09:00Z', '2026-01-18T09:00Z']],
    ['0 9 * * mon-fri', ['2026-01-01T09:00Z', '2026-01-02T09:00Z', '2026-01-05T09:00Z']],
    ['0 9 29 2 *', ['2028-02-29T09:00Z', '2032-02-29T09:00Z', '2036-02-29T09:00Z']],
    [' 0   9 1 JAN,jul  * ', ['2026-01-01T09:00Z', '2026-07-01T09:00Z', '2027-01-01T09:00Z']],
    ['30 0 9 1 1 *', ['2026-01-01T09:00:30.000Z', '2027-01-01T09:00:30.000Z', '2028-01-01T09:00:30.000Z']],
  ];
  for (const [expression, times] of due) {
    assert.equal(calendar.problem(timing(expression), now), null, expression);
    assert.deepEqual(upcoming(timing(expression)), times, expression);
  }
});

test('an unknown zone is refused, and a moment within a second is not forgotten', () => {
  assert.match(
    calendar.problem(timing('0 9 * * *', { zone: 'Mars/X' }), now) ?? '',
    /no time zone "Mars\/X".*Europe\/Berlin/,
  );
  assert.throws(() => calendar.next(timing('0 9 * * *', { zone: 'Mars/X' }), now), RangeError);
  const second = timing('* * * * * *');
  assert.equal(calendar.next(second, now), now + 1000);
  assert.equal(calendar.next(second, now + 1), now + 1000);
  assert.equal(calendar.next(second, now - 1), now);
  assert.equal(calendar.next(second, -1500.5), -1000);
});

test('no time after the end, one at the end', () => {
  const endAt = Date.UTC(2026, 0, 2, 9);
  assert.deepEqual(upcoming(timing('0 9 * * *', { endAt })), ['2026-01-01T09:00Z', '2026-01-02T09:00Z']);
  assert.deepEqual(upcoming(timing('0 9 * * *', { endAt: endAt - 1 })), ['2026-01-01T09:00Z']);
});

test('a hundred yearly times between holidays are not reckoned for a hundred years', async () => {
  const yearly = timing('0 9 5 10 *', { except: ['holidays:DE'] });
  await calendar.load([yearly]);
  assert.equal(calendar.upcoming(yearly, now, 100).length, 10);
  assert.equal(calendar.upcoming({ ...yearly, except: [] }, now, 100).length, 100);
});

test('plain schedules heed days off and the end, too', () => {
  const at = Date.UTC(2026, 0, 2, 12);
  const once = timing('', { schedule: { type: 'at', at } });
  assert.equal(calendar.next(once, now), at);
  assert.equal(calendar.next(once, at), null);
  assert.equal(calendar.next({ ...once, except: ['2026-01-02'] }, now), null);
  const every = timing('', { schedule: { type: 'every', everyMs: 5 * 3_600_000, from: now }, except: ['2026-01-01'] });
  assert.deepEqual(upcoming(every), ['2026-01-02T01:00Z', '2026-01-02T06:00Z', '2026-01-02T11:00Z']);
  assert.equal(calendar.problem(every, now), null);
});

test('days off are days on the clock of the zone', () => {
  const hourly = timing('0 */6 * * *', { zone: 'America/New_York', except: ['2026-01-02', '2026-01-03/2026-01-05'] });
  assert.deepEqual(upcoming(hourly, Date.UTC(2026, 0, 2, 4, 30)), [
    '2026-01-06T05:00Z',
    '2026-01-06T11:00Z',
    '2026-01-06T17:00Z',
  ]);
  // Havana and Cairo begin a day at one o'clock when the clock is changed: the day before is off all the same.
  const havana = timing('0 0 * * *', { zone: 'America/Havana', except: ['2026-03-07'] });
  assert.deepEqual(upcoming(havana, Date.UTC(2026, 2, 6, 12), 2), ['2026-03-08T05:00Z', '2026-03-09T04:00Z']);
});

test('days off that are none are refused in words that say what is one', () => {
  for (const [entry, reason] of [
    ['christmas', /"christmas" is no day off; a day off is written 2026-12-24/],
    ['2026-02-30', /is no day off/],
    ['2026-13-01', /is no day off/],
    ['24.12.2026', /is no day off/],
    ['2026-01-02/', /is no day off/],
    ['2026-01-02/2026-01-03/2026-01-04', /is no day off/],
    ['', /is no day off/],
    ['2026-01-03/2026-01-02', /ends before it begins/],
    ['holidays:', /is no day off/],
    ['holidays:ZZ', /no holidays of "ZZ"; a country is two letters such as DE/],
    ['holidays:Germany', /no holidays of "Germany"/],
    ['holidays:DE-XX', /no holidays of "DE-XX"; DE has BB, BE, BW, BY/],
    ['holidays:DE-BY-XX', /DE-BY has A, /],
    ['holidays:DE-BY-A-1', /no holidays/],
    ['holidays:VA-1', /VA has no regions/],
    ['holidays:__proto__', /no holidays/],
  ] as const)
    assert.match(calendar.problem(timing('0 9 * * *', { except: [entry] }), now) ?? 'accepted', reason, entry);
  const places = ['DE', 'FR', 'IT', 'ES', 'US'].map((place) => `holidays:${place}`);
  assert.match(calendar.problem(timing('0 9 * * *', { except: places }), now) ?? 'accepted', /at most 4/);
  assert.equal(calendar.problem(timing('0 9 * * *', { except: places.slice(1) }), now), null);
  const many = Array.from({ length: 51 }, () => '2026-01-01');
  assert.match(calendar.problem(timing('0 9 * * *', { except: many }), now) ?? 'accepted', /51 days off; at most 50/);
  assert.equal(calendar.problem(timing('0 9 * * *', { except: many.slice(1) }), now), null);
});

test('public holidays of a country, its states and regions are off, half days and other days of note are not', () => {
  const days = (place: string, year: number, zone = 'UTC'): string[] => {
    const all = timing('0 9 * * *', { zone });
    const [from, to] = [Date.UTC(year, 0, 1) - 1, Date.UTC(year + 1, 0, 1)];
    const off = { ...all, except: [`holidays:${place}`] };
    assert.equal(calendar.problem(off, now), null);
    const due = (of: Timing): number[] => calendar.upcoming({ ...of, endAt: to - 1 }, from, 400);
    const kept = new Set(due(off));
    return due(all).flatMap((at) => (kept.has(at) ? [] : [new Date(at).toISOString().slice(5, 10)]));
  };
  const germany = ['01-01', '04-03', '04-06', '05-01', '05-14', '05-25', '10-03', '12-25', '12-26'];
  assert.deepEqual(days('DE', 2026), germany);
  assert.deepEqual(days('de-by', 2026), [...germany, '01-06', '06-04', '11-01'].toSorted());
  assert.ok(days('DE-BY-A', 2026).includes('08-08'));
  // By law a holiday on a Saturday is kept the Friday before; of a year to come that is in this one.
  assert.deepEqual(days('US', 2027).slice(-3), ['12-24', '12-25', '12-31']);
  // Days of the moon, from the evening before to noon after them.
  assert.deepEqual(days('TR', 2026).slice(0, 6), ['01-01', '03-20', '03-21', '03-22', '04-23', '05-01']);
  // The afternoons of Christmas Eve and New Year's Eve.
  assert.deepEqual(days('IS', 2026).slice(-2), ['12-25', '12-26']);
  // One that goes on into the next year.
  assert.deepEqual(days('SZ', 2027).slice(0, 2), ['01-01', '01-02']);
});

test('a job that is only due on days off is given up on, after a bounded search', () => {
  const christmas = timing('0 9 25 12 *', { except: ['holidays:DE'] });
  assert.equal(calendar.problem(christmas, now), null);
  assert.equal(calendar.next(christmas, now), null);
  // Fifty entries that follow on one another are passed, and ten years; no more.
  const days = Array.from({ length: 50 }, (_, n) => new Date(now + n * 86_400_000).toISOString().slice(0, 10));
  assert.equal(iso(calendar.next(timing('* * * * * *', { except: days }), now) ?? 0), '2026-02-20T00:00Z');
  const years = Array.from({ length: 11 }, (_, n) => `${2026 + n}-01-01/${2026 + n}-12-31`);
  assert.equal(
    iso(calendar.next(timing('0 0 * * *', { except: years.slice(1) }), Date.UTC(2027, 0, 8)) ?? 0),
    '2037-01-01T00:00Z',
  );
  assert.equal(calendar.next(timing('0 0 * * *', { except: years }), now), null);
});

test('what was not loaded is asked for in vain, not wrongly answered', async () => {
  const bare = createCalendar();
  const plain = timing('', { schedule: { type: 'at', at: now + 1 } });
  await bare.load([plain]);
  assert.equal(bare.next(plain, now), now + 1);
  assert.throws(() => bare.next(timing('* * * * *'), now), /not loaded/);
  await bare.load([timing('* * * * *')]);
  assert.equal(bare.next(timing('* * * * *'), now), now + 60_000);
  const off = { ...plain, except: ['holidays:DE'] };
  assert.throws(() => bare.next(off, now), /not loaded/);
  assert.throws(() => bare.problem(off, now), /not loaded/);
});

test('more expressions, zones and places than are kept are all read rightly', () => {
  const zones = Intl.supportedValuesOf('timeZone').slice(0, 60);
  for (let round = 0; round < 2; round += 1)
    for (const [n, zone] of zones.entries()) {
      const due = calendar.next(timing(`${n} 12 * * *`, { zone }), now) ?? 0;
      const { hour, minute } = calendar.wall(due, zone);
      assert.deepEqual([hour, minute], [12, n]);
    }
  const places = ['DE', 'FR', 'US', 'GB', 'AT', 'CH', 'IT', 'ES', 'PT', 'NL'];
  for (const place of [...places, ...places]) {
    const due = calendar.next(timing('0 9 25 * *', { except: [`holidays:${place}`] }), Date.UTC(2026, 11, 1));
    assert.equal(iso(due ?? 0), '2027-01-25T09:00Z');
  }
});

test('a time on the wall is found, and none that no wall shows', () => {
  const at = (text: string, zone: string): string | null => {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = text.split(/\D/).map(Number);
    const found = calendar.at({ year, month, day, hour, minute, second }, zone);
    return found === null ? null : iso(found);
  };
  assert.equal(at('2026-12-24T18:00', 'Europe/Berlin'), '2026-12-24T17:00Z');
  assert.equal(at('2026-03-29T02:30', 'Europe/Berlin'), '2026-03-29T01:00Z');
  assert.equal(at('2026-10-25T02:30', 'Europe/Berlin'), '2026-10-25T00:30Z');
  assert.equal(at('2026-10-04T02:15', 'Australia/Lord_Howe'), '2026-10-03T15:30Z');
  // Samoa left a whole day out.
  assert.equal(at('2011-12-30T12:00', 'Pacific/Apia'), '2011-12-30T10:00Z');
  assert.equal(at('0001-01-01T00:00', 'UTC'), '0001-01-01T00:00Z');
  for (const text of [
    '2026-02-29',
    '2026-04-31',
    '2026-00-10',
    '2026-13-01',
    '2026-01-01T24:00',
    '2026-01-01T00:60',
    '10000-01-01',
    '0000-01-01',
  ])
    assert.equal(at(text, 'UTC'), null, text);
  assert.equal(calendar.at({ year: 2026.5, month: 1, day: 1, hour: 0, minute: 0, second: 0 }, 'UTC'), null);
  assert.equal(calendar.at({ year: Number.NaN, month: 1, day: 1, hour: 0, minute: 0, second: 0 }, 'UTC'), null);
});
