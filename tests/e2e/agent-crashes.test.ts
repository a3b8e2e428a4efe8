/** A slice of `npm run prove -- agent`, small enough for every run of the tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent, toolSteps } from './proofs/agent.ts';

test('killed while tools do things, the gateway answers every question once and does nothing twice that cannot be repeated', async () => {
  assert.deepEqual((await agent(4, toolSteps)).violations, []);
});
