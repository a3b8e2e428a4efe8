import assert from 'node:assert/strict';
import test from 'node:test';
import type { CallFault } from '../../../support/slack-server.ts';
import { fastClock, slackRig } from '../../../support/slack-rig.ts';

test('nothing is acknowledged before its commit, and everything after it', async (t) => {
  const rig = await slackRig(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  rig.hold(promise);
  rig.start();
  await rig.slack.say('one');
  await rig.slack.say('two');
  await rig.until(() => rig.server.calls.some(({ method }) => method === 'users.info'));
  assert.deepEqual(rig.server.acks, []);
  resolve();
  await rig.until(() => rig.server.acks.length === 2);
  assert.deepEqual(rig.texts(), ['one', 'two']);
});

test('a connection that Slack wants to end is replaced before it is closed, and nothing said meanwhile is lost', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  for (const reason of ['warning', 'refresh_requested', 'refresh_requested']) {
    const { greeted } = rig.server;
    const [old] = rig.server.sockets;
    rig.server.disconnect(reason);
    await rig.until(() => rig.server.greeted > greeted && rig.server.sockets.size === 1);
    assert.ok(old !== undefined && !rig.server.sockets.has(old));
    await rig.slack.say(`after ${reason} ${greeted}`);
    await rig.until(() => rig.events.length === greeted + 1);
  }
  assert.equal(rig.server.mostSockets, 2);
  assert.equal(rig.server.of('conversations.history').length, 0, 'there was no gap to read up');
  assert.equal(rig.channel.health().state, 'connected');
});

test('both warnings of one connection bring one new connection', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.state('connected');
  rig.server.disconnect('warning');
  rig.server.disconnect('refresh_requested');
  await rig.until(() => rig.server.greeted === 2 && rig.server.sockets.size === 1);
  await rig.slack.say('still here');
  await rig.until(() => rig.texts().includes('still here'));
  assert.equal(rig.server.greeted, 2);
});

test('a connection that falls silent is given up, and what was said into it is read again', async (t) => {
  const rig = await slackRig(t, { clock: fastClock });
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  const [socket] = rig.server.sockets;
  socket?.pause();
  rig.server.sockets.clear();
  await rig.slack.say('into the void');
  await rig.until(() => rig.texts().includes('into the void'));
  assert.equal(rig.server.greeted, 2);
  socket?.terminate();
});

test('a server that never greets is given up with words, and tried again', async (t) => {
  const rig = await slackRig(t, { clock: fastClock });
  rig.server.mute = true;
  rig.start();
  await rig.state('degraded', /did not greet us/);
  assert.ok(rig.server.sockets.size <= 1);
  rig.server.mute = false;
  await rig.state('connected');
});

const troubles: [RegExp, CallFault, string, RegExp][] = [
  [/auth.test/, { kind: 'error', error: 'invalid_auth' }, 'fatal', /bot_token/],
  [/auth.test/, { kind: 'error', error: 'account_inactive' }, 'fatal', /removed from the workspace/],
  [/auth.test/, { kind: 'error', error: 'token_revoked' }, 'fatal', /revoked/],
  [/connections.open/, { kind: 'error', error: 'not_allowed_token_type' }, 'fatal', /app_token with xapp-/],
  [
    /connections.open/,
    { kind: 'error', error: 'missing_scope', needed: 'connections:write' },
    'fatal',
    /connections:write/,
  ],
  [/auth.test/, { kind: 'status', status: 503 }, 'degraded', /HTTP 503/],
  [/connections.open/, { kind: 'rate_limited', seconds: 90 }, 'degraded', /asks to wait/],
  [/connections.open/, { kind: 'lost' }, 'degraded', /cannot be reached/],
];
for (const [method, fault, state, detail] of troubles) {
  test(`${JSON.stringify(fault)} of ${method.source} is ${state}, in words that help`, async (t) => {
    const rig = await slackRig(t, { clock: fastClock });
    rig.server.next(method, fault);
    rig.start();
    await rig.state(state, detail);
    await rig.state('connected');
    const shown = JSON.stringify([rig.channel.health(), rig.slack.log.lines]);
    for (const secret of rig.slack.secrets) assert.ok(!shown.includes(secret));
  });
}

test('Socket Mode that was turned off is fatal, too many connections are not, and both say what to do', async (t) => {
  const rig = await slackRig(t, { clock: fastClock });
  rig.start();
  await rig.state('connected');
  rig.server.disconnect('link_disabled');
  await rig.state('fatal', /turn it on again/);
  await rig.state('connected');
  rig.server.disconnect('too_many_websockets');
  await rig.state('degraded', /stop the other programs/);
  await rig.state('connected');
  await rig.until(() => rig.server.sockets.size === 1);
});

test('another program with the same token is told about', async (t) => {
  const rig = await slackRig(t);
  rig.server.countedConnections = 3;
  rig.start();
  await rig.state('connected', /2 more connections of this app/);
});

test('frames that are no envelopes and events that make no sense are counted and hurt nobody', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.state('connected');
  const [socket] = rig.server.sockets;
  for (const frame of ['{', 'null', '[]', '{"type":"novelty"}', '7']) socket?.send(frame);
  socket?.send(Buffer.from([1, 2, 3]), { binary: true });
  for (const event of [null, {}, { type: 'message' }, { type: 'message', channel: 7, ts: 'x' }, 'text'])
    await rig.slack.event(event as object);
  await rig.slack.event({ type: 'message', channel: 'C1', ts: '17.1', user: '../etc', text: 'x' });
  await rig.slack.deliver({ type: 'interactive', payload: { type: 'view_submission' } });
  await rig.slack.deliver({ type: 'novelty' as 'interactive', payload: {} });
  await rig.slack.say('and on it goes');
  await rig.until(() => rig.server.acks.length === 9);
  assert.deepEqual(rig.texts(), ['and on it goes']);
  assert.ok(rig.malformed.length >= 10, JSON.stringify(rig.malformed));
  assert.equal(rig.server.greeted, 1);
});

test('without any way to receive it says which key to give, and can still send', async (t) => {
  const rig = await slackRig(t, { appToken: undefined });
  rig.start();
  await rig.state('fatal', /app_token.*signing_secret/s);
  const body = { text: 'hello', spans: [] };
  const part = { idempotencyKey: 'k', conversation: rig.slack.conversation(), body };
  assert.equal((await rig.channel.send(part, new AbortController().signal)).ok, true);
});
