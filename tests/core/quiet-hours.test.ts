import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { quietUntil } from '../../src/core/quiet-hours.ts';
import { wallTimeOf, zoneNamed } from '../../src/core/zone.ts';

const ends = (hours: string, zone: string, now: string): string | null => {
  const until = quietUntil(hours, zone, Date.parse(now));
  return until === null ? null : new Date(until).toISOString().slice(0, 16);
};

test('quiet hours end on the clock of the zone, across midnight too', () => {
  for (const [hours, now, expected] of [
    ['22:00-07:00', '2026-06-01T19:59:59Z', null],
    ['22:00-07:00', '2026-06-01T20:00:00Z', '2026-06-02T05:00'],
    ['22:00-07:00', '2026-06-02T00:30:00Z', '2026-06-02T05:00'],
    ['22:00-07:00', '2026-06-02T04:59:59.999Z', '2026-06-02T05:00'],
    ['22:00-07:00', '2026-06-02T05:00:00Z', null],
    ['13:00-15:00', '2026-06-02T12:15:00Z', '2026-06-02T13:00'],
    ['13:00-15:00', '2026-06-02T22:00:00Z', null],
    ['00:00-06:00', '2026-06-01T22:00:00Z', '2026-06-02T04:00'],
    ['18:00-00:00', '2026-06-02T21:59:00Z', '2026-06-02T22:00'],
    ['18:00-00:00', '2026-06-02T22:00:00Z', null],
  ] as const)
    assert.equal(ends(hours, 'Europe/Berlin', now), expected, `${hours} at ${now}`);
});

test('a change of the clocks does not shift the end of quiet hours', () => {
  for (const [hours, zone, now, expected] of [
    ['22:00-07:00', 'Europe/Berlin', '2026-03-28T21:30Z', '2026-03-29T05:00'],
    ['22:00-07:00', 'Europe/Berlin', '2026-10-24T20:30Z', '2026-10-25T06:00'],
    // The end is skipped: quiet until the clock shows a later time.
    ['22:00-02:30', 'Europe/Berlin', '2026-03-29T00:30Z', '2026-03-29T01:00'],
    // All of it is skipped.
    ['02:00-03:00', 'Europe/Berlin', '2026-03-29T00:59Z', null],
    ['02:00-03:00', 'Europe/Berlin', '2026-03-29T01:00Z', null],
    // The hour comes twice, and is quiet twice.
    ['02:00-03:00', 'Europe/Berlin', '2026-10-25T00:10Z', '2026-10-25T02:00'],
    ['02:30-03:00', 'Europe/Berlin', '2026-10-25T00:40Z', '2026-10-25T01:00'],
    ['02:30-03:00', 'Europe/Berlin', '2026-10-25T01:10Z', null],
    ['02:30-03:00', 'Europe/Berlin', '2026-10-25T01:40Z', '2026-10-25T02:00'],
    ['23:00-06:00', 'America/Havana', '2026-03-08T04:30Z', '2026-03-08T10:00'],
  ] as const)
    assert.equal(ends(hours, zone, now), expected, `${hours} in ${zone} at ${now}`);
});

test('it is quiet at exactly the times between the two, whatever the zone', () => {
  const time = fc.integer({ min: 0, max: 1439 });
  const named = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  fc.assert(
    fc.property(
      fc.tuple(time, time).filter(([from, to]) => from !== to),
      fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'America/Santiago', 'UTC'),
      fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2031, 0, 1) }),
      ([from, to], zone, now) => {
        const isQuiet = (at: number): boolean => {
          const { hour, minute } = wallTimeOf(zoneNamed(zone).wall(at));
          const shown = hour * 60 + minute;
          return from < to ? from <= shown && shown < to : from <= shown || shown < to;
        };
        const until = quietUntil(`${named(from)}-${named(to)}`, zone, now);
        assert.equal(until !== null, isQuiet(now));
        if (until === null) return;
        assert.ok(until > now && until <= now + 26 * 3_600_000);
        assert.ok(!isQuiet(until), 'it is over then');
        for (let at = now; at < until; at += 60_000) assert.ok(isQuiet(at), 'and not before');
      },
    ),
    { numRuns: 300 },
  );
});
