import assert from 'node:assert/strict';
import test from 'node:test';
import { maxIdentifiesPerDay } from '../../../../src/adapters/channels/discord/identify-budget.ts';
import { discordRig } from '../../../support/discord-rig.ts';
import type { DiscordRig } from '../../../support/discord-rig.ts';
import { ada, botId, channelId, directId, threadId } from '../../../support/discord-server.ts';

const flaps = Number(process.env['DISCORD_FLAPS'] ?? 50);

async function connected(rig: DiscordRig): Promise<void> {
  rig.start();
  await rig.state('connected');
  rig.server.say('hello');
  await rig.sink.heard('hello');
}

test('a message, its chat and its sender are told as they are', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  const id = server.say(`<@${botId}> look at <@${ada.id}>`, { channel: threadId });
  await sink.heard('look at @Ada');
  const event = sink.events.get(`message:${id}`);
  assert.deepEqual(event?.conversation, { channel: 'discord', account: 'main', native: threadId });
  assert.deepEqual(event.chat, {
    type: 'group',
    addressed: true,
    parents: [channelId, '900000000000000001'],
    title: 'a thread',
  });
  assert.deepEqual(event.sender, { native: ada.id, display: 'Ada', isBot: false });
  assert.deepEqual(server.violations, []);
  assert.equal(rig.channel.chatType(event.conversation), 'group');
  assert.equal(rig.channel.health().identity, 'clanker');
});

test('a dropped connection is resumed, and what was said meanwhile comes once and in order', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  for (const n of [1, 2, 3]) {
    server.gateway.drop();
    server.say(`gap ${n}a`);
    server.say(`gap ${n}b`);
    await sink.heard(`gap ${n}a`, `gap ${n}b`);
  }
  assert.deepEqual(sink.texts(), ['hello', ...[1, 2, 3].flatMap((n) => [`gap ${n}a`, `gap ${n}b`])]);
  assert.equal(server.gateway.identifies, 1);
  assert.equal(server.gateway.resumes, 3);
});

test('a session that cannot be resumed is replaced, and history fills the gap before anything newer', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  server.gateway.welcomes.push({ mode: 'refuse_resume' });
  // History is slow, so that what is said after the gap overtakes it if it can.
  const slow = Promise.withResolvers<void>();
  server.fail(/^GET \/channels\/\d+\/messages/, { mode: 'hold', until: slow.promise });
  server.gateway.drop();
  server.say('missed 1');
  server.say('missed 2');
  await server.gateway.until(() => server.gateway.identifies === 2);
  await rig.state('connected');
  server.say('after');
  slow.resolve();
  await sink.heard('missed 1', 'missed 2', 'after');
  assert.deepEqual(sink.texts(), ['hello', 'missed 1', 'missed 2', 'after']);
});

test('a resumed session that tells nothing of the gap loses nothing either', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  server.gateway.welcomes.push({ mode: 'resume_without_replay' });
  server.gateway.drop();
  server.say('missed');
  await sink.heard('missed');
  assert.equal(server.gateway.identifies, 1);
});

test('more was missed than one page of history holds', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  server.gateway.forgetSession();
  server.gateway.drop();
  const texts = Array.from({ length: 250 }, (_, n) => `missed ${n}`);
  for (const text of texts) server.say(text);
  await sink.heard('missed 249');
  assert.deepEqual(sink.texts(), ['hello', ...texts]);
});

test('after a new session a channel where nobody had spoken to us before is not forgotten', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  server.gateway.forgetSession();
  server.gateway.drop();
  server.say(`<@${botId}> missed in a channel`, { channel: channelId });
  server.say(`<@${botId}> missed in a thread`, { channel: threadId });
  await sink.heard('missed in a channel', 'missed in a thread');
  assert.deepEqual(sink.texts().length, 3);
});

const history = /^GET \/channels\/\d+\/messages/;

test('a process that dies while history is still being fetched has lost nothing of what waited for it', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  server.fail(history, { mode: 'hold', until: new Promise(() => undefined) });
  server.gateway.forgetSession();
  server.gateway.drop();
  server.say('missed');
  await server.gateway.until(() => server.gateway.identifies === 2);
  await rig.state('connected');
  const reaction = { user_id: ada.id, channel_id: directId, message_id: '1', emoji: { name: '👍', id: null } };
  server.gateway.tell('MESSAGE_REACTION_ADD', reaction);
  server.say(`<@${botId}> elsewhere`, { channel: channelId });
  await sink.heard('elsewhere');
  assert.deepEqual(sink.texts(), ['hello', 'elsewhere']);
  const atDeath = new Map(sink.cursors);
  await rig.stop();
  for (const [key, value] of atDeath) sink.cursors.set(key, value);
  rig.again().start();
  await sink.heard('missed', '👍');
  assert.equal(server.gateway.identifies, 2);
});

test('what could not be fetched is still asked for after a restart, though newer words were let through', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  for (let n = 0; n < 100; n++) server.fail(history, { mode: 'answer', status: 500, body: {} });
  server.gateway.forgetSession();
  server.gateway.drop();
  server.say('missed');
  await server.gateway.until(() => server.gateway.identifies === 2);
  server.say('newer');
  await sink.heard('newer');
  assert.deepEqual(sink.texts(), ['hello', 'newer']);
  await rig.stop();
  server.recover();
  rig.again().start();
  await sink.heard('missed');
});

test("what was said in a server before the bot joined it is nobody's question", async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  server.gateway.drop();
  await server.gateway.until(() => server.gateway.resumes === 1);
  await rig.state('connected');
  const old = server.say(`<@${botId}> long ago`, { channel: channelId, more: { author: { ...ada, bot: true } } });
  server.gateway.tell('GUILD_CREATE', {
    id: '900000000000000077',
    joined_at: new Date(Date.now() + 60_000).toISOString(),
    channels: [{ id: '900000000000000078', type: 0, last_message_id: old }],
  });
  server.say('next');
  await sink.heard('next');
  assert.ok(server.calls.every(({ path }) => !path.includes('900000000000000078')));
});

test('history that cannot be read keeps nobody waiting for long', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  for (let n = 0; n < 3; n++) server.fail(history, { mode: 'answer', status: 500, body: {} });
  server.gateway.forgetSession();
  server.gateway.drop();
  server.say('missed');
  await server.gateway.until(() => server.gateway.identifies === 2);
  server.say('after');
  await sink.heard('after', 'missed');
  server.gateway.drop();
  server.fail(history, { mode: 'answer', status: 403, body: { code: 50_001, message: 'Missing Access' } });
  server.say('and on');
  await sink.heard('and on');
});

for (const [name, act] of [
  ['asks to reconnect', (rig) => rig.server.gateway.reconnect()],
  ['calls the session invalid but resumable', (rig) => rig.server.gateway.invalidate(true)],
  ['calls the session invalid', (rig) => rig.server.gateway.invalidate(false)],
  ['closes as after a decode error', (rig) => rig.server.gateway.close(4002)],
  ['closes as after a wrong sequence number', (rig) => rig.server.gateway.close(4007)],
  ['closes as after a session that timed out', (rig) => rig.server.gateway.close(4009)],
  ['closes as when it goes away', (rig) => rig.server.gateway.close(1001)],
] as [string, (rig: DiscordRig) => void][]) {
  test(`the gateway ${name}: it goes on with one connection and nothing missed`, async (t) => {
    const rig = await discordRig(t);
    await connected(rig);
    act(rig);
    rig.server.say('meanwhile');
    await rig.sink.heard('meanwhile');
    await rig.state('connected');
    rig.server.say('afterwards');
    await rig.sink.heard('afterwards');
    assert.deepEqual(rig.sink.texts(), ['hello', 'meanwhile', 'afterwards']);
    assert.equal(rig.server.gateway.most, 1);
    assert.deepEqual(rig.server.violations, []);
  });
}

for (const code of [4004, 4010, 4011, 4012, 4013, 4014]) {
  test(`close code ${code} is told with its fix, and not tried again at once`, async (t) => {
    const rig = await discordRig(t, { times: 1 });
    rig.server.gateway.welcomes.push({ mode: 'close', code });
    rig.start();
    await rig.state('fatal', code === 4014 ? /Message Content Intent/ : /\./);
    assert.ok((rig.clock.naps.at(-1) ?? 0) >= 600_000, String(rig.clock.naps));
    assert.equal(rig.server.gateway.identifies, 0);
  });
}

test('a token that Discord does not know is fatal before any session is begun', async (t) => {
  const rig = await discordRig(t, { times: 1 });
  rig.server.fail(/users\/@me/, { mode: 'answer', status: 401, body: { code: 0, message: '401: Unauthorized' } });
  rig.start();
  await rig.state('fatal', /bot_token/);
  assert.equal(rig.server.gateway.most, 0);
});

test('a privileged intent that was turned on is noticed without a restart', async (t) => {
  const rig = await discordRig(t, { times: 10_000 });
  rig.server.gateway.welcomes.push({ mode: 'close', code: 4014 });
  rig.start();
  await rig.state('connected');
});

test('a half-open connection is found out by the missing heartbeat and resumed', async (t) => {
  const rig = await discordRig(t, { heartbeatMs: 1000 });
  await connected(rig);
  const { server, sink } = rig;
  server.gateway.deafen();
  server.say('into the void');
  await sink.heard('into the void');
  assert.equal(server.gateway.identifies, 1);
  assert.equal(server.gateway.resumes, 1);
});

test('a heartbeat that is asked for is sent, and a server that never greets is left', async (t) => {
  const rig = await discordRig(t, { times: 1000 });
  rig.server.gateway.welcomes.push({ mode: 'silent' }, { mode: 'deaf' });
  rig.start();
  await rig.state('connected');
  rig.server.gateway.askForHeartbeat();
  rig.server.say('there');
  await rig.sink.heard('there');
  assert.deepEqual(rig.server.violations, []);
});

test('what is told twice is one event', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  rig.server.gateway.repeat('MESSAGE_CREATE');
  rig.server.say('next');
  await rig.sink.heard('next');
  assert.deepEqual(rig.sink.texts(), ['hello', 'next']);
});

test(`${flaps} drops in a row: nothing lost, nothing out of order, never two connections, one session`, async (t) => {
  const rig = await discordRig(t, { times: 200 });
  await connected(rig);
  const { server, sink } = rig;
  for (let n = 0; n < flaps; n++) {
    server.gateway.drop();
    server.say(`flap ${n}`);
    await sink.heard(`flap ${n}`);
  }
  assert.deepEqual(sink.texts(), ['hello', ...Array.from({ length: flaps }, (_, n) => `flap ${n}`)]);
  assert.equal(server.gateway.most, 1);
  assert.equal(server.gateway.identifies, 1);
  const pauses = rig.clock.naps.filter((ms) => ms >= 1000 && ms <= 2000);
  assert.ok(pauses.length >= flaps / 2, 'connections that do not last are taken up again at a pace');
});

test('a session that dies again and again is begun anew ever more slowly, and not more often than a day allows', async (t) => {
  const rig = await discordRig(t, { times: 1_000_000 });
  const { server, clock } = rig;
  server.gateway.welcomes.push(...Array.from({ length: 400 }, () => ({ mode: 'close' as const, code: 4000 })));
  rig.start();
  await rig.state('fatal', /sessions were begun within a day/);
  const used = 400 - server.gateway.welcomes.length;
  assert.equal(used, maxIdentifiesPerDay);
  assert.ok(clock.naps.includes(600_000), 'the pause grew to ten minutes');
  await rig.stop();
  // A restart has not forgotten it.
  const again = rig.again();
  again.start();
  await again.state('fatal', /sessions were begun within a day/);
  assert.equal(400 - server.gateway.welcomes.length, used);
  await again.stop();
  // The next day it is tried again.
  const later = rig.again();
  later.clock.aheadMs = 24 * 3_600_000 + 1;
  server.gateway.welcomes.length = 0;
  later.start();
  await later.state('connected');
});

test('no session is begun while Discord allows none', async (t) => {
  const rig = await discordRig(t, { times: 1 });
  const limit = { total: 1000, remaining: 0, reset_after: 7_200_000, max_concurrency: 1 };
  const body = { url: 'ws://127.0.0.1:1/', shards: 1, session_start_limit: limit };
  rig.server.fail(/gateway\/bot/, { mode: 'answer', status: 200, body });
  rig.start();
  await rig.state('degraded', /no new session/);
  assert.ok(rig.clock.naps.includes(7_200_000));
});

test('what cannot be stored is offered again, keeps its order, and moves no position', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  const position = sink.cursors.get('gateway');
  sink.broken = 3;
  server.say('one');
  server.say('two');
  await rig.state('degraded', /cannot be stored/);
  assert.equal(sink.cursors.get('gateway'), position);
  await sink.heard('one', 'two');
  assert.deepEqual(sink.texts(), ['hello', 'one', 'two']);
  await rig.state('connected');
});

test('while the store is stuck only so much is held, and all of it comes in the end', async (t) => {
  const rig = await discordRig(t, { times: 100 });
  await connected(rig);
  const { server, sink } = rig;
  const stuck = Promise.withResolvers<void>();
  sink.held = stuck.promise;
  const texts = Array.from({ length: 3000 }, (_, n) => `much ${n}`);
  for (const text of texts) server.say(text);
  await rig.state('degraded', /no more are taken/);
  await server.gateway.until(() => server.gateway.connections === 0);
  stuck.resolve();
  sink.held = null;
  await sink.heard('much 2999');
  assert.deepEqual(sink.texts(), ['hello', ...texts]);
});

test('after a restart the session is resumed where the store stands, not where the socket stood', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  await rig.stop();
  assert.equal(rig.server.gateway.closeCodes.at(-1), 4900);
  rig.server.say('while away');
  const again = rig.again();
  again.start();
  await again.sink.heard('while away');
  assert.equal(rig.server.gateway.identifies, 1);
  assert.deepEqual(again.sink.texts(), ['hello', 'while away']);
});

test('another guild is not listened to when one is set, direct messages are', async (t) => {
  const rig = await discordRig(t, { guildId: '900000000000000099' });
  await connected(rig);
  rig.server.say(`<@${botId}> from the other guild`, { channel: channelId });
  rig.server.say('direct');
  await rig.sink.heard('direct');
  assert.deepEqual(rig.sink.texts(), ['hello', 'direct']);
});

test('frames and dispatches of no known shape are counted and end nothing', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { server, sink } = rig;
  for (const data of [null, {}, { id: 'x' }, { id: '1', channel_id: 7 }, { id: '1', channel_id: '2', content: 5 }]) {
    server.gateway.tell('MESSAGE_CREATE', data);
    server.gateway.tell('MESSAGE_REACTION_ADD', data);
    server.gateway.tell('INTERACTION_CREATE', data);
    server.gateway.tell('GUILD_CREATE', data);
    server.gateway.tell('SOMETHING_NEW', data);
  }
  server.say('still here');
  await sink.heard('still here');
  assert.ok(sink.malformedDetails.length >= 8, String(sink.malformedDetails));
});
