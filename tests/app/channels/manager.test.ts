import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ChannelManager, type ChannelPlan } from '../../../src/app/channels/manager.ts';
import type { Channel } from '../../../src/core/ports/channel.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { messagePath } from '../../support/message-path.ts';
import { ScriptedChannel } from '../../support/scripted-channel.ts';

/** Counts what it is told to do, and remembers whether it runs. */
class CountedChannel extends ScriptedChannel {
  starts = 0;
  stops = 0;
  sick = false;
  override start(...about: Parameters<ScriptedChannel['start']>): void {
    this.starts += 1;
    super.start(...about);
  }
  override stop(): Promise<void> {
    this.stops += 1;
    return Promise.resolve();
  }
  override health(): ReturnType<ScriptedChannel['health']> {
    if (this.sick) throw new Error('no pulse');
    return super.health();
  }
}

async function rig(t: TestContext) {
  const path = await messagePath(t);
  const manager = new ChannelManager({ ...path, metrics: new CountedMetrics() });
  const built: CountedChannel[] = [];
  const plan = (account: string, fingerprint: string, create?: () => Promise<Channel>): ChannelPlan => ({
    id: `scripted:${account}`,
    fingerprint,
    stream: true,
    create:
      create ??
      (async () => {
        const channel = new CountedChannel('scripted', account);
        built.push(channel);
        return channel;
      }),
  });
  t.after(() => manager.stop(100));
  const states = (): string[] => manager.status().map(({ id, health }) => `${id} ${health.state}`);
  return { ...path, manager, built, plan, states };
}

test('an account that is to begin is known before it runs, and nothing says that there is none', async (t) => {
  const { manager, built, plan, states } = await rig(t);
  manager.expect([plan('a', '1')]);
  assert.deepEqual(states(), ['scripted:a stopped']);
  assert.throws(() => manager.resolve('scripted:a'), { code: 'channel_stopped', retryable: true });
  await manager.configure([plan('a', '1')]);
  assert.equal(built.length, 1);
  assert.equal(manager.resolve('scripted:a'), built[0]);
});

test('a reload leaves alone what did not change and swaps only the account whose token did', async (t) => {
  const { manager, built, plan } = await rig(t);
  await manager.configure([plan('a', '1'), plan('b', '1')]);
  await manager.configure([plan('a', '1'), plan('b', '2')]);
  assert.deepEqual(
    built.map(({ account, starts, stops }) => [account, starts, stops]),
    [
      ['a', 1, 0],
      ['b', 1, 1],
      ['b', 1, 0],
    ],
  );
  assert.equal(manager.get('scripted:a'), built[0]);
  assert.equal(manager.get('scripted:b'), built[2]);
  await manager.configure([plan('a', '1')]);
  assert.equal(built[2]?.stops, 1);
  assert.equal(manager.get('scripted:b'), null);
});

test('a channel that cannot be built or started is shown with its reason and harms no other', async (t) => {
  const { manager, plan, states } = await rig(t);
  const broken = new CountedChannel('scripted', 'c');
  broken.start = () => {
    throw new Error('no such host');
  };
  await manager.configure([
    plan('a', '1', () => Promise.reject(new Error('the token is empty'))),
    plan('b', '1'),
    plan('c', '1', () => Promise.resolve(broken)),
  ]);
  assert.deepEqual(states(), ['scripted:a fatal', 'scripted:b connected', 'scripted:c fatal']);
  assert.match(manager.status()[0]?.health.detail ?? '', /token is empty/);
  assert.throws(() => manager.resolve('scripted:a'), { code: 'channel_stopped' });
});

test('what could not be started is tried again by itself', async (t) => {
  const { manager, plan, states, event } = await rig(t);
  let attempts = 0;
  await manager.configure([
    plan('a', '1', () =>
      ++attempts < 2
        ? Promise.reject(new Error('the disk is full'))
        : Promise.resolve(new CountedChannel('scripted', 'a')),
    ),
  ]);
  assert.deepEqual(states(), ['scripted:a fatal']);
  const watching = manager.watch();
  await event('channel.state', ({ state }) => state === 'connected');
  assert.deepEqual(states(), ['scripted:a connected']);
  await manager.stop(100);
  await watching;
});

test('an account that a reload takes away is told in the log, once', async (t) => {
  const { plan, ...path } = await rig(t);
  const log = new KeptLog();
  const manager = new ChannelManager({ ...path, log, metrics: new CountedMetrics() });
  t.after(() => manager.stop(100));
  await manager.configure([plan('a', '1'), plan('b', '1')]);
  const watching = manager.watch();
  await manager.configure([plan('a', '1')]);
  const told = (): string[] => log.lines.flatMap(({ message }) => (message.endsWith('any more') ? [message] : []));
  while (told().length === 0) await path.clock.sleep(5);
  await path.clock.sleep(5);
  assert.deepEqual(told(), ['scripted:b is not configured any more']);
  await manager.stop(100);
  await watching;
});

test('a channel that cannot tell its health breaks neither the watch nor the status', async (t) => {
  const { manager, built, plan, event } = await rig(t);
  await manager.configure([plan('a', '1'), plan('b', '1')]);
  const [sick] = built;
  assert.ok(sick !== undefined);
  sick.sick = true;
  const watching = manager.watch();
  const { detail } = await event('channel.state', ({ channel }) => channel === 'scripted:a');
  assert.match(detail, /no pulse/);
  await event('channel.state', ({ channel, state }) => channel === 'scripted:b' && state === 'connected');
  assert.equal(manager.status()[0]?.health.state, 'degraded');
  sick.sick = false;
  await event('channel.state', ({ channel, state }) => channel === 'scripted:a' && state === 'connected');
  await manager.stop(100);
  await watching;
});

test('a paused account stays paused over a reload until it is resumed', async (t) => {
  const { manager, built, plan, states } = await rig(t);
  await manager.configure([plan('a', '1')]);
  assert.equal((await manager.act('scripted:a', 'pause')).health.state, 'stopped');
  await manager.configure([plan('a', '2')]);
  assert.deepEqual(states(), ['scripted:a stopped']);
  assert.equal((await manager.act('scripted:a', 'resume')).health.state, 'connected');
  assert.deepEqual(
    built.map(({ starts, stops }) => [starts, stops]),
    [
      [1, 1],
      [1, 0],
    ],
  );
  await assert.rejects(manager.act('scripted:z', 'start'), { kind: 'not_found' });
});

test('reloads and starts at the same time never run an account twice', async (t) => {
  const { manager, built, plan } = await rig(t);
  await Promise.all([
    manager.configure([plan('a', '1')]),
    manager.configure([plan('a', '1')]),
    manager.configure([plan('a', '2')]),
    manager.configure([plan('a', '2')]),
  ]);
  await Promise.all([manager.act('scripted:a', 'start'), manager.act('scripted:a', 'start')]);
  assert.equal(built.length, 2);
  assert.equal(built.filter(({ starts, stops }) => starts > stops).length, 1);
});

test('an account that is still being built when the gateway stops is not started any more', async (t) => {
  const { manager, plan } = await rig(t);
  const late = new CountedChannel('scripted', 'a');
  const { promise, resolve } = Promise.withResolvers<Channel>();
  const configured = manager.configure([plan('a', '1', () => promise)]);
  await manager.stop(100);
  resolve(late);
  await configured;
  assert.equal(late.starts, 0);
});

test('a hook reaches its account; unknown names are nobody, what does not run yet or any more is asked to wait', async (t) => {
  const { manager, built, plan } = await rig(t);
  const request = { method: 'POST', headers: {}, query: new URLSearchParams(), body: new Uint8Array() } as const;
  const unavailable = { code: 'unavailable', retryAfterMs: 10_000 };
  // Before the configuration is in force nobody can say which names exist.
  await assert.rejects(manager.hook('scripted/a', request), unavailable);
  const webhook = { ...plan('a', '1'), id: 'webhook:orders' };
  await manager.configure([plan('a', '1'), webhook]);
  for (const [index, channel] of built.entries()) {
    Object.assign(channel, { hook: () => Promise.resolve({ status: 200, body: String(index) }) });
  }
  assert.equal((await manager.hook('scripted/a', request))?.body, '0');
  assert.equal((await manager.hook('orders', request))?.body, '1');
  for (const name of ['webhook/orders', 'a', 'scripted/b', 'scripted/', '/a', '']) {
    assert.equal(await manager.hook(name, request), null, name);
  }
  await manager.act('scripted:a', 'pause');
  await assert.rejects(manager.hook('scripted/a', request), unavailable);
  await manager.act('scripted:a', 'resume');
  assert.equal(await manager.hook('scripted/a', request), null, 'a channel without hooks takes none');
});

test('an answer written while its account is paused fits the account; one that is gone has plain limits', async (t) => {
  const { manager, plan } = await rig(t);
  const channel = new CountedChannel('scripted', 'a', { text: { maxLength: 160, maxSpans: 5 }, correlates: true });
  await manager.configure([plan('a', '1', () => Promise.resolve(channel))]);
  assert.equal(manager.limits('scripted', 'a').stream, true);
  await manager.act('scripted:a', 'pause');
  const { text, correlates, stream } = manager.limits('scripted', 'a');
  assert.deepEqual([text.maxLength, correlates, stream], [160, true, false]);
  await manager.configure([]);
  assert.equal(manager.limits('scripted', 'a').text.maxLength, 2000);
});
