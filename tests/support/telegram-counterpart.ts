/** The strict Bot API server as a Counterpart, heard by polling or by webhook. */
import { createTelegramChannel } from '../../src/adapters/channels/telegram/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import type { NodeHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog, openDoor, type TestDoor } from './door.ts';
import { startTelegramServer, type Failure, type TelegramServer } from './telegram-server.ts';

const people = { one: 701, two: 702 };
const group = -1_007_001;
const webhookSecret = 'the_secret-of_the-webhook';

const faults: Record<Fault, Failure> = {
  rate_limited: { mode: 'code', code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } },
  server_error: { mode: 'bad_gateway' },
  answer_lost: { mode: 'lost' },
  forbidden: { mode: 'code', code: 403, description: 'Forbidden: bot was blocked by the user' },
  bad_token: { mode: 'code', code: 401, description: 'Unauthorized' },
};

export class TelegramCounterpart implements Counterpart {
  readonly groups = true;
  readonly server: TelegramServer;
  readonly #door: TestDoor | null;
  readonly #clients: NodeHttpClient[] = [];

  /** With a door Telegram delivers there. */
  constructor(server: TelegramServer, door: TestDoor | null) {
    this.server = server;
    this.#door = door;
  }

  get secrets(): string[] {
    return this.#door === null ? [this.server.botToken] : [this.server.botToken, webhookSecret];
  }

  channel(): Promise<Channel> {
    const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
    this.#clients.push(http);
    const webhook = this.#door === null ? null : { url: this.#door.url, secret: new Secret(webhookSecret) };
    const channel = createTelegramChannel({
      account: 'main',
      token: new Secret(this.server.botToken),
      apiRoot: this.server.apiRoot,
      pollTimeoutMs: 2000,
      http,
      random: systemRandom,
      ...(webhook === null ? {} : { webhook }),
    });
    if (this.#door !== null) hookInto(this.#door, channel);
    return Promise.resolve(channel);
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    return { channel: 'telegram', account: 'main', native: String(chat === 'group' ? group : people[sender]) };
  }

  say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    const told = chat === 'group' && addressed ? `@${this.server.bot.username} ${text}` : text;
    const from = { chatId: Number(this.conversation(place).native), fromId: people[sender] };
    if (file === undefined) return Promise.resolve(String(this.server.inject({ ...from, text: told }).messageId));
    const id = `in/${this.server.calls().length}.txt`;
    this.server.addFile(id, file);
    const document = { file_id: id, file_name: 'notes.txt', mime_type: 'text/plain', file_size: file.length };
    return Promise.resolve(String(this.server.inject({ ...from, extra: { document, caption: told } }).messageId));
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const messages = this.server.messages(this.conversation(place).native);
    return Promise.resolve(
      messages.map(({ messageId, text, file }) => ({
        ref: String(messageId),
        text,
        ...(file === null ? {} : { file: file.bytes }),
      })),
    );
  }

  repeatLast(): Promise<void> {
    return this.server.repeatLast();
  }

  fault(kind: Fault): boolean {
    this.server.fail(1, faults[kind], 'sendMessage');
    return true;
  }

  sends(): number {
    return this.server.calls().filter(({ method }) => /^(send(?!ChatAction)|edit)/.test(method)).length;
  }

  dropConnections(): Promise<void> {
    this.server.drop();
    return Promise.resolve();
  }

  connections(): number {
    return this.server.polls();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.close();
    await this.#door?.stop();
  }
}

export async function startTelegramCounterpart(mode: 'polling' | 'webhook'): Promise<TelegramCounterpart> {
  const door = mode === 'webhook' ? await openDoor() : null;
  return new TelegramCounterpart(await startTelegramServer(), door);
}

/** What comes to `/hooks/telegram/main` of the door is the channel's. */
export function hookInto(door: TestDoor, channel: Channel): void {
  const none = { status: 401 };
  door.gateway.onHook = async (name, request) =>
    name === 'telegram/main' ? ((await channel.hook?.(request, new AbortController().signal)) ?? none) : none;
}
