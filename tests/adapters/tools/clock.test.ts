import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { clockTools } from '../../../src/adapters/tools/clock/index.ts';
import { callOf, use } from '../../support/tool-calls.ts';

const group = clockTools({
  clock: { ...systemClock, now: () => Date.UTC(2026, 0, 15, 23, 30) },
  timeZone: (person) => Promise.resolve(person === 'ann' ? 'Asia/Tokyo' : 'Europe/Paris'),
});
const ask = (args: { zone?: string }, person = 'ben') => use(group, 'current_time', args, callOf(person));

test('the time is told in any zone, with its offset and weekday', async () => {
  const told = {
    UTC: '2026-01-15T23:30:00+00:00 Thursday (UTC)',
    'Europe/Berlin': '2026-01-16T00:30:00+01:00 Friday (Europe/Berlin)',
    'America/New_York': '2026-01-15T18:30:00-05:00 Thursday (America/New_York)',
    'Asia/Kathmandu': '2026-01-16T05:15:00+05:45 Friday',
  };
  for (const [zone, text] of Object.entries(told)) assert.ok((await ask({ zone })).text.startsWith(text), zone);
});

test('without a zone it is that of the person, else that of the gateway', async () => {
  assert.equal((await ask({}, 'ann')).text, '2026-01-16T08:30:00+09:00 Friday (Asia/Tokyo)');
  assert.ok((await ask({})).text.endsWith('(Europe/Paris)'));
});

test('a zone that does not exist is an error that names the form', async () => {
  for (const zone of ['Mars/Olympus', '', '../etc/passwd', 'x'.repeat(10_000)]) {
    const { text, isError } = await ask({ zone });
    assert.equal(isError, true, zone.slice(0, 20));
    assert.match(text, /Europe\/Berlin/);
  }
});
