import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Listener } from '../../../support/listener.ts';
import { startMattermostCounterpart } from '../../../support/mattermost-counterpart.ts';
import type { MattermostCounterpart } from '../../../support/mattermost-counterpart.ts';
import { idOf } from '../../../support/mattermost-server.ts';
import type { MattermostServer } from '../../../support/mattermost-server.ts';

const forever = new AbortController().signal;
const [withOne, group, one] = [idOf('with one'), idOf('group'), idOf('one')];

async function setUp(
  t: TestContext,
): Promise<{ server: MattermostServer; listener: Listener; platform: MattermostCounterpart }> {
  const platform = await startMattermostCounterpart();
  t.after(() => platform.close());
  return { server: platform.server, platform, listener: new Listener(t, platform) };
}

const textsOf = (listener: Listener): string[] => [
  ...new Map(listener.committed.map(({ dedupe, text }) => [dedupe, text])).values(),
];

test('what was posted before the first start is history and answered to nobody', async (t) => {
  const { server, listener, platform } = await setUp(t);
  server.say(withOne, one, 'long ago', { create_at: Date.now() - 5000 });
  await listener.begin();
  await platform.say('now');
  await listener.message('now');
  assert.deepEqual(textsOf(listener), ['now']);
  assert.deepEqual(server.violations, []);
});

test('what was posted in a chat nobody knew is read back, all of it, in order', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('before');
  await listener.message('before');
  await listener.end();
  const fresh = server.chat('fresh', 'D');
  const said = Array.from({ length: 2300 }, (_, n) => `missed ${n}`);
  for (const text of said) server.say(fresh.id, idOf('two'), text);
  await listener.begin();
  await listener.message('missed 2299');
  await listener.health('connected', /^$/);
  assert.deepEqual(textsOf(listener), ['before', ...said]);
  const { chat, sender } = await listener.message('missed 2299');
  assert.deepEqual([chat.type, sender.display], ['direct', 'two']);
});

test('what cannot be stored yet holds back what comes after it', async (t) => {
  const { listener, platform } = await setUp(t);
  await listener.begin();
  await listener.health('connected');
  listener.failures = 1;
  await platform.say('first');
  while (listener.offered.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await platform.say('second');
  await listener.message('second');
  assert.deepEqual(
    listener.committed.map(({ text }) => text),
    ['first', 'second'],
  );
});

test('a hole in the numbers of events is read back', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await server.listened();
  await platform.say('first');
  await listener.message('first');
  server.mute = true;
  await platform.say('told to nobody');
  server.mute = false;
  server.skipOne = true;
  await platform.say('after the hole');
  await listener.message('told to nobody');
  await listener.message('after the hole');
});

test('a server that cannot list its chats is said to leave a gap, and what it tells arrives', async (t) => {
  const { server, listener, platform } = await setUp(t);
  server.isOld = true;
  await listener.begin();
  await server.listened();
  await listener.health('connected', /may be unanswered.*older than 6\.1/);
  await platform.say('told');
  await listener.message('told');
});

test('a bot token that is refused is fatal, in words with the fix', async (t) => {
  const { server, listener } = await setUp(t);
  Object.assign(server, { token: 'another-token-of-26-charac' });
  const channel = await listener.counterpart.channel();
  Object.assign(server, { token: 'it-was-taken-back-by-admin' });
  listener.counterpart.channel = () => Promise.resolve(channel);
  await listener.begin();
  await listener.health('fatal', /bot_token/);
});

test('a token that is taken back while it listens is found out', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await server.listened();
  await platform.say('works');
  await listener.message('works');
  Object.assign(server, { token: 'it-was-taken-back-by-admin' });
  server.drop();
  await listener.health('fatal', /bot_token/);
});

test('in a channel what is said to us begins a thread, and its follow-ups are the same conversation', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await server.listened();
  const asked = await platform.say('what now', { chat: 'group' });
  const first = await listener.message('what now');
  assert.deepEqual([first.conversation.thread, first.chat.title], [asked, 'The group']);
  const { conversation } = first;
  const sent = await channel.send(
    { idempotencyKey: 'k', conversation, replyTo: asked, body: plainText('this') },
    forever,
  );
  assert.ok(sent.ok);
  assert.equal(server.posts.get(sent.ref)?.root_id, asked);
  server.say(group, one, '@clanker and then?', { root_id: asked });
  const next = await listener.message('and then?');
  assert.deepEqual(next.conversation, first.conversation);
  const ours = await channel.send(
    { idempotencyKey: 'l', conversation: platform.conversation({ chat: 'group' }), body: plainText('news') },
    forever,
  );
  assert.ok(ours.ok);
  server.say(group, one, 'tell me more', { root_id: ours.ref });
  assert.equal((await listener.message('tell me more')).chat.addressed, true);
});

test('after a restart an answer in a thread of ours is still known as one', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const before = await listener.begin();
  await listener.health('connected');
  const conversation = platform.conversation({ chat: 'group' });
  const sent = await before.send({ idempotencyKey: 'k', conversation, body: plainText('ours') }, forever);
  assert.ok(sent.ok);
  await listener.end();
  const other = server.say(group, one, 'not ours');
  server.say(group, one, 'to you, while away', { root_id: sent.ref });
  await listener.begin();
  await listener.health('connected');
  server.say(group, one, 'to you', { root_id: sent.ref });
  server.say(group, one, 'to somebody', { root_id: other.id });
  const reaction = { post_id: sent.ref, user_id: one, emoji_name: '-1', create_at: 5 };
  server.emit('reaction_added', { reaction: JSON.stringify(reaction) }, group);
  const addressed = async (text: string): Promise<boolean> =>
    (await listener.event((event) => event.text === text, text)).chat.addressed;
  assert.deepEqual(await Promise.all(['to you, while away', 'to you', 'to somebody', '👎'].map(addressed)), [
    true,
    true,
    false,
    true,
  ]);
});

test('edits and reactions of people come as such, pins and our own posts not at all', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await listener.health('connected');
  const sent = await channel.send(
    { idempotencyKey: 'k', conversation: platform.conversation(), body: plainText('x') },
    forever,
  );
  assert.ok(sent.ok);
  const post = server.say(withOne, one, 'frist');
  server.tell(post, 'post_edited');
  server.tell({ ...post, message: 'first', edit_at: post.create_at + 5 }, 'post_edited');
  const reaction = { post_id: sent.ref, user_id: one, emoji_name: '+1', create_at: 5 };
  server.emit('reaction_added', { reaction: JSON.stringify(reaction) }, withOne);
  server.emit('reaction_removed', { reaction: JSON.stringify(reaction) }, withOne);
  await platform.say('last');
  await listener.message('last');
  assert.deepEqual(
    listener.committed.map(({ kind, text, native }) => [kind, text, native]),
    [
      ['message', 'frist', post.id],
      ['edit', 'first', post.id],
      ['reaction', '👍', sent.ref],
      ['reaction', '', sent.ref],
      ['message', 'last', listener.committed.at(-1)?.native],
    ],
  );
});

test('an edit that is too late, or of what was deleted, is owed as a new message; typing shows', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await server.listened();
  const message = { conversation: platform.conversation(), native: idOf('never') };
  const gone = await channel.edit?.(message, { body: plainText('x'), final: true }, forever);
  assert.ok(gone !== undefined && !gone.ok && gone.kind === 'refused' && gone.code === 'edit_gone');
  await channel.typing?.(platform.conversation(), forever);
  assert.deepEqual(server.typing, [withOne]);
});

test('channels and threads are named by their ids, anything else is refused with how to find them', async (t) => {
  const { listener } = await setUp(t);
  const channel = await listener.begin();
  assert.equal(channel.conversation(group, withOne).thread, withOne);
  for (const target of ['', 'town-square', '@ada', `${group}x`, '../posts'])
    assert.throws(() => channel.conversation(target), { kind: 'invalid_input' }, target);
  assert.throws(() => channel.conversation(group, 'x'), { kind: 'invalid_input' });
});
