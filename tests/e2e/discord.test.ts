/** The daemon on a strict Discord: who is answered and how, and that killing it loses and doubles nothing. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startDaemon } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { read } from '../support/discord-markdown.ts';
import {
  ada,
  bob,
  botId,
  channelId,
  directId,
  guildId,
  startDiscordServer,
  threadId,
} from '../support/discord-server.ts';
import type { DiscordServer, StoredMessage } from '../support/discord-server.ts';

const kills = Number(process.env['DISCORD_KILLS'] ?? 2);

describe('Discord', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'discord-e2e-'));
  let server: DiscordServer;
  let daemon: Daemon;
  let port: number;

  const start = async (): Promise<void> => {
    const config = `
[channels.discord]
bot_token = "\${DISCORD_BOT_TOKEN}"
api_root = "${server.apiRoot}"
allowed_user_ids = ["${ada.id}"]
allowed_chat_ids = ["${guildId}"]
`;
    daemon = await startDaemon({ dir, port, config, env: { DISCORD_BOT_TOKEN: server.token } });
  };
  /** What the bot wrote in a channel after this many messages of it, once there is more. */
  const written = async (channel: string, before: number): Promise<StoredMessage[]> => {
    for (let tries = 0; tries < 2400; tries++) {
      const messages = server.shown(channel).slice(before);
      if (messages.length > 0) return messages;
      await sleep(25);
    }
    throw new Error(`Nothing was written.\n${daemon.output()}`);
  };

  before(async () => {
    server = await startDiscordServer();
    port = await freePort();
    await start();
    await server.gateway.greeted();
  });
  after(async () => {
    await daemon.stop();
    await server.close();
    rmSync(dir, { recursive: true });
    assert.deepEqual(server.violations, []);
  });

  it('answers a direct message, and in a thread of a listed guild', async () => {
    server.say('hello there');
    const [answer] = await written(directId, 0);
    assert.ok(read(answer?.content ?? '').length > 0);
    server.say(`<@${botId}> hello`, { channel: threadId });
    const [reply] = await written(threadId, 0);
    assert.ok(reply?.message_reference !== undefined);
  });

  it('answers a command of the menu in its place, also in a direct chat', async () => {
    const names = (server.commands as { name: string }[]).map(({ name }) => name);
    assert.ok(names.includes('help') && names.includes('stop'), names.join());
    for (const channel of [directId, channelId]) {
      const before = server.shown(channel).length;
      const token = server.interact({ id: '1', name: 'help', type: 1 }, { channel });
      const [answer] = await written(channel, before);
      assert.match(answer?.content ?? '', /\/help/);
      assert.deepEqual(
        server.callbacks.get(token)?.map(({ type }) => type),
        [5],
      );
      assert.equal(server.shown(channel).length, before + 1);
    }
  });

  it('tells a stranger at once that there will be no answer', async () => {
    const token = server.interact({ id: '1', name: 'help', type: 1 }, { author: bob });
    while (!server.callbacks.has(token)) await sleep(10);
    assert.deepEqual(
      server.callbacks.get(token)?.map(({ type }) => type),
      [4],
    );
  });

  it(`answers everything once although it is killed ${kills} times in the middle`, async () => {
    const before = server.shown().length;
    const sessions = server.gateway.identifies;
    const said: string[] = [];
    for (let n = 0; n < kills; n++) {
      said.push(server.say(`before kill ${n}`));
      // Some of it is received, some is being answered.
      await sleep(20 * n);
      await daemon.kill();
      said.push(server.say(`while dead ${n}`));
      await start();
      said.push(server.say(`after kill ${n}`));
    }
    const deadline = Date.now() + 60_000;
    while (server.shown().length - before < said.length && Date.now() < deadline) await sleep(50);
    await sleep(500);
    assert.equal(server.shown().length - before, said.length, daemon.output());
    assert.equal(server.gateway.identifies, sessions, 'every restart resumed the session');
    assert.ok(!daemon.output().includes(server.token));
  });
});
