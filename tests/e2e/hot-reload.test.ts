/** A changed configuration takes effect at once, and nobody else notices. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, connect, type Socket } from '../support/gateway-client.ts';
import { startTelegramServer } from '../support/telegram-server.ts';
import { chats, Rig } from './proofs/rig.ts';

describe('a changed configuration', () => {
  let rig: Rig;
  let socket: Socket;
  before(async () => {
    rig = await Rig.open();
    await rig.start();
    socket = await connect(rig.target);
  });
  after(async () => {
    await socket.close();
    await rig.close();
  });

  const reload = (config: string): void => {
    writeFileSync(rig.configFile, config);
    rig.daemon.signal('SIGHUP');
  };
  const configError = async (): Promise<string | null> => {
    const { body } = await ask<{ configError: string | null }>(rig.target, 'GET', '/api/v1/status');
    return body.configError;
  };
  const socketLives = async (id: string): Promise<void> => {
    socket.send('ping', {}, id);
    await socket.next((frame) => frame.type === 'pong' && frame.id === id);
  };

  it('gives a provider its new key without dropping a socket or the run it carries', async () => {
    socket.send('chat.send', { text: '[deltas=30] [gap=20]', session: 'across' }, 'across');
    await socket.next(({ type }) => type === 'run.delta');
    reload(rig.config('a-new-key-of-the-model'));
    await socket.next(({ type }) => type === 'run.finished');
    const keys = async (): Promise<string[]> => {
      await ask(rig.target, 'POST', '/api/v1/chat', { text: 'hello' });
      return (await rig.model.report()).authorizations;
    };
    while (!(await keys()).includes('Bearer a-new-key-of-the-model')) await sleep(20);
    await socketLives('after the key');
  });

  it('moves a channel to its new token without dropping a socket', async () => {
    const other = await startTelegramServer({ token: '777:another-bot-token-of-35-characters_' });
    const { apiRoot, botToken } = rig.telegram;
    reload(rig.config().replace(botToken, other.botToken).replace(apiRoot, other.apiRoot));
    const [chat = 0] = chats;
    other.inject({ chatId: chat, text: 'hello over there' });
    await other.until(() => other.messages(chat).length > 0);
    await socketLives('after the token');
    reload(rig.config());
    await rig.telegram.until(() => rig.telegram.calls('getUpdates').at(-1)?.status === null);
    assert.deepEqual(other.violations, []);
    await other.close();
  });

  it('changes nothing when it is bad, says so in status, and is forgotten when it is mended', async () => {
    reload(`${rig.config('never-to-be-used')}\n[serverr]\nport = 1\n`);
    while ((await configError()) === null) await sleep(20);
    assert.match((await configError()) ?? '', /serverr/);
    assert.equal((await ask(rig.target, 'POST', '/api/v1/chat', { text: 'hello' })).status, 200);
    assert.ok(!(await rig.model.report()).authorizations.includes('Bearer never-to-be-used'));
    reload(rig.config());
    while ((await configError()) !== null) await sleep(20);
    await socketLives('after it all');
  });
});
