import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerPerson } from '../../../src/core/principal.ts';
import { pollMs, ScheduleLife } from '../../support/schedule-life.ts';
import { StoreClock } from '../../support/store-clock.ts';
import { freshStore } from '../../support/store.ts';

const polls = 20;

test('a gateway with nothing due asks the store once a poll for work, and never writes', async (t) => {
  const store = await freshStore(t);
  const clock = new StoreClock();
  await store.addJob(
    {
      id: 'chore-of-tomorrow',
      owner: ownerPerson,
      name: 'a chore',
      schedule: { type: 'at', at: clock.now() + 86_400_000 },
      zone: 'UTC',
      except: [],
      endAt: null,
      maxRuns: null,
      payload: { kind: 'chore', chore: 'vacuum' },
      deliver: { to: 'nowhere' },
      missed: { policy: 'once', max: 1, maxLatenessMs: null },
      jitterMs: 0,
      maxAttempts: 1,
      origin: { kind: 'system', id: 'gateway', role: 'owner', tainted: null },
      nextAt: clock.now() + 86_400_000,
      createdAt: clock.now(),
    },
    1,
  );
  const life = new ScheduleLife(store, clock, 'node');
  await life.start();
  await clock.advance(pollMs);
  const before = life.asked.length;
  await clock.advance(polls * pollMs);
  assert.deepEqual(
    life.asked.slice(before),
    Array.from({ length: polls }, () => 'nextTaskAt'),
  );
  await life.stop();
});
