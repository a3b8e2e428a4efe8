/** The strict signal-cli daemon as a Counterpart. */
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import type { NodeHttpClient } from '../../src/adapters/http-client/index.ts';
import { createSignalChannel } from '../../src/adapters/channels/signal/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { rpcError, SignalServer } from './signal-server.ts';
import type { SendFault } from './signal-server.ts';

const slower = { response: { results: [{ type: 'RATE_LIMIT_FAILURE', retryAfterSeconds: 1 }] } };

const faults: Record<Fault, SendFault> = {
  rate_limited: rpcError(-5, 'Failed to send message due to rate limiting', slower),
  server_error: { status: 500 },
  answer_lost: 'lost',
  forbidden: rpcError(-4, 'Failed to send message due to untrusted identities'),
  bad_token: rpcError(-32602, 'Specified account does not exist'),
};

export const group = 'EdSqI90cS0UomDpgUXOlCoObWvQOXlH5G3Z2d3f4ayE=';
const numbers = { one: '+15550000001', two: '+15550000002' };

export class SignalCounterpart implements Counterpart {
  readonly groups = true;
  readonly secrets = [];
  readonly server: SignalServer;
  readonly #clients: NodeHttpClient[] = [];
  #last: Record<string, unknown> | null = null;

  constructor(server: SignalServer) {
    this.server = server;
  }

  channel(): Promise<Channel> {
    const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
    this.#clients.push(http);
    const { url, number } = this.server;
    const listed = new Set(Object.values(numbers));
    const options = { account: 'main', apiRoot: url, number, listed, http, random: systemRandom };
    return Promise.resolve(createSignalChannel(options));
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    return { channel: 'signal', account: 'main', native: chat === 'group' ? group : numbers[sender] };
  }

  say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    const timestamp = this.server.now();
    const mentions = [{ name: 'bot', number: this.server.number, uuid: this.server.aci, start: 0, length: 1 }];
    const isCall = chat === 'group' && addressed;
    if (file !== undefined) this.server.files.set(`${timestamp}.txt`, Buffer.from(file));
    this.#last = {
      source: numbers[sender],
      sourceNumber: numbers[sender],
      sourceUuid: `00000000-0000-4000-8000-00000000000${sender.length}`,
      sourceName: sender,
      timestamp,
      dataMessage: {
        timestamp,
        message: isCall ? `\ufffc ${text}` : text,
        ...(isCall ? { mentions } : {}),
        ...(chat === 'group' ? { groupInfo: { groupId: group, type: 'DELIVER' } } : {}),
        ...(file === undefined
          ? {}
          : { attachments: [{ id: `${timestamp}.txt`, contentType: 'text/plain', size: file.length }] }),
      },
    };
    this.server.tell(this.#last);
    return Promise.resolve(String(timestamp));
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    return Promise.resolve(
      this.server.sent
        .filter(({ to }) => to === native)
        .map(({ timestamp, params, file }): Shown => ({
          ref: String(timestamp),
          text: String(params['message']),
          ...(file === undefined ? {} : { file: new Uint8Array(file) }),
        })),
    );
  }

  repeatLast(): Promise<void> {
    if (this.#last !== null) this.server.tell(this.#last);
    return Promise.resolve();
  }

  fault(kind: Fault): boolean {
    this.server.faults.push(faults[kind]);
    return true;
  }

  sends(): number {
    return this.server.sends;
  }

  async dropConnections(): Promise<void> {
    await this.server.connected();
    this.server.drop();
  }

  connections(): number {
    return this.server.connections;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.close();
  }
}

export const startSignalCounterpart = async (): Promise<SignalCounterpart> =>
  new SignalCounterpart(await new SignalServer().listen());
