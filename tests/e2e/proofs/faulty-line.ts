/** The built daemon, at its most talkative, with a line that can break between it and each of five platforms. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { notices } from '../../../src/core/notices/index.ts';
import { freePort, startDaemon, type Daemon } from '../../support/daemon.ts';
import { DiscordCounterpart } from '../../support/discord-counterpart.ts';
import { DiscordServer } from '../../support/discord-server.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { LoopbackServer } from '../../support/loopback-server.ts';
import { MatrixCounterpart } from '../../support/matrix-counterpart.ts';
import { MatrixServer } from '../../support/matrix-server.ts';
import { answerTo, newMarker, startMockOpenAi, type MockOpenAi } from '../../support/mock-openai.ts';
import { ask } from '../../support/raw.ts';
import { SlackCounterpart } from '../../support/slack-counterpart.ts';
import { tokens } from '../../support/slack-server.ts';
import { TelegramCounterpart } from '../../support/telegram-counterpart.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { signed, signedHeaders, webhookSecret } from '../../support/webhook-counterpart.ts';
import { connected, modelConfig } from './channels.ts';

/** The long variant of the proofs: pauses of a channel grow to 30 s each. */
export const thorough = process.env['THOROUGH_FAULTS'] === 'yes';
const patienceMs = thorough ? 360_000 : 30_000;
const lookEveryMs = 20;
/** A double that comes would come in this time. */
const doubleWithinMs = 400;

export interface Line {
  name: 'telegram' | 'discord' | 'slack' | 'matrix' | 'webhook';
  /** Between the daemon and the platform's HTTP. */
  proxy: FaultProxy;
  /** Requests that show something to people. */
  sends: RegExp;
  /** How a second attempt of what may have arrived is kept from being a second message. */
  doubles: 'never' | 'marked';
  secrets: string[];
  /** Resolves when the platform holds it; a platform that calls us goes on until it is taken. */
  say(text: string): Promise<unknown>;
  /** Texts in the chat, oldest first; by id where the reader goes by ids. */
  shown(): Promise<string[]>;
  config: string;
}

export class FaultyLines {
  readonly lines: Line[];
  readonly telegram: TelegramServer;
  readonly discord: DiscordServer;
  readonly slack: SlackCounterpart;
  readonly daemon: Daemon;
  readonly model: MockOpenAi;
  readonly dir: string;
  readonly #close: () => Promise<void>;

  private constructor(
    parts: Pick<FaultyLines, 'lines' | 'telegram' | 'discord' | 'slack' | 'daemon' | 'model' | 'dir'>,
    close: () => Promise<void>,
  ) {
    this.lines = parts.lines;
    this.telegram = parts.telegram;
    this.discord = parts.discord;
    this.slack = parts.slack;
    this.daemon = parts.daemon;
    this.model = parts.model;
    this.dir = parts.dir;
    this.#close = close;
  }

  static async open(): Promise<FaultyLines> {
    const [port, model, telegram, discord, slack, matrix] = await Promise.all([
      freePort(),
      startMockOpenAi({ ttftMs: 10, gapMs: 5 }),
      startTelegramServer(),
      new DiscordServer({ heartbeatMs: 1000 }).listen(),
      SlackCounterpart.start('socket'),
      new MatrixServer().listen(),
    ]);
    const posts = new Map<string, string>();
    const receiver = await new LoopbackServer(({ headers, body, json }) => {
      const id = String(headers['webhook-id']);
      if (headers['webhook-signature'] !== signed(id, body, Number(headers['webhook-timestamp'])))
        return { status: 401 };
      posts.set(id, String(json['text']));
      return { status: 204 };
    }).listen();
    const before = (url: string): Promise<FaultProxy> => startFaultProxy(Number(new URL(url).port));
    const proxies = await Promise.all(
      [telegram.apiRoot, discord.apiRoot, slack.server.apiRoot, matrix.url, receiver.url].map(before),
    );
    const [toTelegram, toDiscord, toSlack, toMatrix, toReceiver] = proxies as [
      FaultProxy,
      FaultProxy,
      FaultProxy,
      FaultProxy,
      FaultProxy,
    ];
    const chat = (counterpart: TelegramCounterpart | DiscordCounterpart | SlackCounterpart | MatrixCounterpart) => ({
      say: (text: string) => counterpart.say(text),
      shown: async () => (await counterpart.shown()).map(({ text }) => text),
      secrets: counterpart.secrets,
      native: counterpart.conversation().native,
    });
    const line = (
      { native, ...talk }: ReturnType<typeof chat>,
      rest: Omit<Line, keyof ReturnType<typeof chat>>,
    ): Line => ({
      ...talk,
      ...rest,
      config: `[channels.${rest.name}]\n${rest.config}allowed_chat_ids = ["${native}"]\n`,
    });
    const lines: Line[] = [
      line(chat(new TelegramCounterpart(telegram, null)), {
        name: 'telegram',
        proxy: toTelegram,
        sends: /\/sendMessage$/,
        doubles: 'marked',
        config: `bot_token = "${telegram.botToken}"\napi_root = "${toTelegram.url}"\npoll_timeout = "1s"\n`,
      }),
      line(chat(new DiscordCounterpart(discord)), {
        name: 'discord',
        proxy: toDiscord,
        sends: /\/messages$/,
        doubles: 'never',
        config: `bot_token = "${discord.token}"\napi_root = "${toDiscord.url}/api"\n`,
      }),
      line(chat(slack), {
        name: 'slack',
        proxy: toSlack,
        sends: /chat\.(postMessage|startStream)$/,
        doubles: 'never',
        config: `bot_token = "${tokens.bot}"\napp_token = "${tokens.app}"\napi_root = "${toSlack.url}/api"\n`,
      }),
      line(chat(new MatrixCounterpart(matrix)), {
        name: 'matrix',
        proxy: toMatrix,
        sends: /\/send\/m\.room\.message\//,
        doubles: 'never',
        config: `homeserver = "${toMatrix.url}"\naccess_token = "${matrix.token}"\n`,
      }),
      {
        name: 'webhook',
        proxy: toReceiver,
        sends: /\/answers$/,
        doubles: 'never',
        secrets: [webhookSecret],
        say: async (text) => {
          const id = `msg_${randomUUID()}`;
          const body = JSON.stringify({ text, conversation: 'c', sender: 'anna' });
          for (;;) {
            const answer = await ask(
              { host: '127.0.0.1', port },
              { path: '/hooks/orders', body, headers: signedHeaders(id, body) },
            ).catch(() => null);
            if (answer?.status === 202) return id;
            await sleep(lookEveryMs);
          }
        },
        shown: () => Promise.resolve([...posts.values()]),
        config: `[channels.webhook.orders]\nsecret = "${webhookSecret}"\nurl = "${toReceiver.url}/answers"\n`,
      },
    ];
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-faults-'));
    const close = async (): Promise<void> => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await Promise.all([
        model.close(),
        telegram.close(),
        discord.close(),
        slack.close(),
        new MatrixCounterpart(matrix).close(),
        receiver.close(),
      ]);
      rmSync(dir, { recursive: true, force: true });
    };
    const config =
      modelConfig(model.baseUrl).replace('level = "info"', 'level = "trace"') +
      lines.map((each) => each.config).join('');
    const daemon = await startDaemon({ dir, port, config });
    await connected(daemon, lines.length);
    return new FaultyLines({ lines, telegram, discord, slack, daemon, model, dir }, close);
  }

  /** Somebody asks on a line; resolves with what they see of the answer once all of it stands there. */
  async talk(line: Line): Promise<string[]> {
    const question = `what about ${newMarker()}?`;
    await line.say(question);
    return await this.answers(line, question);
  }

  async answers(line: Line, question: string): Promise<string[]> {
    const wanted = answerTo(question);
    const found = async (): Promise<string[]> => (await line.shown()).filter((text) => text.startsWith(wanted));
    const deadline = performance.now() + patienceMs;
    while ((await found()).length === 0) {
      if (performance.now() > deadline)
        throw new Error(`${line.name}: no answer; ${JSON.stringify(await line.shown()).slice(-500)}`);
      await sleep(lookEveryMs);
    }
    await sleep(doubleWithinMs);
    return await found();
  }

  async get(where: string): Promise<string> {
    const answer = await ask(
      { host: '127.0.0.1', port: this.daemon.port },
      { path: where, token: this.daemon.token() },
    );
    return `${JSON.stringify(answer.headers)}${answer.text}`;
  }

  async close(): Promise<void> {
    await this.daemon.kill();
    await this.#close();
  }
}

/** Why a line's answers are not what they should be; null when they are. */
export function wrongWith(line: Line, answers: readonly string[]): string | null {
  const unmarked = answers.filter((text) => !text.includes(notices.en.repeated));
  if (unmarked.length > 1) return `${line.name}: ${unmarked.length} answers without a mark`;
  const most = line.doubles === 'never' ? 1 : 2;
  return answers.length <= most ? null : `${line.name}: ${answers.length} answers`;
}
