import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Listener } from '../../../support/listener.ts';
import { group, startSignalCounterpart } from '../../../support/signal-counterpart.ts';
import type { SignalCounterpart } from '../../../support/signal-counterpart.ts';
import type { SignalServer } from '../../../support/signal-server.ts';

const forever = new AbortController().signal;

async function setUp(
  t: TestContext,
): Promise<{ server: SignalServer; listener: Listener; platform: SignalCounterpart }> {
  const platform = await startSignalCounterpart();
  t.after(() => platform.close());
  return { server: platform.server, platform, listener: new Listener(t, platform) };
}

test('what was told but not committed is asked for again, also after a crash', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('kept');
  await listener.message('kept');
  listener.failures = 1000;
  await platform.say('told before the crash');
  await listener.health('degraded', /cannot be stored/);
  await listener.end();
  listener.failures = 0;
  await listener.begin();
  await listener.message('told before the crash');
  assert.deepEqual(server.askedAfter, [undefined, '1']);
  assert.equal(listener.cursors.get('event'), '2');
  assert.deepEqual(server.violations, []);
});

test('what was told before anything was ever committed is asked for again', async (t) => {
  const { listener, platform } = await setUp(t);
  listener.failures = 1000;
  await listener.begin();
  await platform.say('the very first');
  await listener.health('degraded', /cannot be stored/);
  await listener.end();
  listener.failures = 0;
  await listener.begin();
  await listener.message('the very first');
});

test('a daemon that does not number its events is listened to all the same', async (t) => {
  const { server, listener, platform } = await setUp(t);
  server.isNumbered = false;
  await listener.begin();
  await platform.say('one');
  await listener.message('one');
  await platform.dropConnections();
  await platform.say('two');
  await listener.message('two');
  assert.deepEqual(server.askedAfter, [undefined, '0']);
});

test('a number that the daemon does not have is fatal, in words with the fix', async (t) => {
  const { server, listener } = await setUp(t);
  server.accounts = ['+15559999999'];
  await listener.begin();
  await listener.health('fatal', /no account \+15550000000.*number/);
});

test('a daemon for one number lists none and is taken at its word', async (t) => {
  const { server, listener, platform } = await setUp(t);
  server.accounts = null;
  await listener.begin();
  await platform.say('hello');
  await listener.message('hello');
  await listener.health('connected', /^$/);
  assert.equal(listener.channel?.health().identity, server.number);
});

test('what cannot be stored yet holds back what comes after it', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await server.connected();
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

test('signs of life are receiving, noise is counted, and neither stops anything', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await server.connected();
  server.pulse();
  for (const noise of ['no json', '{}', 'null', '{"envelope":{"dataMessage":{}}}']) server.raw(noise);
  server.raw(JSON.stringify({ account: '+15550000009', envelope: { sourceNumber: '+1', dataMessage: {} } }));
  await platform.say('after the noise');
  await listener.message('after the noise');
  assert.equal(listener.malformed.length, 4);
  assert.notEqual(channel.health().lastReceiveAt, null);
});

test('an answer names what it answers, in a group as in a direct chat; typing shows', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await platform.say('in private');
  await platform.say('in public', { chat: 'group' });
  for (const [text, to] of [
    ['in private', '+15550000001'],
    ['in public', group],
  ] as const) {
    const { conversation, native, chat } = await listener.message(text);
    assert.equal(channel.chatType(conversation), chat.type);
    const part = { idempotencyKey: 'k', conversation, replyTo: native, body: plainText('yes') };
    const sent = await channel.send(part, forever);
    assert.ok(sent.ok, JSON.stringify(sent));
    const shown = server.sent.at(-1);
    assert.equal(shown?.to, to);
    assert.equal(`${String(shown.params['quoteTimestamp'])}:${String(shown.params['quoteAuthor'])}`, native);
    await channel.typing?.(conversation, forever);
  }
  assert.deepEqual(server.typing, ['+15550000001', group]);
});

test('people and groups are named by their ids, anything else is refused with how to find them', async (t) => {
  const { listener } = await setUp(t);
  const channel = await listener.begin();
  assert.equal(channel.chatType(channel.conversation('+15550000001')), 'direct');
  assert.equal(channel.chatType(channel.conversation('00000000-0000-4000-8000-000000000003')), 'direct');
  assert.equal(channel.chatType(channel.conversation(group)), 'group');
  for (const target of ['', 'ada', '15550000001', '+1', 'u:ada.01', '../x'])
    assert.throws(() => channel.conversation(target), { kind: 'invalid_input' }, target);
  assert.throws(() => channel.conversation(group, '1'), { kind: 'invalid_input' });
});
