import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sessions } from '../../../src/app/gateway/sessions.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

type Deps = ConstructorParameters<typeof Sessions>[0];

test('stale sessions are closed in steps until none is left: one’s own, with admin everybody’s', async () => {
  const clock = new VirtualClock();
  const steps: [before: number, owner: string | null, batch: number][] = [];
  let left = 450;
  const closeStale = (...step: (typeof steps)[number]): Promise<number> => {
    steps.push(step);
    const closed = Math.min(left, step[2]);
    left -= closed;
    return Promise.resolve(closed);
  };
  const sessions = new Sessions({ store: { closeStale }, clock } as unknown as Deps);
  const ada: Principal = { kind: 'token', id: 'tok_1', person: 'per_ada', scope: 'manage', name: 'laptop' };
  assert.equal(await sessions.closeStale(ada, 60_000), 450);
  const step = [clock.now() - 60_000, 'per_ada', 200];
  assert.deepEqual(steps, [step, step, step]);
  left = 200;
  assert.equal(await sessions.closeStale({ ...ada, scope: 'admin' }, 1000), 200);
  assert.deepEqual(steps.at(-1), [clock.now() - 1000, null, 200]);
});
