/** Discord as the conformance suite needs it: the strict server, with two people and a guild. */
import { createDiscordChannel } from '../../src/adapters/channels/discord/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { read } from './discord-markdown.ts';
import { ada, bob, botId, channelId, directId, startDiscordServer } from './discord-server.ts';
import type { DiscordServer, RestFault } from './discord-server.ts';
import { CountedMetrics, KeptLog } from './door.ts';

const answer = (status: number, body: object): RestFault => ({ mode: 'answer', status, body });

const faults: Record<Fault, RestFault> = {
  rate_limited: answer(429, { message: 'You are being rate limited.', retry_after: 1, global: false }),
  server_error: answer(502, {}),
  answer_lost: { mode: 'lost' },
  forbidden: answer(403, { code: 50_013, message: 'Missing Permissions' }),
  bad_token: answer(401, { code: 0, message: '401: Unauthorized' }),
};

const placeOf = ({ chat = 'direct' }: Place): string => (chat === 'group' ? channelId : directId);

export class DiscordCounterpart implements Counterpart {
  readonly groups = true;
  readonly secrets: string[];
  readonly #server: DiscordServer;
  readonly #http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });

  constructor(server: DiscordServer) {
    this.#server = server;
    this.secrets = [server.token];
  }

  channel(): Promise<Channel> {
    const { apiRoot, token } = this.#server;
    const options = { account: 'main', token: new Secret(token), apiRoot, http: this.#http, random: systemRandom };
    return Promise.resolve(createDiscordChannel(options));
  }

  conversation(place: Place = {}): ConversationRef {
    return { channel: 'discord', account: 'main', native: placeOf(place) };
  }

  async say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    // Before its first session nobody tells a bot anything.
    if (this.#server.gateway.identifies === 0) await this.#server.gateway.greeted();
    const named = place.chat === 'group' && place.addressed !== false ? `<@${botId}> ${text}` : text;
    const author = place.sender === 'two' ? bob : ada;
    return this.#server.say(named, { channel: placeOf(place), author, file });
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const messages = this.#server.shown(placeOf(place)).map((message) => {
      const file = this.#server.fileOf(message);
      return { ref: message.id, text: read(message.content), ...(file === undefined ? {} : { file }) };
    });
    return Promise.resolve(messages);
  }

  repeatLast(): Promise<void> {
    this.#server.gateway.repeat('MESSAGE_CREATE');
    return Promise.resolve();
  }

  fault(kind: Fault): boolean {
    this.#server.fail(/^(POST|PATCH) \/channels\/\d+\/messages/, faults[kind]);
    return true;
  }

  sends(): number {
    return this.#server.sends();
  }

  dropConnections(): Promise<void> {
    this.#server.gateway.drop();
    return Promise.resolve();
  }

  connections(): number {
    return this.#server.gateway.connections;
  }

  async close(): Promise<void> {
    this.#http.close();
    await this.#server.close();
  }
}

export const startDiscordCounterpart = async (): Promise<DiscordCounterpart> =>
  new DiscordCounterpart(await startDiscordServer());
