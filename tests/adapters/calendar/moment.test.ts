import assert from 'node:assert/strict';
import { test } from 'node:test';
import moment from '../../../src/adapters/calendar/moment.ts';

test('days of the sun are those of the place, whatever the day is in Greenwich', () => {
  for (const [at, place, month, day] of [
    // Shunbun no hi: the equinox of 2026 is at 14:46 UTC on 20 March, that of 2031 at 19:41.
    ['2026-03-20T14:46:00.000Z', '+09:00', 3, 20],
    ['2031-03-20T19:41:00.000Z', '+09:00', 3, 21],
    ['2026-01-01T02:00:00.000Z', '-03:30', 12, 31],
    // We Tripantu, in the winter of Chile.
    ['2026-06-21T03:30:00.000Z', 'America/Santiago', 6, 20],
    ['2026-06-21T04:30:00.000Z', 'GMT', 6, 21],
  ] as const) {
    const shown = /^[+-]/.test(place) ? moment(at).utcOffset(place) : moment(at).tz(place);
    assert.deepEqual([shown.month() + 1, shown.date()], [month, day], `${at} at ${place}`);
  }
});

test('a time on a wall becomes a moment that Date reads', () => {
  assert.equal(moment.tz('2026-12-24 18:00:00', 'UTC').format(), '2026-12-24T18:00:00.000Z');
  assert.equal(moment.tz('2026-12-24 18:00:00', 'Europe/Berlin').format(), '2026-12-24T17:00:00.000Z');
});
