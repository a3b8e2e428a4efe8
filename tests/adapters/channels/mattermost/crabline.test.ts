/** The channel against a server of other people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startMattermostServer } from '@openclaw/crabline';
import { createMattermostChannel } from '../../../../src/adapters/channels/mattermost/index.ts';
import { createHttpClient } from '../../../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../../../src/adapters/system/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { CountedMetrics, KeptLog } from '../../../support/door.ts';
import { Listener } from '../../../support/listener.ts';
import { startMattermostCounterpart } from '../../../support/mattermost-counterpart.ts';
import { idOf } from '../../../support/mattermost-server.ts';

const forever = new AbortController().signal;

test('a message goes in, an answer goes out and is edited, and a restart hears what was said meanwhile', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'mattermost-'));
  const server = await startMattermostServer({ recorderPath: path.join(folder, 'calls.jsonl') });
  const { botToken, adminToken, baseUrl, endpoints } = server.manifest;
  const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
  const counterpart = await startMattermostCounterpart();
  const options = { account: 'main', apiRoot: baseUrl, token: new Secret(botToken), http, random: systemRandom };
  counterpart.channel = () => Promise.resolve(createMattermostChannel(options));
  const listener = new Listener(t, counterpart);
  t.after(async () => {
    await listener.end();
    http.close();
    await server.close();
    await counterpart.close();
    await rm(folder, { recursive: true });
  });
  const inject = async (body: object): Promise<void> => {
    const answer = await fetch(endpoints.adminInboundUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
      body: JSON.stringify({ senderId: idOf('ada'), senderName: 'ada', ...body }),
    });
    assert.ok(answer.ok, await answer.text());
  };
  const channel = await listener.begin();
  await listener.health('connected');
  await inject({ text: 'hello' });
  const event = await listener.message('hello');
  assert.deepEqual([event.chat.type, event.sender.display], ['direct', 'ada']);
  const { conversation, native } = event;
  const sent = await channel.send(
    { idempotencyKey: 'k', conversation, replyTo: native, body: plainText('Hi') },
    forever,
  );
  assert.ok(sent.ok, JSON.stringify(sent));
  const message = { conversation, native: sent.ref };
  assert.deepEqual(await channel.edit?.(message, { body: plainText('Hi!'), final: true }, forever), sent);
  await channel.typing?.(conversation, forever);
  await inject({ channelId: idOf('town'), channelType: 'O', text: '@crabline_bot in public' });
  const addressed = await listener.message('in public');
  assert.deepEqual([addressed.chat.type, addressed.chat.addressed], ['group', true]);
  await listener.end();
  await inject({ text: 'while away' });
  await listener.begin();
  await listener.message('while away');
});
