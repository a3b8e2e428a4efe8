import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quietHoursOf, readSettings, timeZoneOf } from '../../src/core/preferences.ts';

test('quiet hours are understood as people write them, and nothing else is', () => {
  const cases: [string, string | null][] = [
    ['22:00-07:00', '22:00-07:00'],
    [' 7:00 – 9:30 ', '07:00-09:30'],
    ['00:00-23:59', '00:00-23:59'],
    ['24:00-07:00', null],
    ['22:60-07:00', null],
    ['22:00-22:00', null],
    ['22-7', null],
    ['always', null],
    ['22:00-07:00; DROP', null],
  ];
  for (const [text, expected] of cases) assert.equal(quietHoursOf(text), expected, text);
});

test('a time zone is one of the tz database, by its own name', () => {
  assert.equal(timeZoneOf('europe/berlin'), 'Europe/Berlin');
  assert.equal(timeZoneOf('UTC'), 'UTC');
  for (const none of ['Europe/Atlantis', '', 'Berlin', '../etc/passwd']) assert.equal(timeZoneOf(none), null, none);
});

test('what is not named stays, null takes back, and the first thing that makes no sense is told', () => {
  assert.deepEqual(readSettings({}), { change: {} });
  assert.deepEqual(readSettings({ language: 'de-AT', quiet_hours: null, notices: false }), {
    change: { language: 'de', quietHours: null, notices: false },
  });
  assert.deepEqual(readSettings({ time_zone: null, model: 'a/b' }), { change: { timeZone: null, model: 'a/b' } });
  assert.deepEqual(readSettings({ language: 'tlh' }), { wrong: 'language' });
  assert.deepEqual(readSettings({ time_zone: 'Mars' }), { wrong: 'time_zone' });
  assert.deepEqual(readSettings({ quiet_hours: 'night' }), { wrong: 'quiet_hours' });
});
