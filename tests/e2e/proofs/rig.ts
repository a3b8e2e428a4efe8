/** What every proof stands on: a model, a chat platform and a gateway that can be killed and started again. */
import { freePort, type Daemon, type DaemonOptions } from '../../support/daemon.ts';
import { account, Ledger, type Accounts, type Sent } from '../../support/ledger.ts';
import { answerTo, startMockOpenAi, type MockOpenAi, type Pace } from '../../support/mock-openai.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { auth, RestartedGateway } from './restarted.ts';

export interface RigOptions {
  pace?: Partial<Pace>;
  /** Further lines of `[channels.telegram]`. */
  telegram?: string;
  /** Telegram delivers to the gateway and is not polled. */
  webhook?: boolean;
}

const settleWithinMs = 60_000;
const shownWithinMs = 120_000;

/** Chats 1001 to 1099 may write to the bot. */
export const chats = Array.from({ length: 99 }, (_, index) => 1001 + index);

export class Rig extends RestartedGateway {
  readonly model: MockOpenAi;
  readonly telegram: TelegramServer;
  readonly ledger = new Ledger();
  readonly #telegramLines: string;

  private constructor(port: number, model: MockOpenAi, telegram: TelegramServer, telegramLines: string) {
    super(port);
    this.model = model;
    this.telegram = telegram;
    this.#telegramLines = telegramLines;
  }

  static async open({ pace = {}, telegram: given = '', webhook = false }: RigOptions = {}): Promise<Rig> {
    const [port, model, telegram] = await Promise.all([freePort(), startMockOpenAi(pace), startTelegramServer()]);
    const called = webhook ? `mode = "webhook"\nwebhook_url = "http://127.0.0.1:${port}"\n` : '';
    return new Rig(port, model, telegram, called + given);
  }

  config(modelKey = 'key-of-the-mock-model'): string {
    return `${auth}
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

  start(options: Pick<DaemonOptions, 'env' | 'under'> = {}): Promise<Daemon> {
    return this.startWith(this.config(), options);
  }

  /** Every update was taken, too. */
  settle(withinMs = settleWithinMs): Promise<string[]> {
    return this.settled(withinMs, () => ({
      'updates not taken': this.ledger.sent.filter(
        ({ updateId }) => updateId !== null && updateId >= this.telegram.confirmed(),
      ).length,
    }));
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
    left.push(...(await this.stopped()));
    const accounts = account({
      databaseFile: this.databaseFile,
      ledger: this.ledger,
      model: await this.model.report(),
      platform: this.telegram.messages(),
    });
    accounts.violations.unshift(...left, ...this.telegram.violations.map((what) => `Telegram: ${what}`));
    return accounts;
  }

  override async close(): Promise<void> {
    await super.close();
    await Promise.all([this.model.close(), this.telegram.close()]);
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
