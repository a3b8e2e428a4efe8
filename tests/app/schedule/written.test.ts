import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { assertNotTooOften, timingOf } from '../../../src/app/schedule/written.ts';
import type { Calendar } from '../../../src/core/ports/calendar.ts';

const now = Date.UTC(2026, 10, 21);
const minute = 60_000;

/** Counts how often it is asked, and how far ahead. */
function counted(): Calendar & { asked: number; furthest: number } {
  const calendar = createCalendar();
  return {
    ...calendar,
    asked: 0,
    furthest: 0,
    next(timing, after) {
      this.asked += 1;
      this.furthest = Math.max(this.furthest, after);
      return calendar.next(timing, after);
    },
  };
}

test('a yearly job does not have the days off of decades reckoned to see that it is not due too often', async () => {
  const calendar = counted();
  const reading = { now, zone: 'Europe/Berlin', calendar };
  const timing = await timingOf({ cron: '0 9 5 10 *', except: ['holidays:DE'] }, reading);
  calendar.asked = 0;
  assertNotTooOften(timing, minute, reading);
  assert.ok(calendar.asked <= 4, `${calendar.asked} times`);
  assert.ok(calendar.furthest - now < 3 * 366 * 86_400_000);
});

test('times that are too close are found wherever in the year they are', async () => {
  const reading = { now, zone: 'UTC', calendar: createCalendar() };
  for (const cron of ['* * * * *', '0,2 9 24 10 *', '58,59 23 29 2 *', '0 9,12 * * *', '0 0 1 1,2 *']) {
    const timing = await timingOf({ cron }, reading);
    const check = (minMs: number) => () => assertNotTooOften(timing, minMs, reading);
    if (cron.startsWith('0 ')) assert.doesNotThrow(check(5 * minute), cron);
    else assert.throws(check(5 * minute), { code: 'too_often' }, cron);
  }
});
