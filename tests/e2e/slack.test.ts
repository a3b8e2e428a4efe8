/** The daemon on a strict Slack, by both ways of receiving: who is answered, where and how, and what a kill leaves. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../support/daemon.ts';
import type { Daemon } from '../support/daemon.ts';
import { chats, signed, SlackCounterpart } from '../support/slack-counterpart.ts';
import { tokens } from '../support/slack-server.ts';
import { modelConfig } from './proofs/channels.ts';
import { startMockOpenAi } from '../support/mock-openai.ts';
import { bot, people } from '../support/slack-workspace.ts';
import type { Posted } from '../support/slack-workspace.ts';

const form = 'application/x-www-form-urlencoded';

for (const mode of ['socket', 'http'] as const) {
  describe(`Slack by ${mode}`, () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'slack-e2e-'));
    let slack: SlackCounterpart;
    let daemon: Daemon;
    let model: Awaited<ReturnType<typeof startMockOpenAi>>;

    const start = async (): Promise<void> => {
      const config = `${modelConfig(model.baseUrl)}
[channels.slack]
bot_token = "\${SLACK_BOT_TOKEN}"
${mode === 'socket' ? 'app_token = "${SLACK_APP_TOKEN}"' : 'signing_secret = "${SLACK_SIGNING_SECRET}"'}
api_root = "${slack.server.apiRoot}"
allowed_user_ids = ["${people.one}"]
allowed_chat_ids = ["${chats.group}"]
`;
      const env = {
        SLACK_BOT_TOKEN: tokens.bot,
        ...(mode === 'socket' ? { SLACK_APP_TOKEN: tokens.app } : { SLACK_SIGNING_SECRET: tokens.signing }),
      };
      daemon = await startDaemon({ dir, config, env });
    };
    /** As Slack delivers over HTTP: again until it is taken. */
    const post = async (body: string, type: string): Promise<number> => {
      for (let tries = 0; ; tries++) {
        const { headers } = signed(body, type);
        const answer = await fetch(`${daemon.url}/hooks/slack/main`, {
          method: 'POST',
          headers: headers as Record<string, string>,
          body,
        }).catch(() => ({ status: 0 }));
        if (answer.status === 200 || tries === 100) return answer.status;
        await sleep(50);
      }
    };
    const written = async (channel: string, count = 1, thread?: string): Promise<Posted[]> => {
      for (let tries = 0; tries < 2400; tries++) {
        const found = slack.server.workspace.messages.filter(
          (each) => each.channel === channel && each.bot_id === bot.bot && each.thread_ts === thread,
        );
        if (found.length >= count && found.every(({ streaming }) => streaming !== true)) return found;
        await sleep(25);
      }
      throw new Error(`Nothing was written.\n${daemon.output()}`);
    };

    before(async () => {
      model = await startMockOpenAi({ ttftMs: 20, gapMs: 2 });
      slack = await SlackCounterpart.start(mode);
      if (mode === 'http') slack.through = (body, type) => post(body, type);
      await start();
      if (mode === 'socket') await slack.server.until(() => slack.server.greeted > 0);
    });
    after(async () => {
      await daemon.stop();
      await slack.close();
      await model.close();
      rmSync(dir, { recursive: true });
      assert.deepEqual(slack.server.workspace.violations, []);
      for (const secret of slack.secrets) assert.ok(!daemon.output().includes(secret));
    });

    it('answers a direct message in the chat, and a mention in a thread below it, streamed', async () => {
      await slack.say('hello there');
      const [answer] = await written(chats.one);
      assert.ok(answer !== undefined && slack.server.workspace.read(answer).length > 0);
      const ts = await slack.say('hello there [deltas=80] [gap=40]', { chat: 'group' });
      await written(chats.group, 1, ts);
      assert.equal(slack.server.of('chat.startStream').length, 1);
      assert.ok(slack.server.of('chat.appendStream').length > 0);
      await slack.say('and on', { chat: 'group', addressed: false }, undefined, { thread_ts: ts });
      await written(chats.group, 2, ts);
    });

    it('does what a slash command says, and tells a stranger that it does not', async () => {
      const command = (user: string, trigger: string): Record<string, string> => ({
        command: '/clanker',
        text: 'whoami',
        trigger_id: trigger,
        user_id: user,
        channel_id: chats.group,
        response_url: `${slack.server.apiRoot}/respond`,
      });
      const use = async (payload: Record<string, string>): Promise<void> => {
        if (mode === 'socket') await slack.deliver({ type: 'slash_commands', payload });
        else assert.equal(await post(new URLSearchParams(payload).toString(), form), 200);
      };
      await use(command(people.one, '1.1'));
      const [answer] = await written(chats.group);
      assert.ok(answer !== undefined && slack.server.workspace.read(answer).includes(people.one));
      await use(command(people.two, '2.2'));
      await slack.server.until(() => slack.server.of('respond').length > 0);
    });

    it('is killed with a question in hand, and answers it once after the restart', async () => {
      const before = (await written(chats.one)).length;
      const asked = slack.say('what is the time?');
      if (mode === 'socket') await asked;
      await daemon.kill();
      await start();
      await asked;
      await written(chats.one, before + 1);
      await slack.say('and now?');
      assert.equal((await written(chats.one, before + 2)).length, before + 2);
    });
  });
}
