/** The built daemon between strict platforms and a model that answers as it is asked to: what channel cases run against. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connected } from '../e2e/proofs/channels.ts';
import { freePort, startDaemon, type Daemon } from '../support/daemon.ts';
import {
  ada as discordAda,
  guildId as discordGuild,
  startDiscordServer,
  type DiscordServer,
} from '../support/discord-server.ts';
import { LoopbackServer } from '../support/loopback-server.ts';
import { markerIn } from '../support/mock-openai.ts';
import { startProviderServer, type ProviderServer, type ServerAnswer } from '../support/provider-fault-server.ts';
import { ask, type Endpoint } from '../support/raw.ts';
import { chats as slackChats, SlackCounterpart } from '../support/slack-counterpart.ts';
import { SlackServer, tokens as slackTokens } from '../support/slack-server.ts';
import { people as slackPeople } from '../support/slack-workspace.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { webhookSecret } from '../support/webhook-counterpart.ts';
import { WhatsAppServer } from '../support/whatsapp-server.ts';

/** Who may write on Telegram; each case takes people of its own, as one chat is written to once a second. */
export const listed = Array.from({ length: 80 }, (_, n) => 2001 + n);
/** A listed group, and one that nobody listed. */
export const group = -1_002_000_001;
/** A listed group that becomes the other one. */
export const movingGroup = -2_002;
export const movedGroup = -1_002_000_002;
/** Nobody knows them. */
export const stranger = 666_001;

export const hookSecrets = {
  webhook: webhookSecret,
  slack: slackTokens.signing,
  telegram: 'what-telegram-must-show_at-the-webhook',
  whatsapp: 'an-app-secret-of-32-characters-00',
  verify: 'a-verify-token-of-ours',
};

const httpAppToken = 'xoxb-3-4-mNoPqRsTuVwX';
const patienceMs = 40_000;
const lookEveryMs = 10;

export class Platforms implements Endpoint {
  readonly host = '127.0.0.1';
  readonly dir: string;
  readonly port: number;
  readonly model: ProviderServer;
  readonly telegram: TelegramServer;
  /** A second bot, which is called at its webhook. */
  readonly called: TelegramServer;
  /** A third bot, at which strangers may ask to be let in. */
  readonly paired: TelegramServer;
  readonly discord: DiscordServer;
  readonly slack: SlackCounterpart;
  /** A second app, whose events come by HTTP. */
  readonly slackHttp: SlackServer;
  readonly whatsapp: WhatsAppServer;
  readonly receiver: LoopbackServer;
  /** What the model answers to a question with `[reply=NAME]`. */
  readonly replies = new Map<string, Partial<ServerAnswer>>();
  #daemon: Daemon | null = null;
  #nextPerson = 0;

  private constructor(dir: string, port: number, parts: Parts) {
    this.dir = dir;
    this.port = port;
    ({
      model: this.model,
      telegram: this.telegram,
      called: this.called,
      paired: this.paired,
      discord: this.discord,
      slack: this.slack,
      slackHttp: this.slackHttp,
      whatsapp: this.whatsapp,
      receiver: this.receiver,
    } = parts);
    this.model.answer = (body) => {
      const said = JSON.stringify((body['messages'] as { role: string }[]).findLast(({ role }) => role === 'user'));
      const asked = /\[reply=(\w+)\]/.exec(said)?.[1];
      const answer = asked === undefined ? undefined : this.replies.get(asked);
      return answer ?? { text: `answer to ${markerIn(said) ?? 'nothing'}`, deltas: 2 };
    };
  }

  static async start(): Promise<Platforms> {
    const [port, model, telegram, called, paired, discord, slack, slackHttp, receiver] = await Promise.all([
      freePort(),
      startProviderServer(),
      startTelegramServer(),
      startTelegramServer({ token: '4343:strict-server-token_of-another-bot' }),
      startTelegramServer({ token: '4444:strict-server-token_of-the-third-bot' }),
      startDiscordServer(),
      SlackCounterpart.start('socket'),
      new SlackServer({ botToken: httpAppToken }).listen(),
      new LoopbackServer(() => ({ status: 204 })).listen(),
    ]);
    const whatsapp = new WhatsAppServer();
    await whatsapp.server.listen();
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-hostile-'));
    const parts = { model, telegram, called, paired, discord, slack, slackHttp, whatsapp, receiver };
    const platforms = new Platforms(dir, port, parts);
    await platforms.restart();
    return platforms;
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error('no gateway runs');
    return this.#daemon;
  }

  get token(): string {
    return this.daemon.token();
  }

  /** Stops the gateway when one runs, and starts it on the same data. */
  async restart(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = await startDaemon({ dir: this.dir, port: this.port, config: this.config() });
    await connected(this.#daemon, 8);
  }

  config(): string {
    return `
[providers]
default = "m/m-1"
[providers.m]
api = "openai-chat"
base_url = "${this.model.baseUrl('openai-chat')}"
api_key = "key-of-the-hostile-model"
model = "m-1"
[logging]
level = "debug"
[channels.telegram]
bot_token = "${this.telegram.botToken}"
api_root = "${this.telegram.apiRoot}"
allowed_user_ids = [${listed.join(', ')}]
allowed_chat_ids = [${group}, ${movingGroup}, ${movedGroup}]
poll_timeout = "5s"
[channels.telegram.accounts.called]
bot_token = "${this.called.botToken}"
api_root = "${this.called.apiRoot}"
mode = "webhook"
webhook_url = "http://127.0.0.1:${this.port}"
webhook_secret = "${hookSecrets.telegram}"
allowed_user_ids = [${listed.join(', ')}]
[channels.telegram.accounts.paired]
bot_token = "${this.paired.botToken}"
api_root = "${this.paired.apiRoot}"
access = "pairing"
poll_timeout = "5s"
[channels.discord]
bot_token = "${this.discord.token}"
api_root = "${this.discord.apiRoot}"
allowed_user_ids = ["${discordAda.id}"]
allowed_chat_ids = ["${discordGuild}"]
[channels.slack]
bot_token = "${slackTokens.bot}"
app_token = "${slackTokens.app}"
api_root = "${this.slack.server.apiRoot}"
allowed_user_ids = ["${slackPeople.one}"]
allowed_chat_ids = ["${slackChats.group}"]
[channels.slack.accounts.http]
bot_token = "${httpAppToken}"
signing_secret = "${hookSecrets.slack}"
api_root = "${this.slackHttp.apiRoot}"
allowed_user_ids = ["${slackPeople.one}"]
[channels.whatsapp]
access_token = "${this.whatsapp.token}"
phone_number_id = "${this.whatsapp.number}"
app_secret = "${hookSecrets.whatsapp}"
verify_token = "${hookSecrets.verify}"
api_root = "${this.whatsapp.root}"
allowed_user_ids = ["491701234567"]
[channels.webhook.orders]
secret = "${hookSecrets.webhook}"
url = "${this.receiver.url}/answers"
`;
  }

  /** Somebody listed on Telegram to whom no case has spoken yet. */
  person(): number {
    const person = listed[this.#nextPerson++];
    if (person === undefined) throw new Error('no people are left');
    return person;
  }

  /** Resolves once it holds; rejects with what was waited for. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`${what} did not happen`);
      await sleep(lookEveryMs);
    }
  }

  /** The sum of the samples of a metric whose line has all these pieces. */
  async metric(...pieces: string[]): Promise<number> {
    const { text } = await ask(this, { path: '/metrics', token: this.token });
    return text
      .split('\n')
      .filter((line) => !line.startsWith('#') && pieces.every((piece) => line.includes(piece)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async status(): Promise<Record<string, unknown>> {
    const { json = {} } = await ask(this, { path: '/api/v1/status', token: this.token });
    return json;
  }

  /** Model calls so far. */
  calls(): number {
    return this.model.ledger.length;
  }

  /** Whether the model was ever shown these words. */
  wasAsked(words: string): boolean {
    return this.model.ledger.some(({ body }) => JSON.stringify(body).includes(words));
  }

  async stop(): Promise<void> {
    await this.#daemon?.kill();
    await Promise.all([
      this.model.close(),
      this.telegram.close(),
      this.called.close(),
      this.paired.close(),
      this.discord.close(),
      this.slack.close(),
      this.slackHttp.close(),
      this.whatsapp.server.close(),
      this.receiver.close(),
    ]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface Parts {
  model: ProviderServer;
  telegram: TelegramServer;
  called: TelegramServer;
  paired: TelegramServer;
  discord: DiscordServer;
  slack: SlackCounterpart;
  slackHttp: SlackServer;
  whatsapp: WhatsAppServer;
  receiver: LoopbackServer;
}
