/**
 * People who ask for things to be done while the gateway is killed under them. They behave as good clients do: a request
 * without an answer is repeated with its key, and what a chat has taken is never said twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { notices } from '../../../src/core/notices/index.ts';
import type { ApprovalInfo } from '../../../src/core/ports/approval-gateway.ts';
import { ask } from '../../support/gateway-client.ts';
import type { ShownMessage } from '../../support/telegram-server.ts';
import { doneWith, newPlan, type Plan } from './agent-plans.ts';
import type { AgentRig } from './agent-rig.ts';

const decidedWithinMs = 90_000;
const waitMs = 3000;
const maxWaits = 30;
const requestWithinMs = 120_000;
const pollMs = 25;
/** Questions of everybody, after which a client begins a new session. */
const sessionLength = 60;

/** How a person answers a question about a call. Both buttons at once is one answer and one that is too late. */
const ways = ['button', 'twice', 'both', 'words', 'command', 'api'] as const;
type Way = (typeof ways)[number];

export interface Asked extends Plan {
  /** Null for a client of the API. */
  chat: number | null;
  /** What the person answers to the question about a call; null: none is asked. `either`: whichever answer came first. */
  verdict: 'approve' | 'deny' | 'either' | null;
}

export interface PeopleOptions {
  /** How many write in chats one question after the other, how many ask for what needs their approval, how many by HTTP. */
  hasty: number;
  careful: number;
  http: number;
}

export class People {
  readonly asked: Asked[] = [];
  /** What should not have happened to them, in words. */
  readonly wrong: string[] = [];
  readonly #rig: AgentRig;
  readonly #people: Promise<void>[] = [];
  readonly #options: PeopleOptions;
  #going = true;
  #turns = 0;

  constructor(rig: AgentRig, options: PeopleOptions) {
    this.#rig = rig;
    this.#options = options;
  }

  start(): void {
    const { hasty, careful, http } = this.#options;
    for (const [n, chat] of this.#rig.chats.entries()) {
      if (n < hasty) this.#people.push(this.#again(() => this.#hastily(chat)));
      else if (n < hasty + careful) this.#people.push(this.#again(() => this.#carefully(chat)));
    }
    for (let n = 0; n < http; n++) this.#people.push(this.#again(() => this.#byHttp(`http-${n}`)));
  }

  /** Nobody asks anything new; resolves when everybody has their answers. */
  async stop(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#people);
  }

  async #again(work: () => Promise<void>): Promise<void> {
    while (this.#going) {
      await work().catch((error: unknown) => this.wrong.push(String(error)));
      await sleep(Math.random() * 150);
    }
  }

  #plan(chat: number | null, verdict: Asked['verdict']): Asked {
    const asked = { ...newPlan(this.#rig.world, verdict !== null), chat, verdict };
    this.asked.push(asked);
    return asked;
  }

  /** Writes one to three messages without waiting for an answer, and waits for all of them then. */
  async #hastily(chat: number): Promise<void> {
    const many = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => this.#plan(chat, null));
    for (const { text } of many) {
      this.#rig.telegram.inject({ chatId: chat, text });
      await sleep(Math.random() * 120);
    }
    for (const { marker } of many)
      await this.#shown(chat, marker, (texts) => texts.some((text) => doneWith(marker).test(text)));
  }

  async #carefully(chat: number): Promise<void> {
    const way = ways[this.#turns++ % ways.length] as Way;
    const verdict = way === 'both' ? 'either' : Math.random() < 0.7 ? 'approve' : 'deny';
    const { telegram } = this.#rig;
    const asked = this.#plan(chat, verdict);
    telegram.inject({ chatId: chat, text: asked.text });
    const question = (): ShownMessage | undefined =>
      telegram.messages(chat).find(({ text, buttons }) => buttons.length > 0 && text.includes(asked.marker));
    const done = (texts: string[]): boolean => texts.some((text) => doneWith(asked.marker).test(text));
    await this.#shown(chat, asked.marker, (texts) => question() !== undefined || done(texts));
    if (done(telegram.messages(chat).map(({ text }) => text))) {
      asked.verdict = null;
      return;
    }
    const before = telegram.messages(chat).length;
    const shown = question();
    if (shown === undefined) await this.#decideByApi(asked.marker, verdict === 'deny' ? 'deny' : 'approve');
    else await this.#decide(chat, asked, shown, way);
    await this.#shown(chat, asked.marker, (texts) => (verdict === 'approve' ? done(texts) : texts.length > before));
  }

  async #decide(chat: number, { verdict, marker }: Asked, question: ShownMessage, way: Way): Promise<void> {
    const { telegram } = this.#rig;
    const [approve = '', deny = ''] = question.buttons;
    const data = verdict === 'deny' ? deny : approve;
    switch (way) {
      case 'words':
        telegram.inject({ chatId: chat, text: verdict === 'deny' ? 'no' : 'Yes.' });
        break;
      case 'command':
        telegram.inject({ chatId: chat, text: data });
        break;
      case 'api':
        await this.#decideByApi(marker, verdict === 'deny' ? 'deny' : 'approve');
        break;
      default:
        telegram.press(question, data);
        if (way === 'twice') telegram.press(question, data);
        if (way === 'both') telegram.press(question, deny);
    }
  }

  async #decideByApi(marker: string, verdict: 'approve' | 'deny'): Promise<void> {
    const list = await this.#request<{ approvals: ApprovalInfo[] }>('GET', '/api/v1/approvals?limit=200');
    const row = list.approvals.find(({ args }) => JSON.stringify(args).includes(marker));
    if (row === undefined) throw new Error(`the question about ${marker} was shown and is not listed`);
    // 409: an earlier try was heard, and its answer was lost with the process.
    await this.#request('POST', `/api/v1/approvals/${row.id}/${verdict}`, {}, [202, 409]);
  }

  async #byHttp(person: string): Promise<void> {
    const session = `${person}-${Math.floor(this.asked.length / sessionLength)}`;
    const verdict = Math.random() < 0.3 ? (Math.random() < 0.7 ? 'approve' : 'deny') : null;
    const asked = this.#plan(null, verdict);
    const { marker, text } = asked;
    const body = { text, session, idempotency_key: marker };
    const answer = await this.#request<{ reply: { text: string }; finish_reason: string }>(
      'POST',
      '/api/v1/chat',
      body,
    );
    if (verdict === null || answer.finish_reason !== 'approval') {
      asked.verdict = null;
      if (!doneWith(marker).test(answer.reply.text)) this.wrong.push(`${marker} was answered "${answer.reply.text}"`);
      return;
    }
    await this.#decideByApi(marker, verdict);
    const deadline = performance.now() + decidedWithinMs;
    for (;;) {
      const route = `/api/v1/sessions/${session}/messages?limit=200`;
      const { messages } = await this.#request<{ messages: { text: string }[] }>('GET', route);
      const { text: said = '' } = messages.at(-1) ?? {};
      if (verdict === 'approve' ? doneWith(marker).test(said) : said === denied) return;
      if (performance.now() > deadline) throw new Error(`nothing came of ${marker} (${verdict}): "${said}"`);
      await sleep(pollMs);
    }
  }

  /** Repeated until it is answered; the gateway goes away in between. */
  async #request<T>(method: string, route: string, body?: object, good: readonly number[] = [200]): Promise<T> {
    for (;;) {
      try {
        const signal = AbortSignal.timeout(requestWithinMs);
        const answer = await ask<T>(this.#rig.target, method, route, body, {}, signal);
        if (good.includes(answer.status)) return answer.body;
        // It is being stopped.
        if (answer.status !== 503)
          throw new Refused(
            `${method} ${route.split('?')[0]} was answered ${answer.status} ${JSON.stringify(answer.body)}`,
          );
      } catch (error) {
        if (error instanceof Refused || (error instanceof Error && error.name === 'TimeoutError')) throw error;
      }
      await sleep(pollMs);
      await this.#rig.up();
    }
  }

  /** Resolves when what is shown in a chat fits, or when the gateway says that it does not know whether it was shown. */
  async #shown(chat: number, marker: string, fits: (texts: string[]) => boolean): Promise<void> {
    const { telegram } = this.#rig;
    const holds = (): boolean => fits(telegram.messages(chat).map(({ text }) => text));
    for (let waits = 0; waits < maxWaits; waits++) {
      const came = await telegram.until(holds, waitMs).then(
        () => true,
        () => false,
      );
      if (came || this.#rig.isUncertain(marker)) return;
    }
    throw new Error(`nothing came of ${marker} in chat ${chat}`);
  }
}

const denied = notices.en.approvals.denied('mcp_book__asked');

class Refused extends Error {}
