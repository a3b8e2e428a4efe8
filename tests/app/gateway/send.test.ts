import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMarkdown } from '../../../src/adapters/markdown/index.ts';
import { ChannelManager } from '../../../src/app/channels/manager.ts';
import { send, type SendDeps } from '../../../src/app/gateway/send.ts';
import { CountedMetrics } from '../../support/door.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { messagePath, principal } from '../../support/message-path.ts';

async function rig(t: TestContext) {
  const path = await messagePath(t);
  const channels = new ChannelManager({ ...path, metrics: new CountedMetrics() });
  const { channel } = path;
  await channels.configure([
    { id: 'scripted:main', fingerprint: '1', stream: true, create: () => Promise.resolve(channel) },
  ]);
  t.after(() => channels.stop(100));
  const policy = { users: new Set(['7']), chats: new Set<string>() };
  const deps: SendDeps = { ...path, markdown: createMarkdown(), channels, policy: () => policy };
  const asked = (
    content: string,
    more: object = {},
    by: Principal = principal,
  ): Promise<{ messageId: string; delivered: Promise<void> }> =>
    send(by, { channel: 'scripted', target: '7', content, ...more }, deps);
  return { ...path, asked };
}

const long = 'word '.repeat(300);

test('a message is delivered once, however often it is asked for with its key', async (t) => {
  const { asked, channel } = await rig(t);
  const tickets = await Promise.all([1, 2, 3].map(() => asked(long, { idempotencyKey: 'k' })));
  await Promise.all(tickets.map(({ delivered }) => delivered));
  assert.equal(new Set(tickets.map(({ messageId }) => messageId)).size, 1);
  assert.equal(channel.shown.length, 2);
  await (
    await asked(long, { idempotencyKey: 'k' })
  ).delivered;
  assert.equal(channel.shown.length, 2);
});

test('of a message whose key was used for another nothing goes out, not even its later parts', async (t) => {
  const { asked, channel, store } = await rig(t);
  await (
    await asked('short', { idempotencyKey: 'k' })
  ).delivered;
  await assert.rejects(asked(long, { idempotencyKey: 'k' }), { code: 'idempotency_conflict' });
  assert.deepEqual(await store.dueConversations('scripted', 'main', 10), []);
  assert.equal(channel.shown.length, 1);
});

test('the same words under the same key to another place are another message', async (t) => {
  const { asked, channel } = await rig(t);
  const key = { idempotencyKey: 'k' };
  for (let i = 0; i < 2; i++) await (await asked('hello', { ...key, thread: '5' })).delivered;
  assert.equal(channel.shown.length, 1);
  await assert.rejects(asked('hello', { ...key, thread: '6' }), { code: 'idempotency_conflict' });
  await assert.rejects(asked('hello', key), { code: 'idempotency_conflict' });
});

test('who is not on the allow-list gets nothing, and empty words go nowhere', async (t) => {
  const { asked, channel } = await rig(t);
  await assert.rejects(asked('hello', { target: '666' }), { code: 'target_not_allowed' });
  await assert.rejects(asked(' \n'), { code: 'empty_content' });
  await assert.rejects(asked('hello', { channel: 'nowhere' }), { kind: 'not_found' });
  assert.equal(channel.calls.length, 0);
});

test('who waits while a platform cannot be reached is told so after a while, and the message is delivered all the same', async (t) => {
  const { asked, channel, store, delivery } = await rig(t);
  for (let n = 0; n < 26; n++) channel.script.push({ ok: false, kind: 'unreachable', detail: 'ECONNREFUSED' });
  const ticket = await asked('hello');
  await assert.rejects(ticket.delivered, { code: 'delivery_pending', message: /ECONNREFUSED/ });
  assert.equal((await delivery.settled(ticket.messageId)).state, 'sent');
  assert.equal((await store.outbound(ticket.messageId))?.attempts, 1);
});

test('who waits for the delivery hears why it failed', async (t) => {
  const { asked, channel } = await rig(t);
  channel.script.push({ ok: false, kind: 'refused', code: 'blocked', detail: 'The bot was blocked.' });
  const ticket = await asked('hello');
  await assert.rejects(ticket.delivered, { code: 'delivery_failed', message: 'The bot was blocked.' });
});

test('a message that failed is tried again when it is asked for again with its key, and not before', async (t) => {
  const { asked, channel } = await rig(t);
  channel.script.push({ ok: false, kind: 'refused', code: 'blocked', detail: 'The bot was blocked.' });
  const first = await asked('hello', { idempotencyKey: 'k' });
  await assert.rejects(first.delivered, { code: 'delivery_failed' });
  assert.equal(channel.shown.length, 0);
  const again = await asked('hello', { idempotencyKey: 'k' });
  await again.delivered;
  assert.equal(again.messageId, first.messageId);
  assert.equal(channel.shown.length, 1);
});

test('who waits for the delivery is told when nobody can know whether it arrived', async (t) => {
  const { asked, channel } = await rig(t);
  channel.script.push('take_but_lose_the_answer', 'take_but_lose_the_answer');
  const ticket = await asked('hello');
  await assert.rejects(ticket.delivered, { code: 'delivery_uncertain' });
});

test('the same key of two people is two messages', async (t) => {
  const { asked, channel } = await rig(t);
  await (
    await asked('hello', { idempotencyKey: 'k' })
  ).delivered;
  const ada: Principal = { ...principal, id: 'tok_2', person: 'per_ada', scope: 'send' };
  await (
    await asked('something else', { idempotencyKey: 'k' }, ada)
  ).delivered;
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts[0]),
    ['hello', 'something else'],
  );
});

test('a short text is the caption of its file; a long one goes first, and every file has a message', async (t) => {
  const { asked, channel, store, files } = await rig(t);
  const stored = async (id: string): Promise<{ id: string; name: string }> => {
    const bytes = (async function* () {
      yield await Promise.resolve(Buffer.from(id));
    })();
    const { size, sha256 } = await files.save(id, bytes, 1000);
    await store.saveFile({ id, owner: 'owner', mimeType: 'text/plain', size, sha256, createdAt: 0 });
    return { id, name: `${id}.txt` };
  };
  const attachments = [await stored('file_a'), await stored('file_b')];
  await (
    await asked('look', { attachments: attachments.slice(0, 1) })
  ).delivered;
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts),
    [['look']],
  );
  await (
    await asked('look', { attachments })
  ).delivered;
  assert.deepEqual(
    channel.shown.map(({ texts }) => texts[0]),
    ['look', 'look', '', ''],
  );
  assert.equal(Buffer.concat(channel.files).toString(), 'file_afile_afile_b');
  await assert.rejects(asked('x', { attachments: [{ id: 'file_none' }] }), { kind: 'not_found' });
  await store.saveFile({ id: 'file_c', owner: 'per_else', mimeType: 'text/plain', size: 1, sha256: '', createdAt: 0 });
  await assert.rejects(asked('x', { attachments: [{ id: 'file_c' }] }), { kind: 'not_found' });
  Object.assign(channel.capabilities, { files: null });
  await assert.rejects(asked('x', { attachments: attachments.slice(0, 1) }), { code: 'no_files' });
});

test('a key that was used with another file is a conflict', async (t) => {
  const { asked, store, channel } = await rig(t);
  for (const id of ['file_a', 'file_b'])
    await store.saveFile({ id, owner: 'owner', mimeType: 'text/plain', size: 1, sha256: '', createdAt: 0 });
  const first = await asked('', { attachments: [{ id: 'file_a' }], idempotencyKey: 'k' });
  await assert.rejects(first.delivered, { code: 'delivery_failed', message: 'The file is gone.' });
  await assert.rejects(asked('', { attachments: [{ id: 'file_b' }], idempotencyKey: 'k' }), {
    code: 'idempotency_conflict',
  });
  assert.equal(channel.shown.length, 0);
});

test('somebody who was let in is written to where they talk to us alone, whatever id that chat has', async (t) => {
  const { asked, store, channel } = await rig(t);
  const conversation = { channel: 'scripted', account: 'main', native: 'D-of-7' };
  const identity = { channel: 'scripted', account: 'main', native: '7', display: 'Ada', conversation };
  const person = { id: 'per_7', name: 'Ada', role: 'member', language: null, createdAt: 0 } as const;
  await store.ensureIdentity(identity, person);
  await (
    await asked('hello')
  ).delivered;
  assert.deepEqual(
    channel.shown.map(({ chat }) => chat),
    ['D-of-7'],
  );
  // The chat by its own id is not listed.
  await assert.rejects(asked('hello', { target: 'D-of-7' }), { code: 'target_not_allowed' });
});
