/** The strict homeserver as a Counterpart. */
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import type { NodeHttpClient } from '../../src/adapters/http-client/index.ts';
import { createMatrixChannel } from '../../src/adapters/channels/matrix/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { MatrixServer, refusal } from './matrix-server.ts';
import type { SendFault } from './matrix-server.ts';

const faults: Record<Fault, SendFault> = {
  rate_limited: refusal(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 1000 }),
  server_error: refusal(502, 'M_UNKNOWN'),
  answer_lost: 'lost',
  forbidden: refusal(403, 'M_FORBIDDEN'),
  bad_token: refusal(401, 'M_UNKNOWN_TOKEN'),
};

export class MatrixCounterpart implements Counterpart {
  readonly groups = true;
  readonly server: MatrixServer;
  readonly #clients: NodeHttpClient[] = [];
  #again: () => void = () => undefined;

  constructor(server: MatrixServer) {
    this.server = server;
    for (const person of ['one', 'two']) server.room(`!${person}:test`, [`@${person}:test`]);
    server.room('!group:test', ['@one:test', '@two:test'], 'The group');
  }

  get secrets(): string[] {
    return [this.server.token];
  }

  channel(): Promise<Channel> {
    const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
    this.#clients.push(http);
    const channel = createMatrixChannel({
      account: 'main',
      homeserver: this.server.url,
      token: new Secret(this.server.token),
      joins: (inviter) => inviter === '@one:test',
      http,
      random: systemRandom,
    });
    return Promise.resolve(channel);
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    return { channel: 'matrix', account: 'main', native: chat === 'group' ? '!group:test' : `!${sender}:test` };
  }

  async say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    // What was said before the first token is history, which nobody is answered for.
    await this.server.oriented;
    const { native } = this.conversation(place);
    const mention = chat === 'group' && addressed;
    let content: Record<string, unknown> = { msgtype: 'm.text', body: mention ? `Clanker: ${text}` : text };
    if (mention) content['m.mentions'] = { user_ids: [this.server.me] };
    if (file !== undefined) {
      const id = `in${this.server.media.size}`;
      this.server.media.set(id, Buffer.from(file));
      content = { msgtype: 'm.file', body: text, filename: 'notes.txt', url: `mxc://test/${id}`, info: {} };
    }
    const id = this.server.say(native, `@${sender}:test`, content);
    const event = this.server.rooms.get(native)?.entries.find((entry) => entry.event.event_id === id)?.event;
    this.#again = () => event !== undefined && this.server.append(native, event);
    return id;
  }

  shown(place: Place = {}): Promise<Shown[]> {
    return Promise.resolve(
      this.server.shown(this.conversation(place).native).map(({ ref, content }): Shown => {
        const file = this.server.media.get(String(content['url']).split('/').at(-1) ?? '');
        return { ref, text: readable(content), ...(file === undefined ? {} : { file: new Uint8Array(file) }) };
      }),
    );
  }

  repeatLast(): Promise<void> {
    this.#again();
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
    await this.server.polled();
    this.server.drop();
  }

  connections(): number {
    return this.server.polls;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.close();
  }
}

export const startMatrixCounterpart = async (): Promise<MatrixCounterpart> =>
  new MatrixCounterpart(await new MatrixServer().listen());

const signs: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ' };

/** As a client shows it. */
export function readable(content: Record<string, unknown>): string {
  const html = content['formatted_body'];
  if (typeof html !== 'string') return String(content['body']);
  return html
    .replaceAll('<br>', '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(\w+);/g, (whole, name: string) => signs[name] ?? whole);
}
