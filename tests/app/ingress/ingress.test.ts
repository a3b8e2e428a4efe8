import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { messagePath, said } from '../../support/message-path.ts';

const group = { type: 'group' as const, addressed: true };
const stranger = {
  sender: { native: '666', display: 'Mallory', isBot: false },
  conversation: { channel: 'scripted', account: 'main', native: '666' },
};

test('when the store cannot take a batch nothing is accepted, and the same batch later is', async (t) => {
  const path = await messagePath(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  const batch = [said('one'), said('two')];
  path.failing.fail('commitInbound');
  await assert.rejects(sink.commit(batch, { key: 'offset', value: '2' }), { code: 'storage_full' });
  assert.deepEqual(await path.store.cursors('scripted', 'main'), []);
  assert.equal((await path.store.counts(0)).inboxQueued, 0);
  await sink.commit(batch, { key: 'offset', value: '2' });
  assert.deepEqual(await path.store.cursors('scripted', 'main'), [{ key: 'offset', value: '2' }]);
  await path.event('run.finished');
});

test('that a message was received is told before its run begins, although both share a transaction', async (t) => {
  const path = await messagePath(t);
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello')]);
  await path.event('run.finished');
  const steps = ['a message was received', 'a run began'];
  const told = path.log.lines.map(({ message }) => message).filter((message) => steps.includes(message));
  assert.deepEqual(told, steps);
});

test('what a platform delivers twice is answered once', async (t) => {
  const path = await messagePath(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  const event = said('hello');
  await Promise.all([sink.commit([event]), sink.commit([event]), sink.commit([event, event])]);
  await path.event('run.finished');
  await sink.commit([event]);
  while (path.runs.active > 0) await path.clock.sleep(10);
  assert.equal(path.provider.hits, 1);
  assert.equal(path.events.filter(({ type }) => type === 'message.received').length, 1);
});

test('two accounts may use the same event id', async (t) => {
  const path = await messagePath(t);
  const second = { channel: 'scripted', account: 'other', native: '7' };
  const event = said('hello');
  await path.ingress.sinkFor('scripted', 'main').commit([event]);
  await path.ingress.sinkFor('scripted', 'other').commit([{ ...event, conversation: second }]);
  const { seq } = await path.event('run.finished');
  await path.event('run.finished', (other) => other.seq > seq);
  assert.equal((await path.store.listSessions(null, { limit: 5 })).items.length, 2);
});

test('of refused senders only that they wrote is kept, once a minute', async (t) => {
  const path = await messagePath(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  const secrets = Array.from({ length: 50 }, (_, n) => said(`secret ${n}`, stranger));
  await sink.commit(secrets, { key: 'offset', value: '50' });
  const refused = await path.event('message.refused');
  const row = await path.store.inbound(refused.messageId);
  assert.equal(row?.text, '');
  assert.equal(row?.state, 'refused');
  assert.equal(path.events.filter(({ type }) => type === 'message.refused').length, 1);
  assert.equal((await path.store.refusedSenders(10)).length, 1);
  const told = path.log.lines.filter(({ message }) => message === 'a message was refused');
  assert.deepEqual(
    told.map(({ fields }) => fields['to_allow']),
    [`[channels.scripted] allowed_user_ids = [7, 8, ${stranger.sender?.native}]`],
  );
  assert.deepEqual(await path.store.cursors('scripted', 'main'), [{ key: 'offset', value: '50' }]);
  assert.equal(path.provider.hits, 0);
});

test('a stranger who writes again and again asks to be let in once a minute', async (t) => {
  const policy = { access: 'pairing' as const, users: new Set<string>(), chats: new Set<string>() };
  const path = await messagePath(t, undefined, { policy });
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit(Array.from({ length: 50 }, () => said('let me in', stranger)));
  const asked = (): number => path.failing.calls.filter((name) => name === 'openRequest').length;
  assert.equal(asked(), 1);
  await path.clock.sleep(61_000);
  await sink.commit([said('let me in', stranger)]);
  assert.equal(asked(), 2);
});

test('an edit, a reaction and the words of a bot are never a message, still less a command', async (t) => {
  const path = await messagePath(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([
    said('/new', { kind: 'edit' }),
    said('/stop', { kind: 'reaction' }),
    said('hello', { sender: { native: '7', display: 'Ada', isBot: true } }),
    said('  '),
    said('the only one'),
  ]);
  await path.event('run.finished');
  assert.equal(path.events.filter(({ type }) => type === 'message.received').length, 1);
  assert.ok(!path.failing.calls.includes('resetSession'));
});

test('a group belongs to the owner and a direct chat to who writes in it', async (t) => {
  const path = await messagePath(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  const conversation = { channel: 'scripted', account: 'main', native: '-1' };
  await sink.commit([said('hello', { chat: group, conversation }), said('hello')]);
  const { items } = await path.store.listSessions(null, { limit: 5 });
  assert.equal(items.filter(({ owner }) => owner === 'owner').length, 1);
  const own = items.find(({ owner }) => owner !== 'owner');
  assert.match(own?.owner ?? '', /^per_/);
});

test('a text is cut at its limit without leaving half a character', async (t) => {
  const path = await messagePath(t);
  const text = `${'x'.repeat(32_767)}🙂 and more`;
  await path.ingress.sinkFor('scripted', 'main').commit([said(text)]);
  const { messageId } = await path.event('message.received');
  const row = await path.store.inbound(messageId);
  assert.equal(row?.text.length, 32_768);
  assert.ok(row?.text.isWellFormed());
});

test('/stop ends the answer at once, though it stands behind it in the queue', async (t) => {
  const path = await messagePath(t, [[{ type: 'start' }, 'hang']]);
  path.attach();
  const sink = path.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('a long question')]);
  await path.event('run.started');
  await sink.commit([said('/stop')]);
  const { error } = await path.event('run.failed');
  assert.equal(error.code, 'aborted');
  await path.event('delivery.sent');
  assert.equal(path.channel.shown.at(-1)?.texts.at(-1), 'Stopped.');
});

test('a group that moved takes its session along, and a repeat of the news changes nothing', async (t) => {
  const path = await messagePath(t, undefined, { policy: { users: new Set(), chats: new Set(['-1', '-2']) } });
  const sink = path.ingress.sinkFor('scripted', 'main');
  const conversation = { channel: 'scripted', account: 'main', native: '-1' };
  await sink.commit([said('hello', { chat: group, conversation })]);
  await path.event('run.finished');
  const moved = said('', { kind: 'lifecycle', chat: group, conversation, movedTo: '-2' });
  await sink.commit([moved], { key: 'offset', value: '1' });
  await sink.commit([moved], { key: 'offset', value: '1' });
  const { items } = await path.store.listSessions(null, { limit: 5 });
  assert.deepEqual(
    items.map(({ conversation }) => conversation?.native),
    ['-2'],
  );
});

test('a group that is not listed says in vain that it moved', async (t) => {
  const path = await messagePath(t);
  const conversation = { channel: 'scripted', account: 'main', native: '-77' };
  const moved = said('', { kind: 'lifecycle', chat: group, conversation, movedTo: '-1' });
  await path.ingress.sinkFor('scripted', 'main').commit([moved], { key: 'offset', value: '1' });
  assert.deepEqual(await path.store.cursors('scripted', 'main'), [{ key: 'offset', value: '1' }]);
  assert.ok(!path.failing.calls.includes('moveConversation'));
});

test('a flood of one person is cut off and told once, and what is sent again later is heard', async (t) => {
  const path = await messagePath(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  path.attach();
  const flood = Array.from({ length: 1000 }, (_, n) => said(`flood ${n}`));
  const receipts = await sink.commit(flood);
  assert.ok(receipts?.some(({ refused }) => refused === true));
  assert.ok(receipts?.slice(0, 200).every(({ refused }) => refused !== true));
  const told = (): number =>
    path.channel.shown.filter(({ texts }) => texts.some((text) => /too much at once/.test(text))).length;
  while (told() === 0) await setImmediate();
  // That of which they were told, and one that went by in silence.
  for (const n of [200, 999]) {
    const isRefused = async (): Promise<boolean> => (await sink.commit([flood[n] ?? said('')]))?.[0]?.refused === true;
    for (let tries = 0; tries < 10 && (await isRefused()); tries++) await path.clock.sleep(1000);
    assert.equal(await isRefused(), false);
  }
  assert.equal(told(), 1);
});
