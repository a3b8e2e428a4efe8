import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Target } from './case.ts';
import { hostileCases, runHostile } from './run.ts';
import { startBare, startDoor } from './targets.ts';

/** They wait for the server's clocks; `npm run hostile` has them all. */
const slow = new Set(['H-37', 'W-03']);
/** Quick ones that Node and ws do not hold by themselves. */
const biting = ['H-01', 'H-10', 'H-15', 'H-21', 'H-26', 'H-27', 'H-28', 'H-30', 'W-01'];

describe('hostile inputs', () => {
  let target: Target;
  before(async () => {
    target = await startDoor();
  });
  after(() => target.stop());

  for (const each of hostileCases.filter(({ id }) => !slow.has(id))) {
    test(`${each.id} ${each.title}`, async () => {
      const [result] = await runHostile(target, [each], () => {});
      assert.equal(result?.failure, null);
    });
  }
});

test('the cases bite: a bare server fails at least eight of them', async () => {
  const bare = await startBare();
  try {
    const results = await runHostile(
      bare,
      hostileCases.filter(({ id }) => biting.includes(id)),
      () => {},
    );
    assert.ok(results.filter(({ failure }) => failure !== null).length >= 8);
  } finally {
    await bare.stop();
  }
});
