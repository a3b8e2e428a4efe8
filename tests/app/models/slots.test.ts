import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxWaiting, Slots } from '../../../src/app/models/slots.ts';

const never = new AbortController().signal;

test('those who wait are served in the order they came', async () => {
  const slots = new Slots('p', 1);
  const first = await slots.acquire(never);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (n) => {
    const release = await slots.acquire(never);
    order.push(n);
    release();
  });
  assert.equal(slots.waiting, 3);
  first();
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2, 3]);
  assert.deepEqual([slots.active, slots.waiting], [0, 0]);
});

test('a slot given back twice is given back once', async () => {
  const slots = new Slots('p', 2);
  const release = await slots.acquire(never);
  await slots.acquire(never);
  release();
  release();
  assert.equal(slots.active, 1);
});

test('who leaves the queue loses neither a slot nor the others their turn', async () => {
  const slots = new Slots('p', 1);
  const release = await slots.acquire(never);
  const abort = new AbortController();
  const leaving = slots.acquire(abort.signal);
  const staying = slots.acquire(never);
  abort.abort(new Error('gone'));
  await assert.rejects(leaving, /gone/);
  release();
  (await staying)();
  assert.equal(slots.active, 0);
});

test('a slot granted in the very moment of an abort is not lost', async () => {
  const slots = new Slots('p', 1);
  const release = await slots.acquire(never);
  const abort = new AbortController();
  const granted = slots.acquire(abort.signal);
  release();
  abort.abort();
  (await granted)();
  assert.equal(slots.active, 0);
});

test('the queue is bounded and says so', async () => {
  const slots = new Slots('p', 1);
  await slots.acquire(never);
  for (let i = 0; i < maxWaiting; i++) void slots.acquire(never);
  await assert.rejects(slots.acquire(never), { code: 'rate_limited', retryable: true });
  assert.equal(slots.waiting, maxWaiting);
});

test('a larger limit lets the waiting in at once, a smaller one leaves the running alone', async () => {
  const slots = new Slots('p', 1);
  const first = await slots.acquire(never);
  const second = slots.acquire(never);
  slots.limit = 2;
  const release = await second;
  slots.limit = 1;
  assert.equal(slots.active, 2);
  first();
  const third = slots.acquire(never);
  assert.equal(slots.waiting, 1);
  release();
  (await third)();
});
