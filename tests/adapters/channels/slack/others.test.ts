/** The channel against servers of other people that speak like Slack. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { startSlackServer } from '@openclaw/crabline';
import { createEmulator } from 'emulate';
import { createSlackChannel } from '../../../../src/adapters/channels/slack/index.ts';
import { createHttpClient } from '../../../../src/adapters/http-client/index.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { systemRandom } from '../../../../src/adapters/system/index.ts';
import type { Channel } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import type { Counterpart } from '../../../support/counterpart.ts';
import { CountedMetrics, KeptLog } from '../../../support/door.ts';
import { Listener } from '../../../support/listener.ts';

const { signal } = new AbortController();

function channelTo(t: TestContext, apiRoot: string, botToken: string, signingSecret = 'none'): Channel {
  const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
  t.after(() => http.close());
  return createSlackChannel({
    account: 'main',
    botToken: new Secret(botToken),
    signingSecret: new Secret(signingSecret),
    apiRoot,
    http,
    random: systemRandom,
  });
}

const listening = (t: TestContext, channel: Channel): Listener =>
  new Listener(t, { channel: () => Promise.resolve(channel) } as unknown as Counterpart);

test('crabline: signed events come in once although the first commit fails, and answers go out in their thread', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slack-'));
  let channel: Channel | null = null;
  const door = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { headers } = request;
      const asked = { method: 'POST', headers, query: new URLSearchParams(), body: Buffer.concat(chunks) } as const;
      void channel?.hook?.(asked as Parameters<NonNullable<Channel['hook']>>[0], signal).then((answer) => {
        response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const server = await startSlackServer({
    recorderPath: path.join(folder, 'calls.jsonl'),
    eventsRequestUrl: `http://127.0.0.1:${(door.address() as AddressInfo).port}/hooks/slack/main`,
  });
  const { botToken, signingSecret, endpoints, adminToken } = server.manifest;
  channel = channelTo(t, endpoints.apiRoot, botToken, signingSecret);
  const listener = listening(t, channel);
  t.after(async () => {
    await listener.end();
    await server.close();
    door.closeAllConnections();
    door.close();
    await rm(folder, { recursive: true });
  });
  listener.failures = 1;
  await listener.begin();
  const injected = await fetch(endpoints.adminInboundUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
    body: JSON.stringify({ channel: 'C1234567890', user: 'U1234567890', text: '<@UCRABBOT> hi & hello' }),
  });
  assert.ok(injected.ok, await injected.text());
  const event = await listener.message('hi & hello');
  assert.equal(event.chat.addressed, true);
  const { conversation } = event;
  assert.equal(conversation.thread, event.native);
  const body = createMarkdown().parse('**Hello** _there_ <!channel>');
  const part = { idempotencyKey: 'k', conversation, replyTo: event.native, body };
  const sent = await channel.send(part, signal);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.equal(await channel.findSent?.(part, signal), sent.ref);
  assert.equal(await channel.findSent?.({ ...part, idempotencyKey: 'other' }, signal), null);
  const nobody = await channel.send(
    { ...part, conversation: { ...conversation, thread: '1700000000.900000' } },
    signal,
  );
  assert.ok(!nobody.ok && nobody.kind === 'refused' && nobody.code === 'thread_gone', JSON.stringify(nobody));
});

test('emulate: posts, threads, edits and files are taken as Slack takes them', async (t) => {
  const emulator = await createEmulator({ service: 'slack', port: 0 });
  t.after(() => emulator.close());
  const channel = channelTo(t, `${emulator.url}/api`, 'xoxb-test');
  const headers = { authorization: 'Bearer xoxb-test' };
  const answer = await fetch(`${emulator.url}/api/conversations.list`, { method: 'POST', headers });
  const { channels } = (await answer.json()) as { channels: { id: string }[] };
  const conversation = channel.conversation(channels[0]?.id ?? '');
  const body = createMarkdown().parse('**Hello** _there_ <!channel>');
  const first = await channel.send({ idempotencyKey: 'k1', conversation, body }, signal);
  assert.ok(first.ok, JSON.stringify(first));
  const thread = channel.conversation(conversation.native, first.ref);
  const second = await channel.send({ idempotencyKey: 'k2', conversation: thread, body: plainText('below') }, signal);
  assert.ok(second.ok, JSON.stringify(second));
  const change = { body: plainText('below, & better'), final: true };
  assert.deepEqual(await channel.edit?.({ conversation: thread, native: second.ref }, change, signal), second);
  const file = new TextEncoder().encode('some bytes');
  const described = { id: 'file_1', mimeType: 'text/plain', size: file.length, name: 'a.txt' };
  const upload = await channel.send(
    { idempotencyKey: 'k3', conversation, body: { ...plainText('look'), file: described }, file },
    signal,
  );
  assert.ok(upload.ok, JSON.stringify(upload));
  const chunks: Uint8Array[] = [];
  for await (const chunk of channel.fetchAttachment?.({ native: upload.ref, mimeType: 'text/plain' }, signal) ?? [])
    chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'some bytes');
  const gone = await channel.edit?.({ conversation, native: '1700000000.000009' }, change, signal);
  assert.ok(gone?.ok === false && gone.kind === 'refused' && gone.code === 'edit_gone', JSON.stringify(gone));
});
