import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channels } from './proofs/channels.ts';

test('killed again and again under traffic on four platforms, the gateway answers every question once', async () => {
  const { violations } = await channels(3);
  assert.deepEqual(violations, []);
});
