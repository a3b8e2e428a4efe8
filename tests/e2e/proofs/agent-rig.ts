/** What the proof of the agent stands on: a gateway with tools, and the world in which it may change something. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, type Daemon } from '../../support/daemon.ts';
import { ask } from '../../support/gateway-client.ts';
import { LoopbackServer } from '../../support/loopback-server.ts';
import { scriptedOpenAi, type ScriptedOpenAi } from '../../support/scripted-openai.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { play, type World } from './agent-plans.ts';
import { auth, RestartedGateway } from './restarted.ts';

/** The model thinks so long before it speaks, and the ledger before it answers: at most, so that kills hit them. */
const maxThinkMs = 25;
const maxPostMs = 40;
const settleWithinMs = 90_000;
const board = 2000;

/** What of the text of others and of sends is asked about elsewhere is allowed here; one tool waits for a person. */
const policy = `
[tools.policy]
send = "allow"
tainted = "allow"
tools = { mcp_book__asked = "ask" }
`;

export type QueueMode = 'followup' | 'steer';

export class AgentRig extends RestartedGateway {
  readonly model: ScriptedOpenAi;
  readonly telegram: TelegramServer;
  /** How often each tag has arrived. */
  readonly posts = new Map<string, number>();
  readonly chats: readonly number[];
  readonly #ledger: LoopbackServer;
  readonly #cleanup: (() => void)[];

  private constructor(
    parts: Pick<AgentRig, 'model' | 'telegram' | 'chats'> & { port: number; ledger: LoopbackServer },
    cleanup: (() => void)[],
  ) {
    super(parts.port);
    this.model = parts.model;
    this.telegram = parts.telegram;
    this.chats = parts.chats;
    this.#ledger = parts.ledger;
    this.#cleanup = cleanup;
  }

  static async open(chats: number): Promise<AgentRig> {
    const cleanup: (() => void)[] = [];
    const counting: { rig: AgentRig | null } = { rig: null };
    const [port, telegram, model, ledger] = await Promise.all([
      freePort(),
      startTelegramServer(),
      scriptedOpenAi(
        { after: (work: () => void) => void cleanup.push(work) },
        async (request) => {
          await sleep(Math.random() * maxThinkMs);
          return play(request);
        },
        // As servers do that number the calls of each answer from 0.
        (_, place) => `call_${place}`,
      ),
      new LoopbackServer(async ({ query }) => {
        const tag = query.get('tag') ?? '';
        await sleep(Math.random() * maxPostMs);
        const posts = counting.rig?.posts;
        posts?.set(tag, (posts.get(tag) ?? 0) + 1);
        await sleep(Math.random() * maxPostMs);
        return { status: 200, json: { taken: tag } };
      }).listen(),
    ]);
    const list = Array.from({ length: chats }, (_, n) => 1001 + n);
    return (counting.rig = new AgentRig({ port, telegram, model, chats: list, ledger }, cleanup));
  }

  get world(): World {
    return { ledger: this.#ledger.url, board: `telegram:main:${board}` };
  }

  get boardChat(): number {
    return board;
  }

  get #bookFile(): string {
    return path.join(this.dir, 'book.txt');
  }

  #config(queueMode: QueueMode): string {
    const ledger = new URL(this.#ledger.url);
    return `${auth}
[server.limits]
requests_per_second = 100000
[providers]
default = "m/m-1"
[providers.m]
api = "openai-chat"
base_url = "${this.model.baseUrl}"
model = "m-1"
max_concurrency = 100
[agent]
queue_mode = "${queueMode}"
history_window = 4
[channels.telegram]
bot_token = "${this.telegram.botToken}"
api_root = "${this.telegram.apiRoot}"
poll_timeout = "2s"
allowed_user_ids = [${[...this.chats, board].join(', ')}]
[tools.http_client]
allow_private = ["${ledger.host}"]
ports = [${ledger.port}]
[mcp.servers.book]
command = ${JSON.stringify(process.execPath)}
args = ${JSON.stringify([path.resolve(import.meta.dirname, '../../support/mcp-book.ts'), this.#bookFile])}
${policy}
[logging]
level = "info"
`;
  }

  start(queueMode: QueueMode, env: Record<string, string> = {}): Promise<Daemon> {
    return this.startWith(this.#config(queueMode), { env });
  }

  /** Whether a message with these words was hit twice while it was sent: nobody knows whether it came, and `why` says so. */
  isUncertain(words: string): boolean {
    const database = new DatabaseSync(this.databaseFile, { readOnly: true });
    const sql = "SELECT 1 FROM outbox WHERE state = 'uncertain' AND instr(body, ?) > 0 LIMIT 1";
    const found = database.prepare(sql).get(words) !== undefined;
    database.close();
    return found;
  }

  /** Everybody who writes is an owner of the gateway: only they may reach the ledger and every chat. */
  async admit(): Promise<void> {
    for (const chat of this.chats) this.telegram.inject({ chatId: chat, text: 'hello' });
    await this.telegram.until(() => this.chats.every((chat) => this.telegram.messages(chat).length > 0));
    const { body } = await ask<{ people: { id: string; role: string }[] }>(this.target, 'GET', '/api/v1/people');
    for (const { id, role } of body.people) {
      if (role === 'owner') continue;
      const { status } = await ask(this.target, 'POST', `/api/v1/people/${id}/role`, { role: 'owner' });
      if (status !== 200) throw new Error(`the role was not given: ${status}`);
    }
  }

  /** Every update was taken, too. */
  settle(): Promise<string[]> {
    return this.settled(settleWithinMs, () => ({ 'updates not taken': this.telegram.pending() }));
  }

  /** The lines of the book. */
  book(): string[] {
    return existsSync(this.#bookFile) ? readFileSync(this.#bookFile, 'utf8').split('\n') : [];
  }

  /** The files of everybody, by name, and the lines of what they append to. */
  files(): { names: string[]; lines: string[] } {
    const people = path.join(this.dir, 'data/people');
    const found = existsSync(people) ? readdirSync(people, { recursive: true, encoding: 'utf8' }) : [];
    const logs = found.filter((name) => path.basename(name) === 'log.txt');
    return {
      names: found.map((name) => path.basename(name)),
      lines: logs.flatMap((name) => readFileSync(path.join(people, name), 'utf8').split('\n')),
    };
  }

  override async close(): Promise<void> {
    await super.close();
    for (const work of this.#cleanup) work();
    await Promise.all([this.telegram.close(), this.#ledger.close()]);
  }
}
