/** WhatsApp as a Counterpart: people write, Meta calls our hook until it is taken, and tells what became of messages. */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createWhatsAppChannel } from '../../src/adapters/channels/whatsapp/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { type Delivery, HookCaller } from './hook-caller.ts';
import type { Answered } from './raw.ts';
import { readAs } from './whatsapp-reader.ts';
import { type SentMessage, WhatsAppServer } from './whatsapp-server.ts';

const appSecret = 'an-app-secret-of-32-characters-00';
const numbers = { one: '491701234567', two: '33612345678' };
const faults = {
  rate_limited: { status: 400, code: 130_429, message: 'Cloud API message throughput has been reached' },
  server_error: { status: 500, code: 131_000, message: 'Something went wrong' },
  forbidden: { status: 403, code: 10, message: 'Application does not have permission for this action' },
  bad_token: { status: 401, code: 190, message: 'Error validating access token' },
};

export class WhatsAppCounterpart implements Counterpart {
  readonly groups = false;
  readonly server = new WhatsAppServer();
  readonly verifyToken = 'a-verify-token-of-ours';
  readonly secrets = [this.server.token, appSecret, this.verifyToken];
  readonly caller: HookCaller;
  readonly http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
  #last: Delivery | null = null;
  #telling: Promise<unknown>[] = [];

  private constructor(caller: HookCaller) {
    this.caller = caller;
    this.server.taken = (message) => this.#tellStatus(message, 'sent');
  }

  static async open(): Promise<WhatsAppCounterpart> {
    const counterpart = new WhatsAppCounterpart(await HookCaller.open());
    await counterpart.server.server.listen();
    return counterpart;
  }

  channel(): Promise<Channel> {
    const options = {
      account: 'main',
      accessToken: new Secret(this.server.token),
      appSecret: new Secret(appSecret),
      verifyToken: new Secret(this.verifyToken),
      number: this.server.number,
      apiRoot: this.server.root,
      http: this.http,
      echoWaitMs: 300,
    };
    return Promise.resolve(this.caller.serve(createWhatsAppChannel(options)));
  }

  conversation({ sender = 'one' }: Place = {}): ConversationRef {
    return { channel: 'whatsapp', account: 'main', native: numbers[sender] };
  }

  async say(text: string, { sender = 'one' }: Place = {}, file?: Uint8Array): Promise<string> {
    const content =
      file === undefined
        ? { type: 'text', text: { body: text } }
        : {
            type: 'document',
            document: { id: this.server.store(file, 'application/pdf'), mime_type: 'application/pdf', caption: text },
          };
    return this.send(content, sender);
  }

  /** A message of any type; resolves with its id once it was taken. */
  async send(content: object, sender: 'one' | 'two' = 'one'): Promise<string> {
    const id = `wamid.${randomUUID()}`;
    const from = numbers[sender];
    this.server.people.add(from);
    this.server.received.add(id);
    const contacts = [{ profile: { name: `Person ${sender}` }, wa_id: from }];
    const messages = [{ from, id, timestamp: String(Math.floor(Date.now() / 1000)), ...content }];
    this.#last = this.delivery(this.notification({ contacts, messages }));
    await this.caller.deliver(this.#last);
    return id;
  }

  notification(value: object, number = this.server.number): object {
    const metadata = { display_phone_number: '15550100', phone_number_id: number };
    const change = { field: 'messages', value: { messaging_product: 'whatsapp', metadata, ...value } };
    return { object: 'whatsapp_business_account', entry: [{ id: '1', changes: [change] }] };
  }

  delivery(notification: unknown, secret = appSecret): Delivery {
    const body = typeof notification === 'string' ? notification : JSON.stringify(notification);
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    return { path: '/hooks/whatsapp/main', body, headers: () => ({ 'x-hub-signature-256': signature }) };
  }

  /** One attempt to tell something. */
  tell(notification: unknown, secret?: string): Promise<Answered> {
    return this.caller.once(this.delivery(notification, secret));
  }

  async repeatLast(): Promise<void> {
    assert.ok(this.#last !== null);
    await this.caller.deliver(this.#last);
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    const mine = this.server.sent.filter(({ to }) => to === native);
    return Promise.resolve(
      mine.map(({ id, words, file }) => ({ ref: id, text: readAs(words), ...(file === null ? {} : { file }) })),
    );
  }

  fault(kind: Fault): boolean {
    this.server.next = kind === 'answer_lost' ? 'cut_after' : faults[kind];
    return true;
  }

  sends(): number {
    return this.server.posts;
  }

  dropConnections(): Promise<void> {
    return Promise.resolve();
  }

  connections(): number {
    return 0;
  }

  async close(): Promise<void> {
    await this.caller.close();
    await Promise.allSettled(this.#telling);
    await this.server.server.close();
    this.http.close();
  }

  #tellStatus({ id, to, callback }: SentMessage, status: string): void {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const told = { id, status, timestamp, recipient_id: to, biz_opaque_callback_data: callback };
    this.#telling.push(this.caller.deliver(this.delivery(this.notification({ statuses: [told] }))));
  }
}
