import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBus } from '../../../src/adapters/bus/memory.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import type { GatewayEvent, NewEvent } from '../../../src/core/events.ts';
import type { Subscription } from '../../../src/core/ports/bus.ts';
import { CountedMetrics } from '../../support/door.ts';

const delta = (sessionKey: string, text: string, person = 'owner'): NewEvent => ({
  type: 'run.delta',
  runId: 'run_1',
  text,
  sessionKey,
  person,
});
const state = (channel: string): NewEvent => ({ type: 'channel.state', channel, state: 'connected', detail: '' });

async function rest(subscription: Subscription): Promise<GatewayEvent[]> {
  subscription.close();
  const events: GatewayEvent[] = [];
  for await (const event of subscription) events.push(event);
  return events;
}

test('a subscriber gets the events of its sessions, in order, and no others', async () => {
  const bus = new MemoryBus(systemClock, new CountedMetrics());
  const mine = bus.subscribe('mine', { sessions: ['a'] });
  const all = bus.subscribe('all', {});
  for (const [session, text] of [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
  ] as const)
    bus.publish(delta(session, text));
  assert.deepEqual(
    (await rest(mine)).map((event) => 'text' in event && event.text),
    ['1', '3'],
  );
  assert.equal((await rest(all)).length, 3);
});

test('events of one person never reach a subscriber of another', async () => {
  const bus = new MemoryBus(systemClock, new CountedMetrics());
  const subscription = bus.subscribe('ada', { person: 'ada' });
  bus.publish(delta('a', '1', 'bob'));
  bus.publish(state('telegram:main'));
  bus.publish(delta('b', '2', 'ada'));
  assert.deepEqual(
    (await rest(subscription)).map(({ person }) => person),
    ['ada'],
  );
});

test('a full queue drops the newest, counts it and says so; the others lose nothing', async () => {
  const metrics = new CountedMetrics();
  const bus = new MemoryBus(systemClock, metrics);
  const slow = bus.subscribe('slow', {}, 2);
  const quick = bus.subscribe('quick', {});
  for (let i = 0; i < 5; i++) bus.publish(state(String(i)));
  assert.equal(slow.overflowed, true);
  assert.equal((await rest(slow)).length, 2);
  assert.equal((await rest(quick)).length, 5);
  assert.equal(metrics.values.get('bus_dropped_total{subscriber=slow}'), 3);
});

test('who follows hears what waits and then each event at once, in order and until it closes', () => {
  const bus = new MemoryBus(systemClock, new CountedMetrics());
  const subscription = bus.subscribe('follower', {}, 3);
  const heard: (string | undefined)[] = [];
  bus.publish(delta('a', '1'));
  bus.publish(delta('b', '2'));
  subscription.forward((event) => heard.push(event.sessionKey));
  assert.deepEqual(heard, ['a', 'b']);
  for (const key of ['c', 'd', 'e', 'f']) bus.publish(delta(key, '3'));
  assert.deepEqual(heard, ['a', 'b', 'c', 'd', 'e', 'f']);
  assert.equal(subscription.overflowed, false);
  subscription.close();
  bus.publish(delta('g', '4'));
  assert.equal(heard.length, 6);
});

test('a closed subscription costs nothing any more', async () => {
  const metrics = new CountedMetrics();
  const bus = new MemoryBus(systemClock, metrics);
  await rest(bus.subscribe('gone', { sessions: ['a'] }));
  bus.publish(delta('a', '1'));
  assert.match(metrics.render(), /^bus_queue_depth \[\]$/m);
});

test('what was missed can be had again as long as it is retained, and a hole is never hidden', () => {
  let now = 1000;
  const begin = (): MemoryBus => new MemoryBus({ ...systemClock, now: () => now }, new CountedMetrics());
  const bus = begin();
  const before = 1_000_000;
  for (let i = 0; i < 3; i++) bus.publish(state(String(i)));
  assert.deepEqual(
    bus.since(before + 1, {})?.map(({ seq }) => seq - before),
    [2, 3],
  );
  assert.deepEqual(bus.since(before + 3, {}), []);
  assert.equal(bus.since(before + 4, {}), null, 'a number that was never given');
  for (let i = 0; i < 600; i++) bus.publish(state(String(i)));
  assert.equal(bus.since(before + 1, {}), null);
  assert.equal(bus.since(before + 600, {})?.length, 3);
  for (let i = 0; i < 600; i++) bus.publish(delta('a', String(i)));
  assert.equal(bus.since(before + 600, {})?.length, 3, 'pieces of text push nothing out, and are not retained');

  now += 1;
  const restarted = begin();
  for (let i = 0; i < 600; i++) restarted.publish(state(String(i)));
  assert.equal(restarted.since(before + 603, {}), null, 'a number of the process before');
});

test('a consumer that waits is woken by the next event', async () => {
  const bus = new MemoryBus(systemClock, new CountedMetrics());
  const subscription = bus.subscribe('waiting', {});
  const next = subscription[Symbol.asyncIterator]().next();
  bus.publish(state('x'));
  assert.equal((await next).value.type, 'channel.state');
  subscription.close();
});

test('a subscriber to one run hears nothing of the session beside it, waiting or not', async () => {
  const bus = new MemoryBus(systemClock, new CountedMetrics());
  const subscription = bus.subscribe('run', { sessions: ['a'], runId: 'run_1' });
  const other: NewEvent = { type: 'run.delta', runId: 'run_2', text: 'other', sessionKey: 'a' };
  const waited = subscription[Symbol.asyncIterator]().next();
  for (const event of [other, delta('a', '1'), other, delta('a', '2'), state('x')]) bus.publish(event);
  const events = [(await waited).value as GatewayEvent, ...(await rest(subscription))];
  assert.deepEqual(
    events.map((event) => 'text' in event && event.text),
    ['1', '2'],
  );
});

test('closing ends a wait, and leaving the loop closes', async () => {
  const metrics = new CountedMetrics();
  const bus = new MemoryBus(systemClock, metrics);
  const closed = bus.subscribe('closed', {});
  const waiting = closed[Symbol.asyncIterator]().next();
  closed.close();
  assert.equal((await waiting).done, true);
  const left = bus.subscribe('left', {});
  bus.publish(state('x'));
  for await (const event of left) if (event.type === 'channel.state') break;
  assert.match(metrics.render(), /^bus_queue_depth \[\]$/m);
});
