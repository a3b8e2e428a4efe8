/** A gateway under observation: a model that fails on demand, a Telegram, and what the gateway says about itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, startDaemon, type Daemon } from './daemon.ts';
import type { Target } from './gateway-client.ts';
import { startProviderServer, type ProviderServer } from './provider-fault-server.ts';
import { startTelegramServer, type TelegramServer } from './telegram-server.ts';

export interface ObservedOptions {
  /** TOML after the last table; given the base URL of the model. */
  tail?: string | ((baseUrl: string) => string);
  env?: Record<string, string>;
  botToken?: string;
  /** Who answers by default. Default `m/m-1`. */
  defaultModel?: string;
  /** Who answers when that fails. */
  fallback?: string;
  /** The rest of `[providers.m]`, such as its key. */
  provider?: string;
  /** The rest of `[channels.telegram]`. */
  telegram?: string;
  /** Of `[server.auth]`; null: the gateway makes its own. */
  operatorToken?: string | null;
  /** Prepares the folder before the start. */
  prepare?: (dir: string) => void;
}

export interface LogLine {
  time: string;
  level: string;
  message: string;
  component?: string;
  correlation_id?: string;
  session?: string;
  [field: string]: unknown;
}

/** Who may write to the bot. */
export const ada = 1001;
export const ben = 1002;
const defaultToken = 'operator-token-under-observation';

export class Observed {
  readonly dir: string;
  readonly model: ProviderServer;
  readonly telegram: TelegramServer;
  readonly daemon: Daemon;

  private constructor(dir: string, model: ProviderServer, telegram: TelegramServer, daemon: Daemon) {
    this.dir = dir;
    this.model = model;
    this.telegram = telegram;
    this.daemon = daemon;
  }

  static async open(options: ObservedOptions = {}): Promise<Observed> {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-observed-'));
    const [model, telegram, port] = await Promise.all([
      startProviderServer(),
      startTelegramServer(options.botToken === undefined ? {} : { token: options.botToken }),
      freePort(),
    ]);
    options.prepare?.(dir);
    const config = configOf(options, model, telegram);
    const daemon = await startDaemon({ dir, port, config, env: options.env ?? {} }).catch(async (error: unknown) => {
      await Promise.all([model.close(), telegram.close()]);
      throw error;
    });
    return new Observed(dir, model, telegram, daemon);
  }

  get target(): Target {
    return { url: this.daemon.url, token: this.daemon.token() };
  }

  /** The JSON lines so far. */
  lines(): LogLine[] {
    return this.daemon
      .output()
      .split('\n')
      .map((line) => line.replace(/^<\d>/, ''))
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Resolves with the lines once they fit. */
  async until(fits: (lines: LogLine[]) => boolean): Promise<LogLine[]> {
    await this.daemon.printed(() => fits(this.lines()));
    return this.lines();
  }

  /** Says something on Telegram and resolves when the answer stands there. */
  async talk(text: string, chat = ada): Promise<void> {
    const shown = this.telegram.messages(chat).length;
    this.telegram.inject({ chatId: chat, text });
    await this.telegram.until(() => this.telegram.messages(chat).length > shown);
  }

  /** The samples of /metrics: `name{labels}` and value. */
  async samples(): Promise<Map<string, number>> {
    const text = await this.metrics();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  async metrics(): Promise<string> {
    const headers = { authorization: `Bearer ${this.target.token}` };
    return await (await fetch(`${this.target.url}/metrics`, { headers })).text();
  }

  async close(): Promise<void> {
    this.daemon.signal('SIGKILL');
    await this.daemon.exit;
    await Promise.all([this.model.close(), this.telegram.close()]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function configOf(options: ObservedOptions, model: ProviderServer, telegram: TelegramServer): string {
  const { tail = '', provider = 'api_key = "key-of-the-observed-model"', telegram: channel = '' } = options;
  const token = options.operatorToken === undefined ? defaultToken : options.operatorToken;
  const baseUrl = model.baseUrl('openai-chat');
  return `
${token === null ? '' : `[server.auth]\ntoken = "${token}"`}
[providers]
default = "${options.defaultModel ?? 'm/m-1'}"
${options.fallback === undefined ? '' : `fallback = ["${options.fallback}"]`}
[providers.m]
api = "openai-chat"
base_url = "${baseUrl}"
model = "m-1"
${provider}
[channels.telegram]
api_root = "${telegram.apiRoot}"
allowed_user_ids = [${ada}, ${ben}]
${/bot_token/.test(channel) ? '' : `bot_token = "${telegram.botToken}"`}
${channel}
${typeof tail === 'string' ? tail : tail(baseUrl)}
`;
}
