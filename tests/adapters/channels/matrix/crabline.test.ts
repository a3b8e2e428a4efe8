/** The channel against a homeserver of other people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startMatrixServer } from '@openclaw/crabline';
import { createMatrixChannel } from '../../../../src/adapters/channels/matrix/index.ts';
import { createHttpClient } from '../../../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../../../src/adapters/system/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { CountedMetrics, KeptLog } from '../../../support/door.ts';
import { Listener } from '../../../support/listener.ts';
import { startMatrixCounterpart } from '../../../support/matrix-counterpart.ts';

const forever = new AbortController().signal;

test('a message goes in, an answer goes out once and is edited, and a restart goes on where it was', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'matrix-'));
  const server = await startMatrixServer({ recorderPath: path.join(folder, 'calls.jsonl') });
  const { accessToken, adminToken, baseUrl, endpoints } = server.manifest;
  const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
  const counterpart = await startMatrixCounterpart();
  counterpart.channel = () =>
    Promise.resolve(
      createMatrixChannel({
        account: 'main',
        homeserver: baseUrl,
        token: new Secret(accessToken),
        joins: () => true,
        http,
        random: systemRandom,
      }),
    );
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
      body: JSON.stringify({ senderId: '@ada:matrix.test', senderName: 'Ada', ...body }),
    });
    assert.ok(answer.ok, await answer.text());
  };
  const channel = await listener.begin();
  await listener.health('connected');
  const roomId = '!direct:matrix.test';
  await inject({ roomId, direct: true, text: 'hello' });
  const event = await listener.message('hello');
  assert.deepEqual([event.chat.type, event.sender.display], ['direct', 'Ada']);
  const part = { idempotencyKey: 'k', conversation: event.conversation, replyTo: event.native, body: plainText('Hi') };
  const sent = await channel.send(part, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.deepEqual(await channel.send(part, forever), sent);
  const message = { conversation: event.conversation, native: sent.ref };
  assert.deepEqual(await channel.edit?.(message, { body: plainText('Hi!'), final: true }, forever), sent);
  await channel.typing?.(event.conversation, forever);
  await listener.end();
  await inject({ roomId, text: 'while away' });
  await listener.begin();
  await listener.message('while away');
  assert.deepEqual(
    listener.committed.map(({ text }) => text),
    ['hello', 'while away'],
  );
});
