import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MemoryBus } from '../../../src/adapters/bus/memory.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { Delivery } from '../../../src/app/delivery/delivery.ts';
import type { GatewayEvent } from '../../../src/core/events.ts';
import type { ConversationRef } from '../../../src/core/message.ts';
import type { NewOutbound, OutboxRow, Store } from '../../../src/core/ports/store.ts';
import type { Clock } from '../../../src/core/ports/system.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { ScriptedChannel } from '../../support/scripted-channel.ts';
import { freshStore } from '../../support/store.ts';

/** Real time, but every wait is a hundred times shorter: nothing here depends on how long a pause is. */
const hasty: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};

const chat = (native: string): ConversationRef => ({ channel: 'scripted', account: 'main', native });

let ids = 0;
function part(native: string, text: string, over: Partial<NewOutbound> = {}): NewOutbound {
  const id = `out_${++ids}`;
  return {
    id,
    idempotencyKey: id,
    runId: null,
    sessionKey: null,
    owner: 'owner',
    conversation: chat(native),
    chatType: 'direct',
    replyTo: null,
    part: 0,
    body: { text, spans: [] },
    correlation: id,
    createdAt: Date.now(),
    expiresAt: Date.now() + 3_600_000,
    ...over,
  };
}

async function rig(
  t: TestContext,
  clock: Clock = hasty,
): Promise<{ store: Store; bus: MemoryBus; delivery: Delivery; channel: ScriptedChannel; detach: AbortController }> {
  const store = await freshStore(t);
  const metrics = new CountedMetrics();
  const bus = new MemoryBus(clock, metrics);
  const delivery = new Delivery({ store, bus, clock, log: new KeptLog(), metrics, crash: () => undefined });
  const channel = new ScriptedChannel();
  const detach = new AbortController();
  t.after(async () => {
    detach.abort(new Error('over'));
    await delivery.stop(1000);
  });
  return { store, bus, delivery, channel, detach };
}

async function sent(store: Store, delivery: Delivery, rows: NewOutbound[]): Promise<OutboxRow[]> {
  await store.planOutbound(rows);
  for (const row of rows) delivery.wake(row.conversation, row.chatType);
  return Promise.all(rows.map(({ id }) => delivery.settled(id)));
}

test('the parts of one conversation arrive in order and once', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  delivery.attach(channel, detach.signal);
  const rows = await sent(
    store,
    delivery,
    ['a', 'b', 'c', 'd'].map((text) => part('1', text)),
  );
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['sent', 'sent', 'sent', 'sent'],
  );
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts),
    [['a'], ['b'], ['c'], ['d']],
  );
});

test('a message that is planned while the delivery looks for what is due next is not left behind', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const second = part('1', 'second');
  const look = store.dueConversations.bind(store);
  store.dueConversations = async (...about) => {
    const due = await look(...about);
    if (channel.shown.length === 1 && (await store.outbound(second.id)) === null) {
      await store.planOutbound([second]);
      delivery.wake(second.conversation, second.chatType);
    }
    return due;
  };
  delivery.attach(channel, detach.signal);
  await sent(store, delivery, [part('1', 'first')]);
  assert.equal((await delivery.settled(second.id)).state, 'sent');
});

test('a chat that must wait does not hold up the others', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 30_000, detail: '429' });
  delivery.attach(channel, detach.signal);
  const first = part('1', 'slow');
  await store.planOutbound([first]);
  delivery.wake(first.conversation, 'direct');
  const bus = sent(store, delivery, [part('2', 'quick')]);
  const [row] = await bus;
  assert.equal(row?.state, 'sent');
  assert.equal((await store.outbound(first.id))?.state, 'planned');
  assert.equal((await store.outbound(first.id))?.attempts, 0, 'a rate limit costs no attempt');
});

test('an answer that was lost is sent once more with a mark, then left as uncertain', async (t) => {
  const { store, bus, delivery, channel, detach } = await rig(t);
  channel.script.push('take_but_lose_the_answer', 'take_but_lose_the_answer');
  delivery.attach(channel, detach.signal);
  const events: GatewayEvent[] = [];
  const subscription = bus.subscribe('test', { types: ['delivery.uncertain'] });
  const [row] = await sent(store, delivery, [part('1', 'hello')]);
  subscription.close();
  for await (const event of subscription) events.push(event);
  assert.equal(row?.state, 'uncertain');
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts[0]),
    ['hello', 'hello\n\n(sent again after an interruption)'],
  );
  assert.equal(events.length, 1);
});

test('refused formatting is delivered as plain text', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'bad_format', detail: 'entities' });
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [
    part('1', 'bold', { body: { text: 'bold', spans: [{ style: 'bold', offset: 0, length: 4 }] } }),
  ]);
  assert.equal(row?.state, 'sent');
  assert.equal(row?.plain, true);
});

test('a permanent refusal is a dead letter and what comes after it still goes out', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'refused', code: 'blocked', detail: 'the bot was blocked' });
  delivery.attach(channel, detach.signal);
  const rows = await sent(store, delivery, [part('1', 'a'), part('1', 'b')]);
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['dead', 'sent'],
  );
  assert.equal((await store.deadLetters({ limit: 10 })).items.length, 1);
});

test('what has become too old is never sent', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [part('1', 'old', { expiresAt: Date.now() - 1 })]);
  assert.equal(row?.state, 'dead');
  assert.equal(channel.calls.length, 0);
});

test('a chat that moved is followed, its waiting parts too', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'moved', native: '-200', detail: 'migrated' });
  delivery.attach(channel, detach.signal);
  const rows = await sent(store, delivery, [
    part('-100', 'a', { chatType: 'group' }),
    part('-100', 'b', { chatType: 'group' }),
  ]);
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['sent', 'sent'],
  );
  assert.deepEqual(
    channel.shown.map(({ chat: native }) => native),
    ['-200', '-200'],
  );
});

test('rows planned while no channel was there go out when it is attached', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const row = part('1', 'patience');
  await store.planOutbound([row]);
  delivery.wake(row.conversation, 'direct');
  const settled = delivery.settled(row.id);
  delivery.attach(channel, detach.signal);
  assert.equal((await settled).state, 'sent');
});

test('a send cut by a crash is repeated once with a mark; an edit is simply repeated', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const cut = part('1', 'cut');
  await store.planOutbound([cut]);
  await store.claimSend(cut.conversation, Date.now());
  const stream = await store.openStream(part('2', 'half'));
  await store.setStreamRef(stream.id, '77');
  channel.shown.push({ chat: '2', ref: '77', texts: ['half'] });
  await delivery.start();
  const settled = delivery.settled(cut.id);
  delivery.attach(channel, detach.signal);
  const row = await settled;
  assert.equal(row.state, 'sent');
  assert.equal(row.resent, true);
  assert.match(channel.shown.find(({ chat: native }) => native === '1')?.texts[0] ?? '', /^cut\n\n\(sent again/);
});
