import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunWaiters } from '../../../src/app/runs/waiters.ts';

test('a run for which nobody waits any more is forgotten, and not before the last of them left', () => {
  const waiters = new RunWaiters();
  const about = { owner: 'ada', sessionKey: 'api:ada:main' };
  const [first, second] = [waiters.wait('run_1', about), waiters.wait('run_1', about)];
  first.leave();
  first.leave();
  assert.equal(waiters.ownerOf('run_1'), 'ada');
  second.leave();
  assert.equal(waiters.ownerOf('run_1'), null);
});
