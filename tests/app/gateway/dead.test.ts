import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { noNotice } from '../../../src/core/ports/schedule-store.ts';
import type { Delivery } from '../../../src/app/delivery/delivery.ts';
import { DeadLetters } from '../../../src/app/gateway/dead.ts';
import type { RunQueue } from '../../../src/app/runs/queue.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { chat, noon } from '../../adapters/store/rows.ts';
import { begun, newTask, taskOf } from '../../adapters/store/schedule-rows.ts';
import { freshStore } from '../../support/store.ts';

async function rig(t: TestContext) {
  const store = await freshStore(t);
  const woken: string[] = [];
  const wakes = (what: string) => ({ wake: () => void woken.push(what) });
  const dead = new DeadLetters({
    store,
    clock: systemClock,
    runs: wakes('runs') as unknown as RunQueue,
    delivery: wakes('delivery') as unknown as Delivery,
    tasks: wakes('tasks'),
  });
  const fail = async (more: Parameters<typeof newTask>[1] = {}) => {
    await store.addTask(newTask('task_1', { name: 'Look at the page', ...more }), 9);
    const { id, fence } = await begun(store);
    const error = { kind: 'network', code: 'unreachable', message: 'It cannot be reached.', retryable: false } as const;
    await store.failTask({ id, fence, error, retryAt: null, notice: noNotice, at: noon + 9 });
  };
  return { store, dead, woken, fail };
}

test('a task that failed says what it was, where its result would have gone, and why', async (t) => {
  const { dead, fail } = await rig(t);
  const deliver = {
    to: 'conversation',
    conversation: chat('7'),
    chatType: 'direct',
    sessionKey: 'telegram:main:7',
  } as const;
  await fail({ deliver });
  const letter = {
    id: 'task_1',
    kind: 'task',
    channel: 'telegram:main',
    sessionKey: 'telegram:main:7',
    text: 'Look at the page',
    reason: 'It cannot be reached.',
    attempts: 1,
    at: noon + 9,
  };
  assert.deepEqual((await dead.list('owner', { limit: 9 })).items, [letter]);
  assert.deepEqual(await dead.show('owner', 'task_1'), letter);
  await assert.rejects(dead.show('other', 'task_1'), { code: 'not_found' });
});

test('a result for a client without a chat, or for nobody, names none', async (t) => {
  const { store, dead, fail } = await rig(t);
  await fail();
  const { channel, sessionKey } = await dead.show(null, 'task_1');
  assert.deepEqual([channel, sessionKey], ['', '']);
  await store.addTask(newTask('task_2', { deliver: { to: 'session', sessionKey: 'api:owner:main' } }), 9);
  const { id, fence } = await begun(store);
  const error = { kind: 'network', code: 'x', message: 'x', retryable: false } as const;
  await store.failTask({ id, fence, error, retryAt: null, notice: noNotice, at: noon });
  const session = await dead.show(null, 'task_2');
  assert.deepEqual([session.channel, session.sessionKey], ['', 'api:owner:main']);
});

test('a task that is tried again waits for the runner, who is woken; one that was cleared is not', async (t) => {
  const { store, dead, woken, fail } = await rig(t);
  await fail();
  await assert.rejects(dead.retry('other', 'task_1'), { code: 'not_found' });
  await dead.retry('owner', 'task_1');
  assert.deepEqual(woken, ['tasks']);
  assert.equal((await taskOf(store, 'task_1')).state, 'queued');
  await assert.rejects(dead.retry('owner', 'task_1'), { code: 'not_found' });
  const { id, fence } = await begun(store, { now: systemClock.now() + 1000 });
  const error = { kind: 'network', code: 'x', message: 'x', retryable: false } as const;
  await store.failTask({ id, fence, error, retryAt: null, notice: noNotice, at: noon });
  assert.equal(await dead.clear('owner', 'task_1'), 1);
  await assert.rejects(dead.retry('owner', 'task_1'), { code: 'not_found' });
});
