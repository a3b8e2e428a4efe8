/** What every proof stands on: a model, a chat platform and a gateway that can be killed and started again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startDaemon, type Daemon, type DaemonOptions } from '../../support/daemon.ts';
import { ask, type Target } from '../../support/gateway-client.ts';
import { account, Ledger, type Accounts, type Sent } from '../../support/ledger.ts';
import { answerTo, startMockOpenAi, type MockOpenAi, type Pace } from '../../support/mock-openai.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';

export interface RigOptions {
  pace?: Partial<Pace>;
  /** Further lines of `[channels.telegram]`. */
  telegram?: string;
  /** Telegram delivers to the gateway and is not polled. */
  webhook?: boolean;
}

const settleWithinMs = 60_000;
const settlePollMs = 50;
const shownWithinMs = 120_000;
/** A retry or a marked repeat waits seconds; a rig is settled only when nothing has been open for this long. */
const quietMs = 300;

/** Chats 1001 to 1099 may write to the bot. */
export const chats = Array.from({ length: 99 }, (_, index) => 1001 + index);
/** Long enough for the rule on operator tokens, and the same over all restarts. */
const token = 'operator-token-of-the-proofs';

export class Rig {
  readonly dir: string;
  readonly model: MockOpenAi;
  readonly telegram: TelegramServer;
  readonly ledger = new Ledger();
  readonly target: Target;
  readonly #port: number;
  readonly #telegramLines: string;
  #daemon: Daemon | null = null;
  #up = Promise.withResolvers<void>();

  private constructor(dir: string, port: number, model: MockOpenAi, telegram: TelegramServer, telegramLines: string) {
    this.dir = dir;
    this.#port = port;
    this.model = model;
    this.telegram = telegram;
    this.#telegramLines = telegramLines;
    this.target = { url: `http://127.0.0.1:${port}`, token };
  }

  static async open({ pace = {}, telegram: given = '', webhook = false }: RigOptions = {}): Promise<Rig> {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-proof-'));
    const [port, model, telegram] = await Promise.all([freePort(), startMockOpenAi(pace), startTelegramServer()]);
    const called = webhook ? `mode = "webhook"\nwebhook_url = "http://127.0.0.1:${port}"\n` : '';
    return new Rig(dir, port, model, telegram, called + given);
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error('No gateway runs.');
    return this.#daemon;
  }

  get databaseFile(): string {
    return path.join(this.dir, 'data/open-clanker.db');
  }

  get configFile(): string {
    return path.join(this.dir, 'config.toml');
  }

  /** For commands that should find this gateway. */
  get cliEnv(): Record<string, string> {
    return { OPEN_CLANKER_URL: this.target.url, OPEN_CLANKER_TOKEN: this.target.token };
  }

  config(modelKey = 'key-of-the-mock-model'): string {
    return `
[server.auth]
token = "${token}"
[server.limits]
requests_per_second = 100000
connections = 2000
[providers]
default = "mock/mock-1"
[providers.mock]
api = "openai-chat"
base_url = "${this.model.baseUrl}"
api_key = "${modelKey}"
model = "mock-1"
max_concurrency = 500
[channels.telegram]
bot_token = "${this.telegram.botToken}"
api_root = "${this.telegram.apiRoot}"
allowed_user_ids = [${chats.join(', ')}]
${this.#telegramLines}
[database]
path = "open-clanker.db"
[logging]
level = "info"
format = "json"
`;
  }

  /** Starts the gateway, on the same port and data as before. */
  async start(options: Pick<DaemonOptions, 'env' | 'under'> = {}): Promise<Daemon> {
    this.#daemon = await startDaemon({ dir: this.dir, config: this.config(), port: this.#port, ...options });
    this.#up.resolve();
    return this.#daemon;
  }

  /** From now on `up` waits for the next start. Called before the gateway is taken away. */
  goingDown(): void {
    this.#up = Promise.withResolvers();
  }

  /** Resolves when a gateway is ready; at once while one is. */
  up(): Promise<void> {
    return this.#up.promise;
  }

  async kill(): Promise<void> {
    this.goingDown();
    await this.daemon.kill();
  }

  async stop(): Promise<Awaited<ReturnType<Daemon['stop']>>> {
    this.goingDown();
    return await this.daemon.stop();
  }

  /** Waits until nothing is queued, running or on its way out, and every update was taken; then names what was left. */
  async settle(withinMs = settleWithinMs): Promise<string[]> {
    const deadline = performance.now() + withinMs;
    let quietSince = Number.POSITIVE_INFINITY;
    for (;;) {
      const { body } = await ask<{ queues: Record<string, number> }>(this.target, 'GET', '/api/v1/status');
      const { inbox = 0, running = 0, outbox = 0 } = body.queues;
      const untaken = this.ledger.sent.filter(
        ({ updateId }) => updateId !== null && updateId >= this.telegram.confirmed(),
      ).length;
      const now = performance.now();
      if (inbox + running + outbox + untaken > 0) quietSince = Number.POSITIVE_INFINITY;
      else quietSince = Math.min(quietSince, now);
      if (now - quietSince >= quietMs) return [];
      if (now > deadline) {
        return [`not settled: inbox ${inbox}, running ${running}, outbox ${outbox}, updates not taken ${untaken}`];
      }
      await sleep(settlePollMs);
    }
  }

  /** A ledger's message is said in a chat. */
  say(sent: Sent, chat = chats[0] ?? 0): void {
    sent.updateId = this.telegram.inject({ chatId: chat, text: sent.text }).updateId;
  }

  /** Resolves when the whole answer stands on Telegram. */
  shown(sent: Sent): Promise<void> {
    const answer = answerTo(sent.text);
    return this.telegram.until(
      () => this.telegram.messages().some(({ text }) => text.startsWith(answer)),
      shownWithinMs,
    );
  }

  /** Settles, stops the gateway and draws up the accounts. */
  async account(settleMs?: number): Promise<Accounts> {
    const left = await this.settle(settleMs);
    for (const sent of this.ledger.sent) {
      if (sent.updateId !== null && sent.updateId < this.telegram.confirmed()) sent.acknowledged = true;
    }
    const exit = await this.stop();
    if (exit.code !== 0) left.push(`SIGTERM ended with ${exit.code ?? exit.signal} and not with 0`);
    const accounts = account({
      databaseFile: this.databaseFile,
      ledger: this.ledger,
      model: await this.model.report(),
      platform: this.telegram.messages(),
    });
    accounts.violations.unshift(...left, ...this.telegram.violations.map((what) => `Telegram: ${what}`));
    return accounts;
  }

  async close(): Promise<void> {
    await this.#daemon?.kill();
    await Promise.all([this.model.close(), this.telegram.close()]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Opens a rig, works, and takes it down whatever happens. */
export async function withRig<T>(options: RigOptions, work: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await Rig.open(options);
  try {
    return await work(rig);
  } finally {
    await rig.close();
  }
}
