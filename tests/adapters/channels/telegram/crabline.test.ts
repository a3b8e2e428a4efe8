/** The channel against a Bot API server of other people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startTelegramServer } from '@openclaw/crabline';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { telegramRig } from '../../../support/telegram-rig.ts';

test('a message goes in, an answer goes out and is edited, as with Telegram', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'telegram-'));
  const server = await startTelegramServer({ recorderPath: path.join(folder, 'calls.jsonl') });
  const { adminToken, botToken, endpoints } = server.manifest;
  const rig = telegramRig({ apiRoot: endpoints.apiRoot, botToken });
  t.after(async () => {
    await rig.close();
    await server.close();
    await rm(folder, { recursive: true });
  });
  rig.start();
  await rig.state('connected');
  const inject = (text: string): Promise<Response> =>
    fetch(endpoints.adminInboundUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
      body: JSON.stringify({ chatId: '100000001', text, fromId: '100000001', fromName: 'Ada', chatType: 'private' }),
    });
  for (const text of ['one', 'two']) assert.equal((await inject(text)).ok, true);
  await rig.sink.until(() => rig.sink.events.size === 2);
  assert.deepEqual(rig.sink.texts(), ['one', 'two']);
  const [event] = rig.sink.events.values();
  assert.ok(event?.chat.addressed);
  const { conversation, native } = event;
  const { signal } = new AbortController();
  await rig.channel.typing?.(conversation, signal);
  const body = createMarkdown().parse('**Hello** _there_ `x`');
  const sent = await rig.channel.send({ idempotencyKey: 'k', conversation, replyTo: native, body }, signal);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.deepEqual(
    await rig.channel.edit?.({ conversation, native: sent.ref }, { body: plainText('Done'), final: true }, signal),
    sent,
  );
  const tooLong = await rig.channel.send(
    { idempotencyKey: 'l', conversation, body: plainText('😀'.repeat(4096)) },
    signal,
  );
  assert.ok(!tooLong.ok && tooLong.kind === 'refused', JSON.stringify(tooLong));
});
