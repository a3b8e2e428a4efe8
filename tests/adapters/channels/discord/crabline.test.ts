/** The channel against a Discord of other people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startDiscordServer } from '@openclaw/crabline';
import { createDiscordChannel } from '../../../../src/adapters/channels/discord/index.ts';
import { createHttpClient } from '../../../../src/adapters/http-client/index.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { systemClock, systemRandom } from '../../../../src/adapters/system/index.ts';
import type { Channel } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { KeepingSink } from '../../../support/discord-rig.ts';
import { CountedMetrics, KeptLog } from '../../../support/door.ts';

test('messages go in and out, a file too, and a restart misses nothing, as with Discord', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'discord-'));
  const server = await startDiscordServer({ recorderPath: path.join(folder, 'calls.jsonl') });
  const { adminToken, botToken, botUserId, endpoints, fixture } = server.manifest;
  const log = new KeptLog();
  const http = createHttpClient({ log, metrics: new CountedMetrics() });
  t.after(async () => {
    http.close();
    await server.close();
    await rm(folder, { recursive: true });
  });
  const sink = new KeepingSink();
  const commands = [{ name: 'help', summary: 'What the bot can do.' }];
  const begin = async (): Promise<Channel> => {
    const token = new Secret(botToken);
    const channel = createDiscordChannel({
      account: 'main',
      token,
      apiRoot: endpoints.apiRoot,
      http,
      random: systemRandom,
      commands,
    });
    const { signal } = new AbortController();
    channel.start(sink, { signal, cursors: new Map(sink.cursors), clock: systemClock, log });
    t.after(() => channel.stop(2000));
    while (channel.health().state !== 'connected') await new Promise((resolve) => setTimeout(resolve, 5));
    return channel;
  };
  const say = async (content: string): Promise<void> => {
    const { channelId, guildId } = fixture;
    const body = { channelId, guildId, content, senderId: '400000000000000001', senderName: 'Ada' };
    const response = await fetch(endpoints.adminInboundUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, await response.text());
  };

  const channel = await begin();
  await say(`<@${botUserId}> one`);
  await say('two');
  await sink.heard('one', 'two');
  const [event] = sink.events.values();
  assert.ok(event !== undefined);
  assert.deepEqual([event.chat.type, event.chat.addressed], ['group', true]);
  assert.ok(event.chat.parents?.includes(fixture.guildId));

  const { conversation, native } = event;
  const { signal } = new AbortController();
  await channel.typing?.(conversation, signal);
  const body = createMarkdown().parse('**Hello** _there_ `x`');
  const sent = await channel.send({ idempotencyKey: 'k', conversation, replyTo: native, body }, signal);
  assert.ok(sent.ok, JSON.stringify(sent));
  const change = { body: plainText('Done'), final: true };
  assert.deepEqual(await channel.edit?.({ conversation, native: sent.ref }, change, signal), sent);
  const file = Uint8Array.from([1, 2, 3]);
  const withFile = { ...plainText('see'), file: { id: 'file_1', mimeType: 'image/png', size: 3, name: 'a.png' } };
  assert.ok((await channel.send({ idempotencyKey: 'f', conversation, body: withFile, file }, signal)).ok);
  const long = { idempotencyKey: 'l', conversation, body: plainText('x'.repeat(2001)) };
  const tooLong = await channel.send(long, signal);
  assert.ok(!tooLong.ok && tooLong.kind === 'bad_format', JSON.stringify(tooLong));

  await channel.stop(2000);
  await say('while away');
  await begin();
  await say('back');
  await sink.heard('while away', 'back');
  assert.deepEqual(sink.texts(), ['one', 'two', 'while away', 'back']);
});
