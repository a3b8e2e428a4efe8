import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { OutboundPart } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Listener } from '../../../support/listener.ts';
import { startMatrixCounterpart } from '../../../support/matrix-counterpart.ts';
import type { MatrixCounterpart } from '../../../support/matrix-counterpart.ts';
import { refusal } from '../../../support/matrix-server.ts';
import type { MatrixServer } from '../../../support/matrix-server.ts';

const forever = new AbortController().signal;

async function setUp(
  t: TestContext,
): Promise<{ server: MatrixServer; listener: Listener; platform: MatrixCounterpart }> {
  const platform = await startMatrixCounterpart();
  t.after(() => platform.close());
  return { server: platform.server, platform, listener: new Listener(t, platform) };
}

const words = (body: string): Record<string, unknown> => ({ msgtype: 'm.text', body });

test('what was said before the first start is history and answered to nobody', async (t) => {
  const { server, listener, platform } = await setUp(t);
  server.say('!one:test', '@one:test', words('long ago'));
  await listener.begin();
  await platform.say('now');
  await listener.message('now');
  assert.deepEqual(
    listener.committed.map(({ text }) => text),
    ['now'],
  );
  assert.deepEqual(server.violations, []);
});

test('a timeline that was cut short is read back whole, in order, before it', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('before');
  await listener.message('before');
  await listener.end();
  const said = Array.from({ length: 23 }, (_, n) => `missed ${n}`);
  for (const text of said) server.say('!one:test', '@one:test', words(text));
  server.timelineLimit = 2;
  await listener.begin();
  await listener.message('missed 22');
  assert.deepEqual(
    listener.committed.map(({ text }) => text),
    ['before', ...said],
  );
  assert.ok(server.messagesAsked > 1);
  await listener.health('connected', /^$/);
});

test('a gap that cannot be read back is told, and what there is arrives', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('before');
  await listener.message('before');
  await listener.end();
  for (let n = 0; n < 2200 * 5; n++) server.say('!one:test', '@one:test', { msgtype: 'm.text', body: `m${n}` });
  server.timelineLimit = 1;
  await listener.begin();
  await listener.message('m10999');
  await listener.health('connected', /!one:test may be unanswered: more than/);
  assert.equal(listener.committed.at(-1)?.text, 'm10999');
});

test('an invitation is followed when its author is allowed, and what was said before is answered', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.server.oriented;
  server.invite('!stranger:test', '@mallory:test');
  server.invite('!new:test', '@one:test');
  server.say('!new:test', '@one:test', words('hello there'));
  await listener.message('hello there');
  assert.deepEqual(server.joins, ['!new:test']);
  await listener.health('connected', /Not joined.*@mallory:test/);
});

test('a room on a server that does not answer keeps nobody else from being heard', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await server.oriented;
  server.unreachable.add('join !far:test');
  server.invite('!far:test', '@one:test');
  await platform.say('am I heard?');
  await listener.message('am I heard?');
  server.unreachable.clear();
  server.say('!far:test', '@one:test', words('and here?'));
  await listener.message('and here?');
});

test('an answer to something that no server can show is heard all the same', async (t) => {
  const { server, listener } = await setUp(t);
  await listener.begin();
  await server.oriented;
  server.unreachable.add('event !group:test');
  const relation = { 'm.relates_to': { 'm.in_reply_to': { event_id: '$nowhere' } } };
  server.say('!group:test', '@one:test', { ...words('an answer to nothing'), ...relation });
  const heard = await listener.message('an answer to nothing');
  assert.equal(heard.chat.addressed, false);
});

test('a history that its server never gives is told as a gap', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('before');
  await listener.message('before');
  await listener.end();
  for (let n = 0; n < 5; n++) server.say('!one:test', '@one:test', words(`missed ${n}`));
  server.timelineLimit = 2;
  server.unreachable.add('messages !one:test');
  await listener.begin();
  await listener.message('missed 4');
  await listener.health('connected', /!one:test may be unanswered/);
});

test('a new name of ours is no coming, and nothing said before it is left out', async (t) => {
  const { server, listener } = await setUp(t);
  await listener.begin();
  await listener.health('connected');
  const renamed = { type: 'm.room.member', state_key: server.me, sender: server.me, content: { membership: 'join' } };
  for (const unsigned of [{ prev_content: { membership: 'join' } }, {}]) {
    listener.failures = 1;
    await server.polled();
    server.say('!one:test', '@one:test', words('holds the next up'));
    server.say('!one:test', '@one:test', words(`before ${JSON.stringify(unsigned)}`));
    server.put('!one:test', { ...renamed, unsigned });
    server.say('!one:test', '@one:test', words(`after ${JSON.stringify(unsigned)}`));
    await listener.message(`before ${JSON.stringify(unsigned)}`);
    await listener.message(`after ${JSON.stringify(unsigned)}`);
  }
});

test('a token the homeserver forgot begins anew and says so', async (t) => {
  const { listener, platform } = await setUp(t);
  listener.cursors.set('since', 's99999');
  await listener.begin();
  await listener.health('connected', /had forgotten where we were/);
  await platform.say('after');
  await listener.message('after');
});

test('an access token that is refused is fatal, in words with the fix', async (t) => {
  const { server, listener } = await setUp(t);
  server.syncFaults.push(refusal(401, 'M_UNKNOWN_TOKEN', { soft_logout: true }));
  await listener.begin();
  await listener.health('fatal', /soft logout.*access_token/);
});

test('a homeserver that asks to wait is not asked before', async (t) => {
  const { server, listener, platform } = await setUp(t);
  server.syncFaults.push(refusal(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 2500 }));
  await listener.begin();
  await listener.health('degraded', /asks to wait/);
  await platform.say('at last');
  await listener.message('at last');
  assert.deepEqual(server.violations, []);
});

test('an encrypted room is answered nothing, neither in the open, and health says why', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await server.oriented;
  server.say('!one:test', '@one:test', { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' }, 'm.room.encrypted');
  await listener.health('connected', /Encrypted rooms are not supported.*!one:test/);
  const part: OutboundPart = { idempotencyKey: 'k', conversation: platform.conversation(), body: plainText('x') };
  const outcome = await channel.send(part, forever);
  assert.ok(!outcome.ok && outcome.kind === 'refused' && outcome.code === 'encrypted');
  assert.deepEqual([server.sends, listener.committed.length], [0, 0]);
});

test('a third person makes a direct room a group', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('alone');
  await listener.message('alone');
  server.rooms.get('!one:test')?.members.add('@two:test');
  const join = { membership: 'join', displayname: 'Two' };
  server.put('!one:test', { type: 'm.room.member', state_key: '@two:test', sender: '@two:test', content: join });
  server.say('!one:test', '@two:test', words('hi all'));
  await listener.message('hi all');
  assert.deepEqual(
    listener.committed.map(({ chat, sender }) => [chat.type, chat.addressed, sender.display]),
    [
      ['direct', true, '@one:test'],
      ['group', false, 'Two'],
    ],
  );
});

test('who came into a room while more was said than a sync tells makes it a group as well', async (t) => {
  const { server, listener, platform } = await setUp(t);
  await listener.begin();
  await platform.say('alone');
  await listener.message('alone');
  server.rooms.get('!one:test')?.members.add('@silent:test');
  for (let n = 0; n < 120; n++) server.say('!one:test', '@one:test', words(`more ${n}`));
  await listener.message('more 119');
  assert.equal(listener.committed.at(-1)?.chat.type, 'group');
});

test('an answer to a message of ours is addressed to us, a thread is a conversation of its own', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await server.oriented;
  const place = { chat: 'group' as const };
  const thread = { ...platform.conversation(place), thread: '$root' };
  const sent = await channel.send({ idempotencyKey: 'k', conversation: thread, body: plainText('ours') }, forever);
  assert.ok(sent.ok);
  assert.deepEqual(server.shown('!group:test')[0]?.content['m.relates_to'], {
    rel_type: 'm.thread',
    event_id: '$root',
    is_falling_back: true,
    'm.in_reply_to': { event_id: '$root' },
  });
  const relation = { rel_type: 'm.thread', event_id: '$root', 'm.in_reply_to': { event_id: sent.ref } };
  server.say('!group:test', '@two:test', { ...words('and then?'), 'm.relates_to': relation });
  const event = await listener.message('and then?');
  assert.deepEqual([event.chat.addressed, event.conversation.thread], [true, '$root']);
  const answer = {
    idempotencyKey: 'l',
    conversation: platform.conversation(),
    replyTo: '$asked',
    body: plainText('x'),
  };
  await channel.send(answer, forever);
  assert.deepEqual(server.shown('!one:test')[0]?.content['m.relates_to'], { 'm.in_reply_to': { event_id: '$asked' } });
});

test('after a restart an answer to what was ours before is still known as one', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const before = await listener.begin();
  await listener.health('connected');
  const conversation = platform.conversation({ chat: 'group' });
  const sent = await before.send({ idempotencyKey: 'k', conversation, body: plainText('ours') }, forever);
  assert.ok(sent.ok);
  await listener.end();
  const answerTo = (id: string): object => ({ 'm.relates_to': { 'm.in_reply_to': { event_id: id } } });
  const other = server.say('!group:test', '@one:test', words('not ours'));
  await listener.begin();
  server.say('!group:test', '@two:test', { ...words('to you'), ...answerTo(sent.ref) });
  server.say('!group:test', '@two:test', { ...words('to somebody'), ...answerTo(other) });
  server.say('!group:test', '@two:test', { ...words('to nobody'), ...answerTo('$gone') });
  const addressed = async (text: string): Promise<boolean> => (await listener.message(text)).chat.addressed;
  assert.deepEqual(
    [await addressed('to you'), await addressed('to somebody'), await addressed('to nobody')],
    [true, false, false],
  );
});

test('nobody is ever pinged, and typing shows', async (t) => {
  const { server, listener, platform } = await setUp(t);
  const channel = await listener.begin();
  await server.oriented;
  const body = plainText('@room and @one:test');
  const sent = await channel.send({ idempotencyKey: 'k', conversation: platform.conversation(), body }, forever);
  assert.ok(sent.ok);
  await channel.edit?.({ conversation: platform.conversation(), native: sent.ref }, { body, final: true }, forever);
  await channel.typing?.(platform.conversation(), forever);
  const events = server.rooms.get('!one:test')?.entries.map(({ event }) => event.content) ?? [];
  assert.deepEqual(
    events.map((content) => content['m.mentions']),
    [{}, {}],
  );
  assert.deepEqual((events[1]?.['m.new_content'] as Record<string, unknown> | undefined)?.['m.mentions'], {});
  assert.deepEqual(server.typing, ['!one:test']);
});

test('a file behind the old address of media is found', async (t) => {
  const { server, listener } = await setUp(t);
  server.oldMedia = true;
  server.media.set('m1', Buffer.from('0123'));
  const channel = await listener.begin();
  const fetched = async (native: string): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of channel.fetchAttachment?.({ native, mimeType: 'text/plain' }, forever) ?? [])
      chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  assert.equal(await fetched('mxc://test/m1'), '0123');
  await assert.rejects(fetched('mxc://test/m2'), /not to be had/);
  await assert.rejects(fetched('https://elsewhere/m2'), /not to be had/);
});
