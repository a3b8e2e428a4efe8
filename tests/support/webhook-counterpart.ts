/**
 * A program on the other side of a webhook, strict about everything: it signs by its own arithmetic, refuses answers
 * that are not signed with a fresh time, and shows an answer once however often it comes.
 */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createWebhookChannel } from '../../src/adapters/channels/webhook/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { type Delivery, HookCaller } from './hook-caller.ts';
import { LoopbackServer, type Answered, type Asked } from './loopback-server.ts';

const key = Buffer.alloc(32, 'webhook counterpart');
export const webhookSecret = `whsec_${key.toString('base64')}`;
const maxSkewSeconds = 300;

/** As the specification says it, and not as the product does it. */
export const signed = (id: string, body: string | Buffer, seconds: number, with_ = key): string => {
  const text = Buffer.concat([Buffer.from(`${id}.${seconds}.`), Buffer.from(body)]);
  return `v1,${createHmac('sha256', with_).update(text).digest('base64')}`;
};

export const signedHeaders = (id: string, body: string | Buffer): Record<string, string> => {
  const seconds = Math.floor(Date.now() / 1000);
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signed(id, body, seconds) };
};

interface WireAnswer {
  text: string;
  conversation: string;
  in_reply_to: string | null;
  attachments?: { mime_type: string; name?: string; data: string }[];
}

const faults: Record<Exclude<Fault, 'answer_lost'>, Answered> = {
  rate_limited: { status: 429, headers: { 'retry-after': '1' } },
  server_error: { status: 500 },
  forbidden: { status: 403 },
  bad_token: { status: 401 },
};

export class WebhookCounterpart implements Counterpart {
  readonly groups = false;
  readonly secrets = [webhookSecret, key.toString('base64')];
  /** Everything that was posted, also what was answered with a fault. */
  readonly posts: { headers: Asked['headers']; body: WireAnswer }[] = [];
  readonly caller: HookCaller;
  readonly receiver: LoopbackServer;
  readonly http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
  readonly #taken = new Map<string, WireAnswer>();
  #fault: Fault | null = null;
  #last: Delivery | null = null;

  private constructor(caller: HookCaller) {
    this.caller = caller;
    this.receiver = new LoopbackServer((asked) => this.#receive(asked));
  }

  static async open(): Promise<WebhookCounterpart> {
    const counterpart = new WebhookCounterpart(await HookCaller.open());
    await counterpart.receiver.listen();
    return counterpart;
  }

  get url(): string {
    return `${this.receiver.url}/answers?for=clanker`;
  }

  channel(): Promise<Channel> {
    const options = {
      account: 'orders',
      secrets: [new Secret(webhookSecret)],
      url: this.url,
      maxLength: 32_768,
      http: this.http,
      clock: systemClock,
    };
    return Promise.resolve(this.caller.serve(createWebhookChannel(options)));
  }

  conversation({ sender = 'one' }: Place = {}): ConversationRef {
    return { channel: 'webhook', account: 'orders', native: `with ${sender}` };
  }

  async say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    const id = `msg_${randomUUID()}`;
    const body = JSON.stringify({
      text,
      conversation: this.conversation(place).native,
      sender: place.sender ?? 'one',
      ...(file === undefined
        ? {}
        : { attachments: [{ mime_type: 'application/pdf', data: Buffer.from(file).toString('base64') }] }),
    });
    this.#last = { path: '/hooks/orders', body, headers: () => signedHeaders(id, body) };
    await this.caller.deliver(this.#last);
    return id;
  }

  async repeatLast(): Promise<void> {
    assert.ok(this.#last !== null);
    await this.caller.deliver(this.#last);
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    const mine = [...this.#taken].filter(([, { conversation }]) => conversation === native);
    return Promise.resolve(
      mine.map(([ref, { text, attachments }]) => {
        const data = attachments?.[0]?.data;
        return { ref, text, ...(data === undefined ? {} : { file: new Uint8Array(Buffer.from(data, 'base64')) }) };
      }),
    );
  }

  fault(kind: Fault): boolean {
    this.#fault = kind;
    return true;
  }

  sends(): number {
    return this.posts.length;
  }

  dropConnections(): Promise<void> {
    return Promise.resolve();
  }

  connections(): number {
    return 0;
  }

  async close(): Promise<void> {
    await this.caller.close();
    await this.receiver.close();
    this.http.close();
  }

  #receive({ method, headers, body, json }: Asked): Answered | 'cut' {
    const answer = json as unknown as WireAnswer;
    this.posts.push({ headers, body: answer });
    const fault = this.#fault;
    this.#fault = null;
    if (fault !== null && fault !== 'answer_lost') return faults[fault];
    const id = String(headers['webhook-id']);
    const seconds = Number(headers['webhook-timestamp']);
    const isFresh = Math.abs(Date.now() / 1000 - seconds) <= maxSkewSeconds;
    const isSigned = String(headers['webhook-signature'])
      .split(' ')
      .includes(signed(id, body, seconds));
    if (!isFresh || !isSigned) return { status: 401 };
    if (method !== 'POST' || headers['content-type'] !== 'application/json' || !isWellFormed(answer)) {
      return { status: 400 };
    }
    if (!this.#taken.has(id)) this.#taken.set(id, answer);
    return fault === 'answer_lost' ? 'cut' : { status: 200 };
  }
}

function isWellFormed(answer: WireAnswer): boolean {
  const known = new Set(['text', 'conversation', 'in_reply_to', 'attachments']);
  return (
    Object.keys(answer).every((name) => known.has(name)) &&
    typeof answer.text === 'string' &&
    typeof answer.conversation === 'string' &&
    (answer.in_reply_to === null || typeof answer.in_reply_to === 'string')
  );
}
