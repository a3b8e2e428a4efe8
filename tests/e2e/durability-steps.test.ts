/** A slice of `npm run prove`, beside those of durability.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steps } from './proofs/steps.ts';

test('a kill at any named step of a message loses nothing and doubles nothing', async () => {
  assert.deepEqual((await steps()).violations, []);
});
