/** The built daemon with two bots, one called by webhook and one polling: what only a whole gateway can show. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort, runCli, startDaemon, type Daemon } from '../support/daemon.ts';
import { ask, type Target } from '../support/gateway-client.ts';
import { newMarker, startMockOpenAi, type MockOpenAi } from '../support/mock-openai.ts';
import { startTelegramServer, type ShownMessage, type TelegramServer } from '../support/telegram-server.ts';

const ada = 7001;
const token = 'operator-token-of-two-bots';

describe('Telegram with two bots', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-two-bots-'));
  let port = 0;
  let target: Target;
  let model: MockOpenAi;
  let called: TelegramServer;
  let polled: TelegramServer;
  let daemon: Daemon;

  const start = async (): Promise<void> => {
    const config = `
[server.auth]
token = "${token}"
[providers]
default = "mock/mock-1"
[providers.mock]
api = "openai-chat"
base_url = "${model.baseUrl}"
api_key = "key-of-the-mock-model"
model = "mock-1"
[channels.telegram]
bot_token = "${called.botToken}"
api_root = "${called.apiRoot}"
allowed_user_ids = [${ada}]
mode = "webhook"
webhook_url = "http://127.0.0.1:${port}"
webhook_secret = "what-Telegram_must-show"
[channels.telegram.accounts.second]
bot_token = "${polled.botToken}"
api_root = "${polled.apiRoot}"
allowed_user_ids = [${ada}]
stream = "draft"
`;
    daemon = await startDaemon({ dir, config, port });
    await called.until(() => called.webhook.url !== '');
  };

  before(async () => {
    [port, model, called, polled] = await Promise.all([
      freePort(),
      startMockOpenAi(),
      startTelegramServer(),
      startTelegramServer({ token: '4343:the-token-of-the-second-bot-here', username: 'second_bot' }),
    ]);
    target = { url: `http://127.0.0.1:${port}`, token };
    await start();
  });
  after(async () => {
    await daemon.kill();
    const violations = [...called.violations, ...polled.violations];
    await Promise.all([model.close(), called.close(), polled.close()]);
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(violations, []);
  });

  /** Resolves with the answer to a marker once it stands there whole. */
  const answered = async (server: TelegramServer, marker: string): Promise<ShownMessage> => {
    const fits = ({ text }: ShownMessage): boolean => text.startsWith(marker) && text.endsWith('end.');
    await server.until(() => server.messages(ada).some(fits));
    return server.messages(ada).find(fits) as ShownMessage;
  };

  it('answers each message through the bot that heard it', async () => {
    const [first, second] = [newMarker(), newMarker()];
    called.inject({ chatId: ada, text: `hello ${first}` });
    polled.inject({ chatId: ada, text: `hello ${second}` });
    await answered(called, first);
    await answered(polled, second);
    assert.ok(!called.messages().some(({ text }) => text.includes(second)));
    assert.deepEqual(called.calls('getUpdates'), []);
  });

  it('shows a reply as a draft where that is configured, and sends it once it is whole', async () => {
    const marker = newMarker();
    polled.inject({ chatId: ada, text: `[deltas=30] [gap=100] ${marker}` });
    const shown = await answered(polled, marker);
    assert.deepEqual(shown.history, []);
    // How often it grew is a matter of the machine.
    assert.ok(polled.chats.drafts.some(({ texts }) => texts[0]?.startsWith(marker)));
  });

  it('turns an album into one question', async () => {
    const before = (await model.report()).calls;
    for (const file of ['f1', 'f2', 'f3']) called.addFile(file, Buffer.from('no real picture'));
    const marker = newMarker();
    called.album(ada, ['f1', 'f2', 'f3'], { caption: `look ${marker}` });
    await answered(called, marker);
    assert.equal((await model.report()).calls, before + 1);
  });

  it('refuses what does not show the secret', async () => {
    const body = JSON.stringify({ update_id: 1, message: {} });
    for (const headers of [{}, { 'x-telegram-bot-api-secret-token': 'guessed' }]) {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
      assert.equal((await fetch(`${target.url}/hooks/telegram/main`, init)).status, 401);
    }
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    assert.equal((await fetch(`${target.url}/hooks/telegram/second`, init)).status, 401);
  });

  it('keeps what it said 200 to, killed the moment after', async () => {
    const marker = newMarker();
    const { updateId } = called.inject({ chatId: ada, text: `remember ${marker}` });
    await called.until(() => called.confirmed() > updateId);
    await daemon.kill();
    await start();
    await answered(called, marker);
    assert.equal(called.messages(ada).filter(({ text }) => text.startsWith(marker)).length, 1);
  });

  it('takes a pressed button as its command, whoever pressed it twice', async () => {
    called.inject({ chatId: ada, text: '/lang' });
    await called.until(() => called.messages(ada).some(({ buttons }) => buttons.length > 0));
    const asked = called.messages(ada).find(({ buttons }) => buttons.length > 0) as ShownMessage;
    const count = called.messages(ada).length;
    const german = asked.buttons.find((command) => command.includes('de')) ?? '';
    called.press(asked, german);
    await called.until(() => called.messages(ada).length > count);
    await called.until(() => [...called.presses.values()].every(Boolean));
    await called.repeatLast();
    called.press(asked, '/no_such_command');
    await called.until(() => called.pending() === 0);
    assert.equal(called.messages(ada).length, count + 1);
  });

  it('keeps a reaction with the answer it is for', async () => {
    const marker = newMarker();
    called.inject({ chatId: ada, text: `rate me ${marker}` });
    const { messageId } = await answered(called, marker);
    const updateId = called.react(ada, messageId, '👍');
    await called.until(() => called.confirmed() > updateId);
    const path = `/api/v1/sessions/telegram:main:${ada}/messages?limit=200`;
    const { body } = await ask<{ messages: { id: string; text: string }[] }>(target, 'GET', path);
    const question = body.messages.find(({ text }) => text.includes(`rate me ${marker}`));
    const cliEnv = { OPEN_CLANKER_URL: target.url, OPEN_CLANKER_TOKEN: token };
    const { stdout, stderr } = await runCli({ dir, env: cliEnv }, 'why', question?.id ?? '');
    assert.match(stdout, /Ada reacted with 👍/, stderr);
  });
});
