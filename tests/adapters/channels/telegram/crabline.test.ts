/** The channel against a Bot API server of other people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { startTelegramServer } from '@openclaw/crabline';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { openDoor } from '../../../support/door.ts';
import { hookInto } from '../../../support/telegram-counterpart.ts';
import { telegramRig } from '../../../support/telegram-rig.ts';

type Counterpart = Awaited<ReturnType<typeof startTelegramServer>>['manifest'];

async function serve(t: TestContext): Promise<Counterpart> {
  const folder = await mkdtemp(path.join(tmpdir(), 'telegram-'));
  const server = await startTelegramServer({ recorderPath: path.join(folder, 'calls.jsonl') });
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  return server.manifest;
}

async function inject({ adminToken, endpoints }: Counterpart, text: string): Promise<void> {
  const answer = await fetch(endpoints.adminInboundUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
    body: JSON.stringify({ chatId: '100000001', text, fromId: '100000001', fromName: 'Ada', chatType: 'private' }),
  });
  assert.equal(answer.ok, true);
}

test('a message goes in, an answer goes out and is edited, as with Telegram', async (t) => {
  const counterpart = await serve(t);
  const rig = telegramRig({ apiRoot: counterpart.endpoints.apiRoot, botToken: counterpart.botToken });
  t.after(() => rig.close());
  rig.start();
  await rig.state('connected');
  for (const text of ['one', 'two']) await inject(counterpart, text);
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

test('a file goes out as a form that others read', async (t) => {
  const counterpart = await serve(t);
  const rig = telegramRig({ apiRoot: counterpart.endpoints.apiRoot, botToken: counterpart.botToken });
  t.after(() => rig.close());
  rig.start();
  await inject(counterpart, 'hello');
  await rig.sink.until(() => rig.sink.events.size === 1);
  const [event] = rig.sink.events.values();
  assert.ok(event);
  const { conversation } = event;
  const file = Buffer.from('some bytes');
  for (const [mimeType, name] of [
    ['application/pdf', 'ein "Bericht" ü.pdf'],
    ['image/png', 'a.png'],
  ] as const) {
    const body = { ...plainText('see this'), file: { id: 'file_1', mimeType, name, size: file.length } };
    const sent = await rig.channel.send(
      { idempotencyKey: 'k', conversation, body, file },
      new AbortController().signal,
    );
    assert.ok(sent.ok, JSON.stringify(sent));
  }
});

test('by webhook what could not be stored is delivered again, in order, and polling takes over afterwards', async (t) => {
  const counterpart = await serve(t);
  const door = await openDoor();
  t.after(() => door.stop());
  const server = { apiRoot: counterpart.endpoints.apiRoot, botToken: counterpart.botToken };
  const rig = telegramRig(server, { webhook: { url: door.url, secret: new Secret('what_they-must_show') } });
  t.after(() => rig.close());
  hookInto(door, rig.channel);
  rig.start();
  await rig.state('connected');
  rig.sink.broken = 1;
  for (const text of ['one', 'two', 'three']) await inject(counterpart, text);
  await rig.sink.until(() => rig.sink.events.size === 3);
  assert.deepEqual(rig.sink.texts(), ['one', 'two', 'three']);
  await rig.close();
  await inject(counterpart, 'away');
  const polled = telegramRig(server);
  t.after(() => polled.close());
  polled.start();
  await polled.sink.until(() => polled.sink.events.size === 1);
  assert.deepEqual(polled.sink.texts(), ['away']);
});
