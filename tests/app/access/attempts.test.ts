import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempts } from '../../../src/app/access/attempts.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('each who tries has five attempts, and one more every two minutes', async () => {
  const clock = new VirtualClock();
  const attempts = new Attempts(clock);
  const taken = (who: string, times: number): number =>
    Array.from({ length: times }, () => attempts.take(who, 'known')).filter(Boolean).length;
  assert.deepEqual([taken('ada', 20), taken('bob', 3)], [5, 3]);
  await clock.advance(120_000);
  assert.deepEqual([taken('ada', 20), taken('bob', 20)], [1, 3]);
});

test('a right code costs no attempt, and gives none that was not taken', () => {
  const attempts = new Attempts(new VirtualClock());
  for (let n = 0; n < 50; n++) {
    assert.ok(attempts.take('ada', 'crowd'));
    attempts.giveBack('ada', 'crowd');
  }
  attempts.giveBack('ada', 'known');
  const left = Array.from({ length: 20 }, () => attempts.take('ada', 'known')).filter(Boolean).length;
  assert.equal(left, 5);
});

test('whoever can come under ever new names has a hundred together, and holds up nobody who is known', () => {
  const attempts = new Attempts(new VirtualClock());
  const taken = Array.from({ length: 1000 }, (_, n) => attempts.take(`name ${n}`, 'crowd')).filter(Boolean).length;
  assert.equal(taken, 100);
  assert.ok(attempts.take('ada', 'known'));
});
