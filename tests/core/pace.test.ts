import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullBucket, take, takeIfThere, type Rate } from '../../src/core/pace.ts';

const rate: Rate = { perSecond: 2, burst: 3 };

test('a burst goes at once, then each turn waits for the rate', () => {
  const bucket = fullBucket(rate, 0);
  assert.deepEqual(
    [0, 0, 0, 0, 0].map((now) => take(bucket, rate, now)),
    [0, 0, 0, 500, 1000],
  );
});

test('waiting refills up to the burst and not beyond', () => {
  const bucket = fullBucket(rate, 0);
  for (let i = 0; i < 3; i++) take(bucket, rate, 0);
  assert.deepEqual(
    [60_000, 60_000, 60_000, 60_000].map((now) => take(bucket, rate, now)),
    [0, 0, 0, 500],
  );
});

test('what may be dropped takes nothing when nothing is there', () => {
  const bucket = fullBucket({ perSecond: 1, burst: 1 }, 0);
  const one = { perSecond: 1, burst: 1 };
  assert.deepEqual(
    [0, 100, 900, 1000].map((now) => takeIfThere(bucket, one, now)),
    [true, false, false, true],
  );
});

test('a clock that goes back neither gives nor takes', () => {
  const bucket = fullBucket(rate, 1000);
  take(bucket, rate, 1000);
  assert.equal(take(bucket, rate, 0), 0);
});
