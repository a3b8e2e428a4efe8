/** The built daemon on a strict Telegram: who is answered, how an answer grows, and what the commands do. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { newMarker } from '../support/mock-openai.ts';
import type { ShownMessage } from '../support/telegram-server.ts';
import { chats, Rig } from './proofs/rig.ts';

const [ada = 0, ben = 0, cleo = 0, dora = 0, eve = 0] = chats;
const stranger = 666_001;
const group = -1_009_001;

interface StatusBody {
  refused: { sender: string; allowLine: string; count: number }[];
  channels: { id: string; health: { state: string; identity: string | null } }[];
}

describe('Telegram', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.open({ telegram: `allowed_chat_ids = [${group}]` });
    await rig.start();
  });
  after(async () => {
    const faults = [...rig.telegram.violations];
    await rig.close();
    assert.deepEqual(faults, []);
  });

  /** Resolves with the first message in a chat that fits. */
  const shown = async (chat: number, fits: (message: ShownMessage) => boolean): Promise<ShownMessage> => {
    await rig.telegram.until(() => rig.telegram.messages(chat).some(fits));
    return rig.telegram.messages(chat).find(fits) as ShownMessage;
  };
  const status = async (): Promise<StatusBody> => (await ask<StatusBody>(rig.target, 'GET', '/api/v1/status')).body;

  it('is connected and called by its name once it polls', async () => {
    await rig.telegram.until(() => rig.telegram.calls('getUpdates').length > 0);
    const channel = (await status()).channels.find(({ id }) => id.startsWith('telegram'));
    assert.match(channel?.health.identity ?? '', /clanker_test_bot/);
  });

  it('answers someone who is allowed, and shows typing meanwhile', async () => {
    const sent = rig.ledger.enter('telegram', '[ttft=200]');
    rig.say(sent, ada);
    await rig.shown(sent);
    assert.ok(rig.telegram.calls('sendChatAction').length > 0);
  });

  it('lets an answer grow in one message by edits', async () => {
    const sent = rig.ledger.enter('telegram', '[deltas=30] [gap=100]');
    rig.say(sent, ben);
    await rig.shown(sent);
    await rig.settle();
    const messages = rig.telegram.messages(ben);
    assert.equal(messages.length, 1);
    assert.ok((messages[0]?.history.length ?? 0) >= 2, 'it was edited while it grew');
  });

  it('gives a stranger no answer, and tells the operator the line that would let them in', async () => {
    const before = (await rig.model.report()).calls;
    const { updateId } = rig.telegram.inject({
      chatId: stranger,
      text: `let me in ${newMarker()}`,
      fromName: 'Mallory',
    });
    await rig.telegram.until(() => rig.telegram.confirmed() > updateId);
    const refused = (await status()).refused.find(({ sender }) => sender.includes(String(stranger)));
    assert.match(refused?.allowLine ?? '', new RegExp(`allowed_user_ids = \\[.*${stranger}.*\\]`));
    assert.equal((await rig.model.report()).calls, before);
    const { stdout } = await runCli({ dir: rig.dir, env: rig.cliEnv }, 'status');
    assert.ok(stdout.includes(refused?.allowLine ?? 'missing'), stdout);
  });

  it('answers in a listed group when it is addressed, and stays silent when it is not', async () => {
    const before = (await rig.model.report()).calls;
    const idle = rig.telegram.inject({ chatId: group, fromId: ada, text: 'people talking among themselves' });
    await rig.telegram.until(() => rig.telegram.confirmed() > idle.updateId);
    const marker = newMarker();
    rig.telegram.inject({ chatId: group, fromId: ada, text: `@${rig.telegram.bot.username} hello ${marker}` });
    await shown(group, ({ text }) => text.startsWith(marker) && text.endsWith('end.'));
    assert.equal((await rig.model.report()).calls, before + 1);
  });

  it('explains itself on /help and tells who one is on /whoami, without the model', async () => {
    const before = (await rig.model.report()).calls;
    rig.telegram.inject({ chatId: cleo, text: '/help' });
    const help = await shown(cleo, ({ text }) => text.includes('/new'));
    for (const command of ['/help', '/new', '/stop', '/whoami']) assert.ok(help.text.includes(command), help.text);
    rig.telegram.inject({ chatId: cleo, text: '/whoami' });
    await shown(cleo, ({ text }) => text.includes(String(cleo)));
    assert.equal((await rig.model.report()).calls, before);
  });

  it('forgets on /new what was said before', async () => {
    const first = rig.ledger.enter('telegram', 'remember the word aubergine');
    rig.say(first, eve);
    await rig.shown(first);
    const count = rig.telegram.messages(eve).length;
    rig.telegram.inject({ chatId: eve, text: '/new' });
    await rig.telegram.until(() => rig.telegram.messages(eve).length > count);
    const second = rig.ledger.enter('telegram', 'which word');
    rig.say(second, eve);
    await rig.shown(second);
    assert.doesNotMatch((await rig.model.report()).lastBody, /aubergine/);
  });

  it('stops a long answer on /stop while it is being written, and goes on with the next', async () => {
    const marker = newMarker();
    rig.telegram.inject({ chatId: dora, text: `[deltas=2000] [gap=50] ${marker}` });
    await shown(dora, ({ text }) => text.includes(marker));
    rig.telegram.inject({ chatId: dora, text: '/stop' });
    const next = rig.ledger.enter('telegram', '[deltas=6] [gap=0]');
    rig.say(next, dora);
    await rig.shown(next);
    assert.equal((await rig.model.report()).markers[marker]?.finished, 0);
  });

  it('delivers what the operator sends, and waits for it when asked to', async () => {
    const content = `a notice ${newMarker()}`;
    const body = { channel: 'telegram', target: String(ada), content };
    const answer = await ask(rig.target, 'POST', '/api/v1/message?wait=delivered', body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(rig.telegram.messages(ada).filter(({ text }) => text === content).length, 1);
    const words = ['send', '-c', 'telegram', '--channel-id', String(ada), '-m', 'from the terminal'];
    const sent = await runCli({ dir: rig.dir, env: rig.cliEnv }, ...words);
    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(rig.telegram.messages(ada).some(({ text }) => text === 'from the terminal'));
  });

  it('can tell the whole story of a message by its id', async () => {
    const { body } = await ask<{ messages: { id: string; role: string }[] }>(
      rig.target,
      'GET',
      `/api/v1/sessions/telegram:main:${ada}/messages`,
    );
    const question = body.messages.find(({ role }) => role === 'user');
    const { code, stdout, stderr } = await runCli({ dir: rig.dir, env: rig.cliEnv }, 'why', question?.id ?? '');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Received[^]*Asked mock\/mock-1[^]*delivered/);
  });
});
