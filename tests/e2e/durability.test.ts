/** Slices of `npm run prove`, small enough for every run of the tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acks } from './proofs/acks.ts';
import { crash } from './proofs/crash.ts';
import { drain } from './proofs/drain.ts';

test('five kills under load lose nothing, double nothing and leave nothing open', async () => {
  assert.deepEqual((await crash(5)).violations, []);
});

test('kills lose and double as little where Telegram delivers by itself', async () => {
  assert.deepEqual((await crash(2, { webhook: true })).violations, []);
});

test('a stop with open streams ends in time and loses none of them', async () => {
  assert.deepEqual((await drain(30, 10_000)).violations, []);
});

test('nothing is acknowledged before its fsync', async (t) => {
  const proof = await acks(2);
  if (proof.skipped !== undefined) return t.skip(proof.skipped);
  assert.deepEqual(proof.violations, []);
});
