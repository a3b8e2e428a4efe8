/** What the proofs of schedules stand on: a gateway that is killed, and a chat platform, a model and two receivers that stay. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WrittenJob } from '../../../src/core/ports/schedule-gateway.ts';
import { freePort, startDaemon, type Daemon } from '../../support/daemon.ts';
import { ask, type Target } from '../../support/gateway-client.ts';
import { LoopbackServer } from '../../support/loopback-server.ts';
import { newMarker } from '../../support/mock-openai.ts';
import { lastAsked, scriptedOpenAi, type ScriptedOpenAi } from '../../support/scripted-openai.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';

/** The model and the receivers take so long before and after they did something: at most, so that kills hit them. */
const maxThinkMs = 30;
const settleWithinMs = 120_000;
const settlePollMs = 50;
const retryMs = 20;
const token = 'operator-token-of-the-proofs';
/** Longer than any person's list; the gateway is not to refuse a proof. */
const many = 10_000;

/** Chats that results may go to. */
export const chats = Array.from({ length: 30 }, (_, n) => 1001 + n);

export interface Receipt {
  id: string;
  body: { job: string | null; task: string; text: string | null };
}

export interface JobsRigOptions {
  /** Further lines of `[scheduler]`, and of `[tasks]`. */
  scheduler?: string;
  tasks?: string;
  /** Held until it resolves: what the model is asked. */
  thinking?: () => Promise<void>;
}

export class JobsRig {
  readonly dir: string;
  readonly target: Target;
  readonly telegram: TelegramServer;
  readonly model: ScriptedOpenAi;
  /** What was posted to `webhook:ops`, repeats included. */
  readonly receipts: Receipt[] = [];
  /** How often each tag was posted by a tool. */
  readonly tags = new Map<string, number>();
  readonly #port: number;
  readonly #options: JobsRigOptions;
  readonly #counter: LoopbackServer;
  readonly #receiver: LoopbackServer;
  readonly #cleanup: (() => void)[];
  #daemon: Daemon | null = null;
  #up = Promise.withResolvers<void>();

  private constructor(
    parts: Pick<JobsRig, 'telegram' | 'model'> & { port: number },
    cleanup: (() => void)[],
    options: JobsRigOptions,
  ) {
    this.dir = mkdtempSync(path.join(tmpdir(), 'clanker-proof-jobs-'));
    this.telegram = parts.telegram;
    this.model = parts.model;
    this.#port = parts.port;
    this.#cleanup = cleanup;
    this.#options = options;
    this.target = { url: `http://127.0.0.1:${parts.port}`, token };
    this.#counter = new LoopbackServer(async ({ query }) => {
      await aMoment();
      const tag = query.get('tag') ?? '';
      this.tags.set(tag, (this.tags.get(tag) ?? 0) + 1);
      await aMoment();
      return { status: 200, json: { taken: tag } };
    });
    this.#receiver = new LoopbackServer(async ({ headers, json }) => {
      await aMoment();
      this.receipts.push({ id: String(headers['webhook-id']), body: json as unknown as Receipt['body'] });
      await aMoment();
      return { status: 204 };
    });
  }

  static async open(options: JobsRigOptions = {}): Promise<JobsRig> {
    const cleanup: (() => void)[] = [];
    const [port, telegram, model] = await Promise.all([
      freePort(),
      startTelegramServer(),
      scriptedOpenAi({ after: (work: () => void) => void cleanup.push(work) }, async (request) => {
        await aMoment();
        await options.thinking?.();
        // Each answer is another one, and begins with what it answers.
        return { text: `${/^\w+/.exec(lastAsked(request))?.[0] ?? ''}-${newMarker()}` };
      }),
    ]);
    const rig = new JobsRig({ port, telegram, model }, cleanup, options);
    await Promise.all([rig.#counter.listen(), rig.#receiver.listen()]);
    return rig;
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error('No gateway runs.');
    return this.#daemon;
  }

  get databaseFile(): string {
    return path.join(this.dir, 'data/open-clanker.db');
  }

  /** For commands that should find this gateway. */
  get cliEnv(): Record<string, string> {
    return { OPEN_CLANKER_URL: this.target.url, OPEN_CLANKER_TOKEN: token };
  }

  /** A post to it cannot be repeated without happening twice. */
  counterUrl(tag: string): string {
    return `${this.#counter.url}/?tag=${tag}`;
  }

  #config(): string {
    const counter = new URL(this.#counter.url);
    const { scheduler = '', tasks = '' } = this.#options;
    return `
[server.auth]
token = "${token}"
[server.limits]
requests_per_second = 100000
[providers]
default = "m/m-1"
[providers.m]
api = "openai-chat"
base_url = "${this.model.baseUrl}"
model = "m-1"
max_concurrency = 100
[channels.telegram]
bot_token = "${this.telegram.botToken}"
api_root = "${this.telegram.apiRoot}"
poll_timeout = "2s"
allowed_user_ids = [${chats.join(', ')}]
[webhooks.out.ops]
url = "${this.#receiver.url}/ops"
secret = "whsec_${Buffer.alloc(32, 'k').toString('base64')}"
[tools.http_client]
allow_private = ["${counter.host}"]
ports = [${counter.port}]
[tools.policy]
send = "allow"
[scheduler]
max_jobs = ${many}
${scheduler}
[tasks]
concurrency = 20
per_person = 20
max_open = ${many}
${tasks}
[logging]
level = "info"
`;
  }

  /** Starts the gateway, on the same port and data as before. */
  async start(env: Record<string, string> = {}): Promise<Daemon> {
    this.#daemon = await startDaemon({ dir: this.dir, config: this.#config(), port: this.#port, env });
    this.#up.resolve();
    return this.#daemon;
  }

  /** Resolves when a gateway is ready; at once while one is. */
  up(): Promise<void> {
    return this.#up.promise;
  }

  /** SIGKILL; does nothing to a gateway that ended by itself. */
  async kill(): Promise<void> {
    this.#up = Promise.withResolvers();
    await this.daemon.kill();
  }

  /** SIGTERM; what was wrong with the end. */
  async stop(): Promise<string[]> {
    this.#up = Promise.withResolvers();
    const { code, signal } = await this.daemon.stop();
    return code === 0 ? [] : [`SIGTERM ended with ${code ?? signal} and not with 0`];
  }

  /** Makes a job, by one key until it is answered; resolves with its id. */
  async add(job: WrittenJob): Promise<string> {
    const key = newMarker();
    for (;;) {
      await this.up();
      try {
        const body = { ...job, idempotency_key: key };
        const answer = await ask<{ id: string; error?: { code: string } }>(this.target, 'POST', '/api/v1/jobs', body);
        if (answer.status === 201) return answer.body.id;
        const { error } = answer.body;
        // It begins, or it stops.
        const passing = answer.status === 503 || error?.code === 'channel_stopped';
        if (!passing) throw new Refused(`a job was answered ${answer.status} ${JSON.stringify(error)}`);
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      await sleep(retryMs);
    }
  }

  /** Lets every job rest that is due again and again; those that are due once run out by themselves. */
  async pauseRecurring(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const { status } = await ask(this.target, 'POST', `/api/v1/jobs/${id}/pause`);
      // One that is paused already: its task has crashed the gateway too often.
      if (status !== 200 && status !== 409) throw new Error(`pausing ${id} was answered ${status}`);
    }
  }

  /** Waits until no job is due any more and nothing waits, is at work or on its way out; then names what was left. */
  async settle(): Promise<string[]> {
    const deadline = performance.now() + settleWithinMs;
    const waiting = async (of: string, list: 'jobs' | 'tasks'): Promise<number> => {
      const { body } = await ask<{ jobs?: unknown[]; tasks?: unknown[] }>(this.target, 'GET', `/api/v1/${of}`);
      return body[list]?.length ?? 0;
    };
    for (let quiet = 0; ;) {
      const { body } = await ask<{ queues: Record<string, number> }>(this.target, 'GET', '/api/v1/status');
      const { inbox = 0, running = 0, outbox = 0 } = body.queues;
      const active = await waiting('jobs?state=active&chores=without&limit=1', 'jobs');
      const queued = await waiting('tasks?state=queued&chores=without&limit=1', 'tasks');
      const working = await waiting('tasks?state=running&chores=without&limit=1', 'tasks');
      quiet = inbox + running + outbox + active + queued + working === 0 ? quiet + 1 : 0;
      if (quiet > 3) return [];
      if (performance.now() > deadline)
        return [
          `not settled: inbox ${inbox}, running ${running}, outbox ${outbox}; jobs ${active}, tasks ${queued} + ${working}`,
        ];
      await sleep(settlePollMs);
    }
  }

  async close(): Promise<void> {
    await this.#daemon?.kill();
    for (const work of this.#cleanup) work();
    await Promise.all([this.telegram.close(), this.#counter.close(), this.#receiver.close()]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

class Refused extends Error {}

const aMoment = (): Promise<void> => sleep(Math.random() * maxThinkMs);
