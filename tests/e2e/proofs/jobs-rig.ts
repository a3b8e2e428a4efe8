/** What the proofs of schedules stand on: a gateway that is killed, and a chat platform, a model and two receivers that stay. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WrittenJob } from '../../../src/core/ports/schedule-gateway.ts';
import { freePort, type Daemon } from '../../support/daemon.ts';
import { ask } from '../../support/gateway-client.ts';
import { LoopbackServer } from '../../support/loopback-server.ts';
import { newMarker } from '../../support/mock-openai.ts';
import { lastAsked, scriptedOpenAi, type ScriptedOpenAi } from '../../support/scripted-openai.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { auth, RestartedGateway } from './restarted.ts';

/** The model and the receivers take so long before and after they did something: at most, so that kills hit them. */
const maxThinkMs = 30;
const settleWithinMs = 120_000;
const retryMs = 20;
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

export class JobsRig extends RestartedGateway {
  readonly telegram: TelegramServer;
  readonly model: ScriptedOpenAi;
  /** What was posted to `webhook:ops`, repeats included. */
  readonly receipts: Receipt[] = [];
  /** How often each tag was posted by a tool. */
  readonly tags = new Map<string, number>();
  readonly #options: JobsRigOptions;
  readonly #counter: LoopbackServer;
  readonly #receiver: LoopbackServer;
  readonly #cleanup: (() => void)[];

  private constructor(
    parts: Pick<JobsRig, 'telegram' | 'model'> & { port: number },
    cleanup: (() => void)[],
    options: JobsRigOptions,
  ) {
    super(parts.port);
    this.telegram = parts.telegram;
    this.model = parts.model;
    this.#cleanup = cleanup;
    this.#options = options;
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

  /** A post to it cannot be repeated without happening twice. */
  counterUrl(tag: string): string {
    return `${this.#counter.url}/?tag=${tag}`;
  }

  #config(): string {
    const counter = new URL(this.#counter.url);
    const { scheduler = '', tasks = '' } = this.#options;
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

  start(env: Record<string, string> = {}): Promise<Daemon> {
    return this.startWith(this.#config(), { env });
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

  /** No job is due any more, and no task waits or is at work, too. */
  settle(): Promise<string[]> {
    const waiting = async (of: string, list: 'jobs' | 'tasks'): Promise<number> => {
      const { body } = await ask<{ jobs?: unknown[]; tasks?: unknown[] }>(this.target, 'GET', `/api/v1/${of}`);
      return body[list]?.length ?? 0;
    };
    return this.settled(settleWithinMs, async () => ({
      jobs: await waiting('jobs?state=active&chores=without&limit=1', 'jobs'),
      'tasks queued': await waiting('tasks?state=queued&chores=without&limit=1', 'tasks'),
      'tasks at work': await waiting('tasks?state=running&chores=without&limit=1', 'tasks'),
    }));
  }

  override async close(): Promise<void> {
    await super.close();
    for (const work of this.#cleanup) work();
    await Promise.all([this.telegram.close(), this.#counter.close(), this.#receiver.close()]);
  }
}

class Refused extends Error {}

const aMoment = (): Promise<void> => sleep(Math.random() * maxThinkMs);
