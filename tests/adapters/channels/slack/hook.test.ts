import assert from 'node:assert/strict';
import test from 'node:test';
import type { HookRequest } from '../../../../src/core/ports/channel.ts';
import { chats } from '../../../support/slack-counterpart.ts';
import { clockAt, slackRig } from '../../../support/slack-rig.ts';
import type { SlackRig } from '../../../support/slack-rig.ts';
import { people } from '../../../support/slack-workspace.ts';

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
const challenge = JSON.stringify({ type: 'url_verification', challenge: 'c4' });

async function hooked(t: Parameters<typeof slackRig>[0]): Promise<SlackRig> {
  const rig = await slackRig(t, { mode: 'http' });
  rig.start();
  await rig.state('connected');
  return rig;
}

const eventBody = (text: string, id = 'Ev1'): string =>
  JSON.stringify({
    type: 'event_callback',
    event_id: id,
    event: { type: 'message', channel: chats.one, user: people.one, ts: '1700000000.000100', text },
  });

const now = (): number => Math.floor(Date.now() / 1000);

test('K-13: the question whose address this is, is answered only when it is signed', async (t) => {
  const rig = await hooked(t);
  const answer = await rig.slack.hook(challenge, json);
  assert.deepEqual([answer?.status, JSON.parse(answer?.body ?? '{}')], [200, { challenge: 'c4' }]);
  const unsigned = await rig.slack.hook(challenge, json, { 'x-slack-signature': undefined });
  assert.equal(unsigned?.status, 401);
});

test('K-02, K-05, K-14: what is not signed with our secret, for this body and this time, changes nothing', async (t) => {
  const rig = await hooked(t);
  const wrong: HookRequest['headers'][] = [
    { 'x-slack-signature': undefined },
    { 'x-slack-signature': '' },
    { 'x-slack-signature': `v0=${'0'.repeat(64)}` },
    { 'x-slack-signature': 'v1=abc' },
    ...[now() - 301, now() + 600, -5, Number.NaN, 1e20].map((at) => ({ 'x-slack-request-timestamp': String(at) })),
  ];
  for (const headers of wrong) {
    const answer = await rig.slack.hook(eventBody('stranger'), json, headers);
    assert.equal(answer?.status, 401, JSON.stringify(headers));
  }
  assert.deepEqual(rig.events, []);
  assert.match(rig.channel.health().detail, /none has passed yet: it is not signed|none has passed yet: the/);
  assert.equal((await rig.slack.hook(eventBody('friend'), json))?.status, 200);
  assert.equal(rig.channel.health().detail, '');
});

test('K-04: a repeat of Slack, or of who recorded it, has one effect', async (t) => {
  const rig = await hooked(t);
  const retry = { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' };
  for (const headers of [{}, retry, {}])
    assert.equal((await rig.slack.hook(eventBody('once'), json, headers))?.status, 200);
  assert.deepEqual(rig.texts(), ['once']);
});

test('commands and buttons come as forms and are answered at once, without a word', async (t) => {
  const rig = await hooked(t);
  const command = new URLSearchParams({
    command: '/clanker',
    text: 'status',
    trigger_id: '1.1',
    user_id: people.one,
    channel_id: chats.group,
    response_url: 'https://hooks.slack.com/x',
  });
  const payload = {
    type: 'block_actions',
    trigger_id: '2.2',
    user: { id: people.two },
    channel: { id: chats.group },
    message: { ts: '1700000000.000100' },
    actions: [{ value: '/deny 1' }],
  };
  const press = new URLSearchParams({ payload: JSON.stringify(payload) });
  for (const body of [command, press]) {
    const answer = await rig.slack.hook(body.toString(), `${form}; charset=utf-8`);
    assert.deepEqual(answer, { status: 200 });
  }
  assert.deepEqual(
    rig.events.map(({ kind, text, sender }) => [kind, text, sender.native]),
    [
      ['message', '/status', people.one],
      ['action', '/deny 1', people.two],
    ],
  );
});

test('what is no message is taken without a word, what nobody understands is counted, and neither is repeated', async (t) => {
  const rig = await hooked(t);
  const status = async (body: string, type = json): Promise<number | undefined> =>
    (await rig.slack.hook(body, type))?.status;
  assert.equal(await status('ssl_check=1&token=x', form), 200);
  assert.equal(await status('{"type":"app_rate_limited"}'), 200);
  assert.equal(await status('{"type":"event_callback","event":{"type":"team_join"}}'), 200);
  assert.equal(await status('{"type":"event_callback"}'), 200);
  assert.equal(await status('not json'), 400);
  assert.equal(await status('payload=x', form), 400);
  assert.equal(rig.malformed.length, 3);
});

test('before it knows who it is, and after it was stopped, it asks Slack to deliver again', async (t) => {
  const rig = await slackRig(t, { mode: 'http' });
  assert.equal((await rig.slack.hook(eventBody('early'), json))?.status, 503);
  rig.server.next(/auth.test/, { kind: 'hang' });
  rig.start();
  assert.equal((await rig.slack.hook(eventBody('early'), json))?.status, 503);
  await rig.channel.stop(1000);
  assert.equal((await rig.slack.hook(eventBody('late'), json))?.status, 503);
  assert.deepEqual(rig.events, []);
});

test('a commit that hangs is no reason to keep Slack waiting, and no reason to say that it was taken', async (t) => {
  const rig = await hooked(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  rig.hold(promise);
  assert.equal((await rig.slack.hook(eventBody('slow'), json))?.status, 503);
  resolve();
  assert.equal((await rig.slack.hook(eventBody('slow'), json))?.status, 200);
  assert.deepEqual(rig.texts(), ['slow']);
});

test('a token that is revoked while nobody uses it is noticed', async (t) => {
  const rig = await slackRig(t, { mode: 'http', clock: clockAt(2000) });
  rig.start();
  await rig.state('connected');
  rig.server.next(/auth.test/, { kind: 'error', error: 'token_revoked' });
  await rig.state('fatal', /revoked/);
  await rig.state('connected');
});

test('with Socket Mode alone the hook proves nothing and takes nothing', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.state('connected');
  assert.equal((await rig.slack.hook(eventBody('x'), json))?.status, 401);
});
