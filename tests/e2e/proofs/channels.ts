/** kill -9 at random moments under mixed traffic on four platforms at once; then the accounts, per platform. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { notices } from '../../../src/core/notices/index.ts';
import type { Counterpart } from '../../support/counterpart.ts';
import { freePort, startDaemon, type Daemon } from '../../support/daemon.ts';
import { DiscordCounterpart } from '../../support/discord-counterpart.ts';
import { startDiscordServer } from '../../support/discord-server.ts';
import { MatrixCounterpart } from '../../support/matrix-counterpart.ts';
import { MatrixServer } from '../../support/matrix-server.ts';
import { ask } from '../../support/gateway-client.ts';
import { answerTo, startMockOpenAi } from '../../support/mock-openai.ts';
import { SlackCounterpart } from '../../support/slack-counterpart.ts';
import { tokens } from '../../support/slack-server.ts';
import { TelegramCounterpart } from '../../support/telegram-counterpart.ts';
import { startTelegramServer } from '../../support/telegram-server.ts';
import type { Proof } from './proof.ts';

const lifeMs = { min: 50, max: 2500 };
/** Each person writes so often; platforms let a bot say about one thing a second in one chat. */
const restMs = 1200;
const answeredWithinMs = 120_000;
const connectedWithinMs = 120_000;

interface Platform {
  name: string;
  counterpart: Counterpart;
  /** The lines of `[channels.NAME]`. */
  config: string;
}

/** Telegram, Discord, Slack and Matrix on loopback. */
export async function fourPlatforms(): Promise<Platform[]> {
  const [telegram, discord, slack, matrix] = await Promise.all([
    startTelegramServer(),
    startDiscordServer(),
    SlackCounterpart.start('socket'),
    new MatrixServer().listen(),
  ]);
  const platform = (name: string, counterpart: Counterpart, lines: string): Platform => {
    const { native } = counterpart.conversation();
    return { name, counterpart, config: `[channels.${name}]\n${lines}\nallowed_chat_ids = ["${native}"]\n` };
  };
  return [
    platform(
      'telegram',
      new TelegramCounterpart(telegram, null),
      `bot_token = "${telegram.botToken}"\napi_root = "${telegram.apiRoot}"\npoll_timeout = "5s"`,
    ),
    platform(
      'discord',
      new DiscordCounterpart(discord),
      `bot_token = "${discord.token}"\napi_root = "${discord.apiRoot}"`,
    ),
    platform(
      'slack',
      slack,
      `bot_token = "${tokens.bot}"\napp_token = "${tokens.app}"\napi_root = "${slack.server.apiRoot}"`,
    ),
    platform('matrix', new MatrixCounterpart(matrix), `homeserver = "${matrix.url}"\naccess_token = "${matrix.token}"`),
  ];
}

export const modelConfig = (baseUrl: string): string => `
[providers]
default = "mock/mock-1"
[providers.mock]
api = "openai-chat"
base_url = "${baseUrl}"
api_key = "key-of-the-mock-model"
model = "mock-1"
max_concurrency = 500
[logging]
level = "info"
`;

export async function channels(kills: number): Promise<Proof> {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-channels-'));
  const [model, port, platforms] = await Promise.all([
    startMockOpenAi({ ttftMs: 40, gapMs: 10 }),
    freePort(),
    fourPlatforms(),
  ]);
  const config = modelConfig(model.baseUrl) + platforms.map((platform) => platform.config).join('');
  const start = (): Promise<Daemon> => startDaemon({ dir, config, port });
  let daemon = await start();
  try {
    await connected(daemon, platforms.length);
    const stop = new AbortController();
    const talks = platforms.map((platform) => talk(platform, stop.signal));
    for (let n = 0; n < kills; n++) {
      await sleep(lifeMs.min + Math.random() * (lifeMs.max - lifeMs.min));
      await daemon.kill();
      daemon = await start();
    }
    await sleep(restMs);
    stop.abort();
    const asked = await Promise.all(talks);
    const accounts = await Promise.all(platforms.map((platform, n) => account(platform, asked[n] ?? [])));
    const output = daemon.output();
    const leaked = platforms.flatMap(({ counterpart }) => counterpart.secrets.filter((word) => output.includes(word)));
    return {
      figures: [['kills', String(kills)], ...accounts.flatMap(({ figures }) => figures)],
      violations: [
        ...accounts.flatMap(({ violations }) => violations),
        ...leaked.map(() => 'a secret of a platform stands in the log'),
      ],
    };
  } finally {
    await daemon.kill();
    await Promise.all([model.close(), ...platforms.map(({ counterpart }) => counterpart.close())]);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What is said before a bot has ever connected is not owed an answer. */
export async function connected(daemon: Daemon, channels: number): Promise<void> {
  const deadline = performance.now() + connectedWithinMs;
  for (;;) {
    const target = { url: daemon.url, token: daemon.token() };
    const { body } = await ask<{ channels: { health: { state: string } }[] }>(target, 'GET', '/api/v1/status');
    if (body.channels.filter(({ health }) => health.state === 'connected').length === channels) return;
    if (performance.now() > deadline) throw new Error(`not connected: ${JSON.stringify(body.channels)}`);
    await sleep(50);
  }
}

/** Asks one thing after the other; resolves with all questions. */
async function talk({ counterpart }: Platform, stop: AbortSignal): Promise<string[]> {
  const asked: string[] = [];
  const said: Promise<unknown>[] = [];
  while (!stop.aborted) {
    const question = `what about mk-${randomUUID()}?`;
    asked.push(question);
    // A platform that waits for the gateway must not keep the person from writing on.
    said.push(counterpart.say(question).catch(() => undefined));
    await sleep(restMs * (0.5 + Math.random()), undefined, { signal: stop }).catch(() => undefined);
  }
  await Promise.all(said);
  return asked;
}

/** Waits until every question is answered, then counts whole answers; the marked repeat of one is not held against us. */
async function account({ name, counterpart }: Platform, asked: string[]): Promise<Proof> {
  const mark = notices.en.repeated;
  const answersTo = async (question: string): Promise<string[]> => {
    const answer = answerTo(question);
    return (await counterpart.shown()).map(({ text }) => text).filter((text) => text.startsWith(answer));
  };
  const deadline = performance.now() + answeredWithinMs;
  let open = asked;
  while (open.length > 0 && performance.now() < deadline) {
    const still = await Promise.all(
      open.map(async (question) => ((await answersTo(question)).length === 0 ? [question] : [])),
    );
    open = still.flat();
    if (open.length > 0) await sleep(100);
  }
  const answers = await Promise.all(asked.map(answersTo));
  const unmarked = answers.map((texts) => texts.filter((text) => !text.includes(mark)).length);
  const lost = answers.filter((texts) => texts.length === 0).length;
  const doubled = unmarked.filter((count) => count > 1).length;
  const repeated = answers.filter((texts) => texts.some((text) => text.includes(mark))).length;
  return {
    figures: [
      [`${name}: asked / answered`, `${asked.length} / ${asked.length - lost}`],
      [`${name}: lost / doubled / repeated with a mark`, `${lost} / ${doubled} / ${repeated}`],
    ],
    violations: [
      ...(lost > 0 ? [`${name}: ${lost} of ${asked.length} questions were never answered`] : []),
      ...(doubled > 0 ? [`${name}: ${doubled} answers came twice without saying so`] : []),
    ],
  };
}
