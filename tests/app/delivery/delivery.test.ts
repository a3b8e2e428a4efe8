import { wordsIn } from '../../../src/core/notices/index.ts';
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MemoryBus } from '../../../src/adapters/bus/memory.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { Delivery } from '../../../src/app/delivery/delivery.ts';
import { markedAsRepeat, withRoomForMark } from '../../../src/app/delivery/repeat-mark.ts';
import type { GatewayEvent } from '../../../src/core/events.ts';
import type { ConversationRef } from '../../../src/core/message.ts';
import type { Channel } from '../../../src/core/ports/channel.ts';
import type { NewOutbound, OutboxRow } from '../../../src/core/ports/outbox-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { Clock } from '../../../src/core/ports/system.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { hasty } from '../../support/message-path.ts';
import { ScriptedChannel } from '../../support/scripted-channel.ts';
import { freshStore } from '../../support/store.ts';

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
    createdAt: hasty.now(),
    expiresAt: hasty.now() + 3_600_000,
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
  const delivery = new Delivery({
    store,
    bus,
    clock,
    log: new KeptLog(),
    metrics,
    crash: () => undefined,
    readFile: () => Promise.resolve(null),
  });
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

test('a message that is planned while the delivery looks for more is not left behind', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const second = part('1', 'second');
  const claim = store.claimSend.bind(store);
  store.claimSend = async (...about) => {
    const row = await claim(...about);
    if (row === null && (await store.outbound(second.id)) === null) {
      await store.planOutbound([second]);
      delivery.wake(second.conversation, second.chatType);
    }
    return row;
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
  assert.equal((await store.deadLetters(null, { limit: 10 })).items.length, 1);
});

test('what has become too old is never sent', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [part('1', 'old', { expiresAt: hasty.now() - 1 })]);
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
  await store.claimSend(cut.conversation, hasty.now());
  const stream = await store.openStream(part('2', 'half'));
  assert.ok(stream);
  await store.setStreamRef(stream.id, '77');
  channel.shown.push({ chat: '2', ref: '77', texts: ['half'] });
  const unseen = await store.openStream(part('3', 'half'));
  assert.ok(unseen);
  await delivery.start();
  assert.equal((await store.outbound(unseen.id))?.resent, true, 'its first piece may stand there already');
  const settled = delivery.settled(cut.id);
  delivery.attach(channel, detach.signal);
  const row = await settled;
  assert.equal(row.state, 'sent');
  assert.equal(row.resent, true);
  assert.match(channel.shown.find(({ chat: native }) => native === '1')?.texts[0] ?? '', /^cut\n\n\(sent again/);
});

test('where the platform drops doubles by itself, what a crash cut is sent again to the letter', async (t) => {
  const { store, delivery, detach } = await rig(t);
  const native = new ScriptedChannel('scripted', 'main', { idempotentSend: 'native' });
  const cut = part('1', 'cut');
  await store.planOutbound([cut]);
  await store.claimSend(cut.conversation, hasty.now());
  await delivery.start();
  const settled = delivery.settled(cut.id);
  delivery.attach(native, detach.signal);
  assert.equal((await settled).state, 'sent');
  assert.deepEqual(native.shown[0]?.texts, ['cut']);
});

test('what a platform took for a message it had is made whole, as that may have been its beginning', async (t) => {
  const { store, delivery, detach } = await rig(t);
  const native = new ScriptedChannel('scripted', 'main', { idempotentSend: 'native' });
  native.shown.push({ chat: '1', ref: '7', texts: ['The first'] });
  native.script.push({ ok: false, kind: 'ambiguous', detail: 'the answer was lost' });
  const cut = part('1', 'The first words and the rest');
  await store.planOutbound([cut]);
  await store.claimSend(cut.conversation, hasty.now());
  await delivery.start();
  native.script.splice(0, 1, { ok: true, ref: '7' });
  const settled = delivery.settled(cut.id);
  delivery.attach(native, detach.signal);
  assert.equal((await settled).ref, '7');
  assert.deepEqual(native.shown[0]?.texts, ['The first', 'The first words and the rest']);
});

test('a channel that throws may have sent all the same: once more with a mark', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const send = channel.send.bind(channel);
  let bugs = 1;
  channel.send = (...about) => (bugs-- > 0 ? Promise.reject(new TypeError('a bug')) : send(...about));
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [part('1', 'hello')]);
  assert.deepEqual([row?.state, row?.resent], ['sent', true]);
  assert.match(channel.shown[0]?.texts[0] ?? '', /sent again/);
});

test('a send that is found on the platform is not repeated, and what was only its beginning is made whole', async (t) => {
  const { store, delivery, detach } = await rig(t);
  const channel = new ScriptedChannel('scripted', 'main', { idempotentSend: 'lookup' });
  Object.assign(channel, {
    findSent: () => Promise.resolve(channel.shown[0]?.ref ?? null),
  } satisfies Pick<Channel, 'findSent'>);
  channel.shown.push({ chat: 'a', ref: '7', texts: ['The first'] });
  channel.script.push({ ok: false, kind: 'ambiguous', detail: 'the answer was lost' });
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [part('a', 'The first words and the rest')]);
  assert.deepEqual([row?.state, row?.ref], ['sent', '7']);
  assert.deepEqual(channel.shown, [{ chat: 'a', ref: '7', texts: ['The first', 'The first words and the rest'] }]);
});

test('what became of a send is kept until the store takes it, so nothing is sent twice and no chat stands still', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const record = store.recordSend.bind(store);
  let refusals = 3;
  store.recordSend = (...about) => (refusals-- > 0 ? Promise.reject(new Error('the disk is full')) : record(...about));
  delivery.attach(channel, detach.signal);
  const rows = await sent(store, delivery, [part('1', 'a'), part('1', 'b')]);
  assert.deepEqual(
    rows.map(({ state, attempts, resent }) => [state, attempts, resent]),
    [
      ['sent', 1, false],
      ['sent', 1, false],
    ],
  );
  assert.equal(channel.calls.length, 2);
});

test('a store that cannot be asked what to send is asked again', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const claim = store.claimSend.bind(store);
  let refusals = 2;
  store.claimSend = (...about) => (refusals-- > 0 ? Promise.reject(new Error('the disk is full')) : claim(...about));
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [part('1', 'a')]);
  assert.equal(row?.state, 'sent');
});

test('an account whose platform hangs takes no place from another account', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const { promise: never, resolve: release } = Promise.withResolvers<void>();
  const hung = new ScriptedChannel('scripted', 'hung');
  hung.gate = never;
  delivery.attach(hung, detach.signal);
  delivery.attach(channel, detach.signal);
  const stuck = Array.from({ length: 200 }, (_, n) =>
    part(String(n), 'stuck', { conversation: { channel: 'scripted', account: 'hung', native: String(n) } }),
  );
  await store.planOutbound(stuck);
  for (const { conversation } of stuck) delivery.wake(conversation, 'direct');
  const [row] = await sent(store, delivery, [part('1', 'quick')]);
  assert.equal(row?.state, 'sent');
  release();
});

test('two hundred conversations are served while one of them is blocked', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 900_000, detail: '429' });
  delivery.attach(channel, detach.signal);
  const blocked = part('blocked', 'x');
  await store.planOutbound([blocked]);
  delivery.wake(blocked.conversation, 'direct');
  const rows = await sent(
    store,
    delivery,
    Array.from({ length: 199 }, (_, n) => part(String(n), 'x')),
  );
  assert.ok(rows.every(({ state }) => state === 'sent'));
  assert.equal((await store.outbound(blocked.id))?.state, 'planned');
});

/** Sends that are under way wait until they are released; as fast as they come. */
async function heldRig(t: TestContext) {
  const { store, delivery, detach } = await rig(t);
  const pace = { accountPerSecond: 10_000, conversationPerSecond: 1, groupPerMinute: 20 };
  const channel = new ScriptedChannel('scripted', 'main', { pace });
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  channel.gate = hold;
  delivery.attach(channel, detach.signal);
  return { store, delivery, channel, release };
}

// The rest of so many is kept in mind, or looked up when there is room.
for (const count of [200, 400])
  test(`of ${count} conversations sixty-four are served at a time, and the rest after them`, async (t) => {
    const { store, delivery, channel, release } = await heldRig(t);
    const rows = sent(
      store,
      delivery,
      Array.from({ length: count }, (_, n) => part(String(n), 'x')),
    );
    while (channel.calls.length < 64) await systemClock.sleep(1);
    await systemClock.sleep(5);
    assert.equal(channel.calls.length, 64);
    release();
    assert.ok((await rows).every(({ state }) => state === 'sent'));
  });

test('conversations that must wait long hold no places', async (t) => {
  const { store, delivery, channel, release } = await heldRig(t);
  release();
  const blocked = Array.from({ length: 64 }, (_, n) => part(`blocked ${n}`, 'x'));
  for (let n = 0; n < 64; n++)
    channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 900_000, detail: '' });
  await store.planOutbound(blocked);
  for (const { conversation } of blocked) delivery.wake(conversation, 'direct');
  while (channel.calls.length < 64) await systemClock.sleep(1);
  const begun = hasty.now();
  const [row] = await sent(store, delivery, [part('free', 'quick')]);
  assert.equal(row?.state, 'sent');
  assert.ok(hasty.now() - begun < 800_000);
});

test('topics of a chat that must wait wait with it, and nothing is tried before its time', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const at: number[] = [];
  const send = channel.send.bind(channel);
  channel.send = (...about) => {
    at.push(hasty.now());
    return send(...about);
  };
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 30_000, detail: '' });
  delivery.attach(channel, detach.signal);
  const [first, second] = [part('1', 'a'), part('1', 'b', { conversation: { ...chat('1'), thread: 'topic' } })];
  await store.planOutbound([first]);
  delivery.wake(first.conversation, 'direct');
  while ((await store.outbound(first.id))?.error === null) await systemClock.sleep(1);
  await sent(store, delivery, [second]);
  await delivery.settled(first.id);
  assert.ok(at.slice(1).every((time) => time - (at[0] ?? 0) >= 30_000));

  const before = at.length;
  channel.script.push({ ok: false, kind: 'transient', detail: 'busy' });
  const third = part('3', 'c');
  await store.planOutbound([third]);
  const settled = delivery.settled(third.id);
  for (let waking = true; waking; await systemClock.sleep(1)) {
    delivery.wake(third.conversation, 'direct');
    waking = (await store.outbound(third.id))?.state !== 'sent';
  }
  await settled;
  assert.ok((at[before + 1] ?? 0) - (at[before] ?? 0) >= 1000, 'however often it is woken');
});

test('what is due soon does not wait for what is due late', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 900_000, detail: '' });
  delivery.attach(channel, detach.signal);
  const late = part('late', 'x');
  await store.planOutbound([late]);
  delivery.wake(late.conversation, 'direct');
  while ((await store.outbound(late.id))?.error === null) await systemClock.sleep(1);
  channel.script.push({ ok: false, kind: 'transient', detail: 'busy' });
  const begun = hasty.now();
  const [row] = await sent(store, delivery, [part('soon', 'x')]);
  assert.equal(row?.state, 'sent');
  assert.ok(hasty.now() - begun < 30_000);
});

test('to ask for a chat in vain costs the others nothing of their pace', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 900_000, detail: '' });
  delivery.attach(channel, detach.signal);
  const blocked = part('blocked', 'x');
  await store.planOutbound([blocked]);
  delivery.wake(blocked.conversation, 'direct');
  while ((await store.outbound(blocked.id))?.error === null) await systemClock.sleep(1);
  for (let n = 0; n < 300; n++) {
    delivery.wake(blocked.conversation, 'direct');
    delivery.wake(chat(`empty ${n}`), 'direct');
    await store.outbound(blocked.id);
  }
  assert.equal(delivery.lane(chat('x'))?.pacer.crowded, false);
});

test('files give way to texts while the account is busy, but not for ever', async (t) => {
  const { store, delivery, detach } = await rig(t);
  const pace = { accountPerSecond: 1, conversationPerSecond: 1, groupPerMinute: 20 };
  const channel = new ScriptedChannel('scripted', 'main', { pace });
  delivery.attach(channel, detach.signal);
  const file = { id: 'file_1', mimeType: 'text/plain', size: 1 };
  const carrying = (native: string, age: number): NewOutbound =>
    part(native, native, { body: { text: native, spans: [], file }, createdAt: hasty.now() - age });
  const texts = Array.from({ length: 5 }, (_, n) => part(`text ${n}`, 'x'));
  const outcomes = sent(store, delivery, [carrying('old', 31_000), carrying('new', 0), ...texts]);
  const [old, fresh, ...others] = await outcomes;
  const order = (row: OutboxRow | undefined): number => row?.finishedAt ?? 0;
  assert.ok(others.filter((row) => order(row) < order(fresh)).length >= 4, 'texts went first');
  assert.ok(others.filter((row) => order(row) < order(old)).length <= 1, 'an old file did not wait');
});

test('an account that was begun anew is not lost when its former self ends', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const former = new AbortController();
  delivery.attach(new ScriptedChannel(), former.signal);
  delivery.attach(channel, detach.signal);
  former.abort(new Error('replaced'));
  const [row] = await sent(store, delivery, [part('1', 'x')]);
  assert.equal(row?.state, 'sent');
});

test('while a whole account must wait, the store is not asked over and over', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const { counted, asked } = counting(store);
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'account', retryAfterMs: 60_000, detail: '429' });
  delivery.attach(channel, detach.signal);
  const rows = await sent(
    counted,
    delivery,
    Array.from({ length: 20 }, (_, n) => part(String(n), 'x')),
  );
  assert.ok(rows.every(({ state }) => state === 'sent'));
  assert.ok(asked() < 40, `the due conversations were listed ${asked()} times`);
});

test('a refused token is tried once for the whole account, and what waits for another goes out as soon as it is there', async (t) => {
  const { store, delivery, channel, detach } = await rig(t, systemClock);
  channel.script.push({ ok: false, kind: 'refused', code: 'bad_token', detail: 'Unauthorized' });
  const first = new AbortController();
  delivery.attach(channel, first.signal);
  const rows = ['1', '2'].map((native) =>
    part(native, 'x', { createdAt: Date.now(), expiresAt: Date.now() + 3_600_000 }),
  );
  const [one, two] = rows;
  assert.ok(one && two);
  await store.planOutbound([one]);
  delivery.wake(chat('1'), 'direct');
  while ((await store.outbound(one.id))?.error === null) await systemClock.sleep(1);
  await store.planOutbound([two]);
  delivery.wake(chat('2'), 'direct');
  await systemClock.sleep(5);
  assert.equal(channel.calls.length, 1);
  first.abort(new Error('the token changed'));
  const mended = new ScriptedChannel();
  delivery.attach(mended, detach.signal);
  const settled = await Promise.all(rows.map(({ id }) => delivery.settled(id)));
  assert.deepEqual(
    settled.map(({ state }) => state),
    ['sent', 'sent'],
  );
});

test('a platform that cannot be reached for long loses nothing and is not asked for every chat at once', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  for (let n = 0; n < 26; n++) channel.script.push({ ok: false, kind: 'unreachable', detail: 'ECONNREFUSED' });
  delivery.attach(channel, detach.signal);
  const begun = hasty.now();
  const [row] = await sent(store, delivery, [part('1', 'patience')]);
  assert.deepEqual([row?.state, row?.resent, row?.attempts], ['sent', false, 1]);
  assert.ok(hasty.now() - begun > 300_000, 'the account rested between the attempts');
});

test('rows behind a send that outlives its channel go out through the next one', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  channel.gate = hold;
  const first = new AbortController();
  delivery.attach(channel, first.signal);
  const rows = [part('1', 'a'), part('1', 'b')];
  await store.planOutbound(rows);
  delivery.wake(chat('1'), 'direct');
  while (channel.calls.length === 0) await systemClock.sleep(1);
  first.abort(new Error('the token changed'));
  const next = new ScriptedChannel();
  delivery.attach(next, detach.signal);
  await systemClock.sleep(5);
  release();
  const settled = await Promise.all(rows.map(({ id }) => delivery.settled(id)));
  assert.deepEqual(
    settled.map(({ state }) => state),
    ['sent', 'sent'],
  );
  assert.deepEqual(
    next.shown.map(({ texts }) => texts),
    [['b']],
  );
});

test('two chats that each say they became the other do not keep a message going for ever', async (t) => {
  const { store, delivery, channel, detach } = await rig(t);
  for (let n = 0; n < 10; n++) {
    channel.script.push({ ok: false, kind: 'moved', native: n % 2 === 0 ? '2' : '1', detail: 'migrated' });
  }
  delivery.attach(channel, detach.signal);
  const [row] = await sent(store, delivery, [part('1', 'where to?')]);
  assert.equal(row?.state, 'dead');
  assert.equal(channel.calls.length, 5);
});

test('who waits for rows that never settle takes bounded memory', async (t) => {
  const { store, delivery } = await rig(t);
  const rows = Array.from({ length: 1001 }, (_, n) => part(String(n), 'x'));
  await store.planOutbound(rows);
  const first = delivery.settled(rows[0]?.id ?? '');
  await systemClock.sleep(0);
  for (const { id } of rows.slice(1)) void delivery.settled(id).catch(() => undefined);
  await assert.rejects(first, { code: 'delivery_pending', retryable: true });
});

test('a repeat of a part that is as long as parts get can still be marked', () => {
  const whole = { maxLength: 4096, maxSpans: 100 };
  const limits = withRoomForMark(whole);
  const body = { text: 'x'.repeat(limits.maxLength), spans: [] };
  assert.match(markedAsRepeat(body, whole, wordsIn('en')).text, /sent again/);
  assert.ok(markedAsRepeat(body, whole, wordsIn('de')).text.length <= 4096);
  const escaped = { ...whole, measure: ({ text }: { text: string }) => 2 * text.length };
  assert.equal(markedAsRepeat(body, escaped, wordsIn('en')).text, body.text, 'markup would make it too long');
});

function counting(store: Store): { counted: Store; asked: () => number } {
  const list = store.dueConversations.bind(store);
  let asked = 0;
  store.dueConversations = (...about) => {
    asked += 1;
    return list(...about);
  };
  return { counted: store, asked: () => asked };
}
