import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorData } from '../../src/core/errors.ts';
import { nextAttemptMs } from '../../src/core/task.ts';

const hour = 3_600_000;
const error = (more: Partial<ErrorData> = {}): ErrorData => ({
  kind: 'network',
  code: 'down',
  message: 'It is down.',
  retryable: true,
  ...more,
});
const task = (attempts: number, trigger = 'request') => ({ attempts, maxAttempts: 4, trigger });

describe('the attempt after one that failed', () => {
  it('comes later each time, and never later than in an hour', () => {
    const wait = (attempts: number, unit = 0.5): number | null =>
      nextAttemptMs(error(), { ...task(attempts), maxAttempts: 1000 }, unit);
    assert.deepEqual(
      [1, 2, 3, 8, 400].map((attempts) => wait(attempts)),
      [10_000, 40_000, 160_000, hour, hour],
    );
    assert.deepEqual([wait(1, 0), wait(1, 1)], [8000, 12_000]);
  });

  it('does not come for what does not pass, nor past the last attempt, nor when crashes have used them up', () => {
    assert.equal(nextAttemptMs(error({ retryable: false }), task(1), 0.5), null);
    assert.equal(nextAttemptMs(error(), task(4), 0.5), null);
    assert.equal(nextAttemptMs(error(), task(6), 0.5), null);
    assert.equal(nextAttemptMs(error(), task(3), 0.5), 160_000);
  });

  it('never comes before the time that it asks to wait for', () => {
    for (const unit of [0, 0.5, 0.99])
      assert.ok((nextAttemptMs(error({ retryAfterMs: 50_000 }), task(1), unit) ?? 0) >= 50_000);
    assert.equal(nextAttemptMs(error({ retryAfterMs: 5 }), task(1), 0.5), 10_000);
  });

  it('is not waited for longer than a day, nor, of a slot, than an hour', () => {
    assert.notEqual(nextAttemptMs(error({ retryAfterMs: 24 * hour }), task(1), 0.5), null);
    assert.equal(nextAttemptMs(error({ retryAfterMs: 24 * hour + 1 }), task(1), 0.5), null);
    assert.notEqual(nextAttemptMs(error({ retryAfterMs: hour }), task(1, 'slot'), 0.5), null);
    assert.equal(nextAttemptMs(error({ retryAfterMs: hour + 1 }), task(1, 'slot'), 0.5), null);
  });
});
