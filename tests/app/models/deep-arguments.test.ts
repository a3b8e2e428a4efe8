import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nestedDeeperThan } from '../../../src/core/json-depth.ts';
import type { JsonObject } from '../../../src/core/message.ts';
import { answering, asking, calling, calls } from '../../support/asking.ts';

test('arguments that are nested so deeply that reading them would end the run are an error result, and the run goes on', async (t) => {
  const deep = JSON.parse(`{"to":${'['.repeat(100_000)}${']'.repeat(100_000)}}`) as JsonObject;
  const rig = await asking(t, [calling(calls('save', deep)), answering('Never mind.')]);
  assert.match(await rig.say('do save it'), /Never mind\.$/);
  assert.match(JSON.stringify(rig.provider.requests[1]?.messages), /nested/);
  assert.deepEqual(rig.done, []);
});

test('depth is counted through lists and objects alike', () => {
  const value = { a: [{ b: 1 }], c: 'text' };
  assert.equal(nestedDeeperThan(value, 3), false);
  assert.equal(nestedDeeperThan(value, 2), true);
  assert.equal(nestedDeeperThan({}, 1), false);
});
