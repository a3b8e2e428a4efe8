/** A slice of `npm run prove -- jobs`, small enough for every run of the tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobs } from './proofs/jobs.ts';

test('killed while jobs are due, the gateway attends every due time once and does nothing twice that cannot be repeated', async (t) => {
  const { figures, violations } = await jobs(8, ['before_fire', 'after_fire', 'task_claimed', 'after_task_failure']);
  t.diagnostic(figures.map(([name, value]) => `${name}: ${value}`).join('; '));
  assert.deepEqual(violations, []);
});
