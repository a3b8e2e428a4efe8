/** What is no message: edits, pressed buttons and reactions, each through the same gate as a message. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { InboundEvent } from '../../../src/core/ports/channel.ts';
import { messagePath, said } from '../../support/message-path.ts';
import { finish, start, text } from '../../support/scripted-provider.ts';

const strange = { sender: { native: '666', display: 'Mallory', isBot: false } };
const group = { type: 'group' as const, addressed: false };
const inGroup = { channel: 'scripted', account: 'main', native: '-1' };

async function rig(t: TestContext, ...scripts: Parameters<typeof messagePath>[1][]) {
  const path = await messagePath(t, ...(scripts.length === 0 ? [[[start, text('Hi.'), finish]]] : scripts));
  path.attach();
  const sink = path.ingress.sinkFor('scripted', 'main');
  const commit = (...batch: InboundEvent[]): Promise<unknown> => sink.commit(batch);
  return { ...path, commit };
}

test('an edit of a message that still waits is what the model reads', async (t) => {
  const { promise: edited, resolve: goOn } = Promise.withResolvers<void>();
  const { commit, store, provider, event } = await rig(t, [
    [start, { until: edited }, text('one'), finish],
    [start, text('two'), finish],
  ]);
  await commit(said('the first'));
  const first = await event('run.started');
  const second = said('with a tpyo');
  await commit(second);
  await commit(said('without', { kind: 'edit', native: second.native }));
  goOn();
  const { messageId } = await event('run.started', ({ seq }) => seq > first.seq);
  assert.equal((await store.inbound(messageId))?.text, 'without');
  assert.equal(provider.hits, 2);
});

test('an edit in the batch of its message is not lost, and none makes a second message', async (t) => {
  const { commit, store, events, event } = await rig(t);
  const first = said('wrong');
  await commit(first, said('right', { kind: 'edit', native: first.native }));
  const { messageId } = await event('message.received');
  assert.equal((await store.inbound(messageId))?.text, 'right');
  await event('run.finished');
  await commit(said('too late', { kind: 'edit', native: first.native }));
  assert.equal((await store.inbound(messageId))?.text, 'right');
  assert.equal(events.filter(({ type }) => type === 'message.received').length, 1);
  assert.equal(events.filter(({ type }) => type === 'message.refused').length, 0);
});

test('an edit never changes a command', async (t) => {
  const { commit, store, failing, event } = await rig(t);
  const command = said('/whoami');
  await commit(command, said('/new', { kind: 'edit', native: command.native }));
  const { messageId } = await event('message.received');
  assert.equal((await store.inbound(messageId))?.text, '/whoami');
  await event('delivery.sent');
  assert.ok(!failing.calls.includes('resetSession'));
});

test('a command that somebody else wrote and was passed on is text', async (t) => {
  const { commit, store, failing, event } = await rig(t);
  await commit(said('/new', { forwarded: true }));
  const { messageId } = await event('message.received');
  await event('run.finished');
  assert.equal((await store.inbound(messageId))?.kind, 'message');
  assert.ok(!failing.calls.includes('resetSession'));
});

test('an edit by a stranger changes nothing', async (t) => {
  const { commit, failing } = await rig(t);
  await commit(
    said('mine now', { kind: 'edit', native: '1', ...strange, conversation: { ...inGroup, native: '666' } }),
  );
  assert.ok(!failing.calls.includes('editInbound'));
});

test('an edit by anybody but who wrote the message changes nothing, however well they may talk here', async (t) => {
  const { promise: edited, resolve: goOn } = Promise.withResolvers<void>();
  const { commit, store, event, events } = await rig(t, [
    [start, { until: edited }, text('one'), finish],
    [start, text('two'), finish],
  ]);
  const there = { conversation: inGroup, chat: { ...group, addressed: true } };
  const other = { ...there, sender: { native: '8', display: 'Bob', isBot: false } };
  await commit(said('the first', there));
  const first = await event('run.started');
  const waits = said('pay Ada', there);
  await commit(waits);
  await commit(said('pay Bob', { kind: 'edit', native: waits.native, ...other }));
  const both = said('also Ada', there);
  await commit(both, said('also Bob', { kind: 'edit', native: both.native, ...other }));
  goOn();
  const { messageId } = await event('run.started', ({ seq }) => seq > first.seq);
  assert.equal((await store.inbound(messageId))?.text, 'pay Ada');
  const received = events.flatMap((each) => (each.type === 'message.received' ? [each.messageId] : []));
  assert.equal((await store.inbound(received[2] ?? ''))?.text, 'also Ada');
});

test('a pressed button is its command, and anything else that a button says is nothing', async (t) => {
  const { commit, channel, event, provider, events } = await rig(t);
  const pressed = said('/whoami', { kind: 'action', native: '5' });
  await commit(pressed, said('/nonsense', { kind: 'action' }), said('delete all', { kind: 'action' }));
  await event('delivery.sent');
  await commit(pressed);
  assert.match(channel.shown[0]?.texts[0] ?? '', /You are Ada/);
  assert.deepEqual([provider.hits, channel.shown.length], [0, 1]);
  await commit(said('/whoami', { kind: 'action', ...strange, conversation: { ...inGroup, native: '666' } }));
  assert.equal(events.filter(({ type }) => type === 'message.received').length, 1);
});

test('a reaction to our message is kept with it, counted once and shown in its trace', async (t) => {
  const { commit, store, event, events, metrics } = await rig(t);
  await commit(said('hello'));
  const { messageId } = await event('message.received');
  const { outboxId } = await event('delivery.sent');
  const native = (await store.outbound(outboxId))?.ref ?? '';
  const thumb = said('👍', { kind: 'reaction', native, occurredAt: 10 });
  await commit(thumb);
  await commit({ ...thumb, dedupe: 'again' });
  assert.deepEqual((await store.trace(messageId))?.feedback, [
    { outboxId, sender: { native: '7', display: 'Ada' }, value: '👍', at: 10 },
  ]);
  await commit({ ...thumb, text: '👎', occurredAt: 20 }, { ...thumb, text: '🔥', occurredAt: 15 });
  assert.deepEqual(
    (await store.trace(messageId))?.feedback.map(({ value }) => value),
    ['👎'],
    'what is older never replaces what is newer',
  );
  await commit({ ...thumb, text: '', occurredAt: 30 });
  assert.deepEqual((await store.trace(messageId))?.feedback, []);
  await event('feedback', ({ value }) => value === '');
  assert.deepEqual(
    events.filter(({ type }) => type === 'feedback').map((each) => each.type === 'feedback' && each.value),
    ['👍', '👎', ''],
  );
  const counted = [...metrics.values].filter(([name]) => name.startsWith('feedback_total'));
  assert.deepEqual(
    counted.map(([, value]) => value),
    [1, 1],
    'each once, none for taking it back',
  );
});

test('reactions to what others said, by strangers, or in unlisted groups leave nothing', async (t) => {
  const { commit, store, events, event } = await rig(t);
  await commit(said('hello'));
  const { messageId } = await event('message.received');
  const { outboxId } = await event('delivery.sent');
  const native = (await store.outbound(outboxId))?.ref ?? '';
  const reaction = (more: Partial<InboundEvent>): InboundEvent => said('👍', { kind: 'reaction', native, ...more });
  await commit(
    reaction({ native: '99999' }),
    reaction({ conversation: inGroup, chat: group }),
    reaction({ conversation: { ...inGroup, native: '-77' }, chat: group, ...strange }),
    reaction({ ...strange, conversation: { ...inGroup, native: '666' } }),
  );
  assert.deepEqual((await store.trace(messageId))?.feedback, []);
  assert.equal(events.filter(({ type }) => type === 'feedback' || type === 'message.refused').length, 0);
  assert.deepEqual(await store.refusedSenders(9), []);
});

test('a flood of reactions is cut off, and its sender is still heard', async (t) => {
  const path = await messagePath(t);
  path.attach();
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('hello')]);
  await path.event('run.finished');
  const flood = Array.from({ length: 1500 }, () => said('👍', { kind: 'reaction', native: '1' }));
  await sink.commit(flood);
  const turnedAway = [...path.metrics.values].find(([name]) => /^messages_turned_away_total.*flood/.test(name));
  assert.ok((turnedAway?.[1] ?? 0) > 1000);
  await sink.commit([said('still here?')]);
  await path.event('run.finished', () => path.provider.hits === 2);
});
