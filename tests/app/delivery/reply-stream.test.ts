import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMarkdown } from '../../../src/adapters/markdown/index.ts';
import { ReplyStream, typingLease } from '../../../src/app/delivery/reply-stream.ts';
import type { NewOutbound, OutboxRow } from '../../../src/core/ports/outbox-store.ts';
import { messagePath, said } from '../../support/message-path.ts';
import { finish, start, text } from '../../support/scripted-provider.ts';

const conversation = { channel: 'scripted', account: 'main', native: '7' };
const opening = 'Once upon a time there was a gateway';

async function rig(t: TestContext) {
  const path = await messagePath(t);
  path.attach();
  const row: NewOutbound = {
    id: 'out_1',
    idempotencyKey: 'run_1:0',
    runId: 'run_1',
    sessionKey: null,
    owner: 'owner',
    conversation,
    chatType: 'direct',
    replyTo: null,
    part: 0,
    body: { text: '', spans: [] },
    correlation: 'msg_1',
    createdAt: path.clock.now(),
    expiresAt: path.clock.now() + 3_600_000,
  };
  const deps = { ...path, markdown: createMarkdown(), crash: () => undefined };
  const streamOf = (left: OutboxRow | null = null): ReplyStream => new ReplyStream(deps, left ?? row, left);
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await path.clock.sleep(50);
  };
  const sends = (): number => path.channel.calls.filter(({ method }) => method !== 'typing').length;
  return { ...path, row, streamOf, until, sends };
}

test('while one mutation is on its way what comes is merged into the next, and nothing is sent after the end', async (t) => {
  const { channel, streamOf, until, sends } = await rig(t);
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  channel.gate = hold;
  const stream = streamOf();
  stream.push(opening);
  await until(() => sends() === 1);
  for (const word of [' that', ' could', ' be', ' depended', ' on']) stream.push(word);
  await until(() => true);
  assert.equal(sends(), 1);
  channel.gate = Promise.resolve();
  release();
  await until(() => channel.shown[0]?.texts.length === 2);
  assert.deepEqual(channel.shown[0]?.texts, [opening, `${opening} that could be depended on`]);
  stream.push(' and');
  assert.equal(await stream.settle(), `${opening} that could be depended on and`);
  const before = sends();
  stream.push(' more');
  await until(() => true);
  assert.equal(sends(), before);
});

test('a reply whose first message may or may not stand there is not begun a second time', async (t) => {
  const { channel, streamOf, until, sends, clock, store } = await rig(t);
  channel.script.push('take_but_lose_the_answer');
  const stream = streamOf();
  stream.push(opening);
  await until(() => sends() === 1);
  for (let n = 0; n < 5; n++) {
    stream.push(' and so on and so forth');
    await clock.sleep(1500);
  }
  await stream.settle();
  assert.equal(sends(), 1);
  assert.equal((await store.outbound('out_1'))?.resent, true, 'its end will be marked');
});

test('a reply grows at the pace of its chat: while that must wait nothing is edited', async (t) => {
  const { channel, streamOf, until, sends, clock, delivery } = await rig(t);
  const stream = streamOf();
  stream.push(opening);
  await until(() => channel.shown.length === 1);
  delivery.lane(conversation)?.pacer.block(conversation, false, 'conversation', 3_600_000);
  for (let n = 0; n < 5; n++) {
    stream.push(' and so on and so forth');
    await clock.sleep(1500);
  }
  await stream.settle();
  assert.equal(sends(), 1);
});

test('a message that is full is left alone until the end of the reply', async (t) => {
  const { channel, streamOf, until, sends, clock } = await rig(t);
  const stream = streamOf();
  const full = 'word '.repeat(400);
  stream.push(full);
  await until(() => channel.shown.length === 1);
  const before = sends();
  for (let n = 0; n < 5; n++) {
    stream.push('and still more words that have no room any more ');
    await clock.sleep(1500);
  }
  assert.equal(sends(), before);
  await stream.settle();
});

test('a rate limit stops the edits for its time and loses no text', async (t) => {
  const { channel, streamOf, until, clock, sends } = await rig(t);
  channel.script.push({ ok: false, kind: 'rate_limited', scope: 'conversation', retryAfterMs: 20_000, detail: '429' });
  const stream = streamOf();
  stream.push(opening);
  await until(() => sends() === 1);
  assert.equal(stream.visible, false);
  const limitedAt = clock.monotonic();
  stream.push(' and on');
  await until(() => channel.shown.length === 1);
  assert.ok(clock.monotonic() - limitedAt >= 19_000);
  assert.equal(channel.shown[0]?.texts[0], `${opening} and on`);
  await stream.settle();
});

test('a reply that begins while its chat must wait leaves the event loop alone', async (t) => {
  const { channel, delivery, streamOf, until, clock } = await rig(t);
  delivery.lane(conversation)?.pacer.block(conversation, false, 'conversation', 5000);
  const stream = streamOf();
  stream.push(opening);
  const begun = clock.monotonic();
  await clock.sleep(100);
  assert.ok(clock.monotonic() - begun < 4000, 'timers still fire');
  await until(() => channel.shown.length === 1);
  await stream.settle();
});

test('a first send of unknown fate is not followed by another; the end is a marked repeat', async (t) => {
  const { channel, streamOf, until, store, row } = await rig(t);
  channel.script.push('take_but_lose_the_answer');
  const stream = streamOf();
  stream.push(opening);
  await until(() => channel.shown.length === 1);
  stream.push(' and on');
  assert.equal(await stream.settle(), `${opening} and on`);
  assert.equal(channel.shown.length, 1);
  assert.equal((await store.outbound(row.id))?.resent, true);
});

test('an open message of an earlier start is continued by edits, one of unknown fate is not', async (t) => {
  const { channel, streamOf, until, store, row } = await rig(t);
  const opened = await store.openStream(row);
  assert.ok(opened);
  channel.shown.push({ chat: '7', ref: '77', texts: ['Once'] });
  const known = streamOf({ ...opened, ref: '77' });
  known.push(opening);
  await until(() => channel.shown[0]?.texts.length === 2);
  await known.settle();
  assert.equal(channel.shown.length, 1);
  const unknown = streamOf(opened);
  unknown.push(opening);
  assert.equal(await unknown.settle(), '');
  assert.equal(channel.shown.length, 1);
});

test('a reply does not begin to show, nor is anything of it on its way, before what waits in its chat', async (t) => {
  const { channel, delivery, streamOf, until, sends, store, row, clock } = await rig(t);
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  channel.gate = hold;
  const earlier = { ...row, id: 'out_0', idempotencyKey: 'run_0:0', body: { text: 'The answer before.', spans: [] } };
  await store.planOutbound([earlier]);
  delivery.wake(earlier.conversation, 'direct');
  await until(() => sends() === 1);
  const stream = streamOf();
  stream.push(opening);
  await clock.sleep(5000);
  assert.deepEqual([sends(), stream.visible], [1, false]);
  release();
  await until(() => channel.shown.length === 2);
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts[0]),
    ['The answer before.', opening],
  );
  await stream.settle();
});

test('text of an attempt that became void while its row was committed is never sent', async (t) => {
  const { channel, streamOf, until, failing } = await rig(t);
  const stream = streamOf();
  failing.asked = (name) => {
    if (name !== 'openStream') return;
    failing.asked = () => undefined;
    stream.restart();
    stream.push('Quite another beginning of the answer');
  };
  stream.push(opening);
  await until(() => channel.shown.length === 1);
  assert.deepEqual(channel.shown[0]?.texts, ['Quite another beginning of the answer']);
  await stream.settle();
});

test('a reply whose channel is swapped in the middle is finished by the next one', async (t) => {
  const { promise: swapped, resolve: goOn } = Promise.withResolvers<void>();
  const path = await messagePath(t, [[start, text(opening), { until: swapped }, text(' that went on.'), finish]]);
  path.attach();
  await path.ingress.sinkFor('scripted', 'main').commit([said('Hi')]);
  while (path.channel.shown.length === 0) await path.clock.sleep(50);
  path.detach.abort(new Error('the token changed'));
  goOn();
  await path.event('run.finished');
  const next = new AbortController();
  path.delivery.attach(path.channel, next.signal);
  await path.event('delivery.sent');
  assert.deepEqual(
    path.channel.shown.map(({ texts }) => texts.at(-1)),
    [`${opening} that went on.`],
  );
  next.abort(new Error('over'));
});

test('typing is shown again and again until the answer is there, and no longer than its lease', async (t) => {
  const { delivery, clock, channel, detach } = await rig(t);
  const pulses = (): number => channel.calls.filter(({ method }) => method === 'typing').length;
  const over = new AbortController();
  const target = { conversation, group: false };
  const lease = typingLease(delivery, clock, target, over.signal);
  while (pulses() < 3) await clock.sleep(50);
  over.abort(new Error('answered'));
  await lease;
  const seen = pulses();
  await typingLease(delivery, clock, target, new AbortController().signal);
  assert.ok(pulses() - seen <= 31, 'two minutes at most');
  const detached = typingLease(delivery, clock, target, new AbortController().signal);
  detach.abort(new Error('stopped'));
  await detached;
});
