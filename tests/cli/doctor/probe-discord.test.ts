import assert from 'node:assert/strict';
import test from 'node:test';
import { probeDiscord } from '../../../src/cli/doctor/probe-discord.ts';
import { applicationId, startDiscordServer } from '../../support/discord-server.ts';
import type { DiscordServer } from '../../support/discord-server.ts';

const about = (server: DiscordServer, flags: number): void =>
  server.fail(/applications\/@me/, { mode: 'answer', status: 200, body: { id: applicationId, flags } });

test('the doctor hears from Discord who the bot is and what it may not do yet', async (t) => {
  const server = await startDiscordServer();
  t.after(() => server.close());
  about(server, 1 << 19);
  const well = await probeDiscord(server.apiRoot, server.token, null);
  assert.deepEqual([well.outcome, well.application, well.readsMessages], ['ok', applicationId, true]);
  about(server, 0);
  const elsewhere = await probeDiscord(`${server.apiRoot}/v10/`, server.token, '900000000000000099');
  assert.deepEqual([elsewhere.readsMessages, elsewhere.guildMissing], [false, true]);
  // A server that does not tell is not a fault of the bot.
  server.fail(/applications\/@me/, { mode: 'answer', status: 404, body: {} });
  assert.equal((await probeDiscord(server.apiRoot, server.token, null)).readsMessages, null);
  assert.deepEqual(server.violations, []);
});

test('a refused token, a failing and a missing server are told apart', async (t) => {
  const server = await startDiscordServer();
  assert.equal((await probeDiscord(server.apiRoot, 'another-token', null)).outcome, 'unauthorized');
  server.fail(/users\/@me/, { mode: 'answer', status: 503, body: {} });
  assert.equal((await probeDiscord(server.apiRoot, server.token, null)).outcome, 'failing');
  const { apiRoot } = server;
  await server.close();
  assert.equal((await probeDiscord(apiRoot, server.token, null)).outcome, 'unreachable');
  t.diagnostic('nothing was sent but GET');
  assert.ok(server.calls.every(({ method }) => method === 'GET'));
});
