import assert from 'node:assert/strict';
import { it } from 'node:test';
import { whenOf } from '../../src/core/when-text.ts';

const forms: [string, ReturnType<typeof whenOf>][] = [
  ['20m', { after: '20m' }],
  ['in 1.5h', { after: '1.5h' }],
  ['2026-12-24T18:00', { at: '2026-12-24T18:00' }],
  ['2026-12-24', { at: '2026-12-24' }],
  ['2026-12-24 18:00+01:00', { at: '2026-12-24 18:00+01:00' }],
  ['0 9 * * 1-5', { cron: '0 9 * * 1-5' }],
  ['`*/5 * * * *`', { cron: '*/5 * * * *' }],
  ['0 9 * * MON-FRI', { cron: '0 9 * * MON-FRI' }],
  ['30 0 9 1 * *', { cron: '30 0 9 1 * *' }],
  ['every weekday at 9', { words: 'every weekday at 9' }],
  ['tomorrow at 9', { words: 'tomorrow at 9' }],
  ['9 in the morning every day', { words: '9 in the morning every day' }],
  ['9 am every working day', { words: '9 am every working day' }],
];
for (const [text, form] of forms)
  it(`"${text}" is ${Object.keys(form)[0]}`, () => {
    assert.deepEqual(whenOf(text), form);
  });
