/** The strict Mattermost server as a Counterpart. */
import { createMattermostChannel } from '../../src/adapters/channels/mattermost/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import type { NodeHttpClient } from '../../src/adapters/http-client/index.ts';
import { createMarkdown } from '../../src/adapters/markdown/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { idOf, MattermostServer, refusal } from './mattermost-server.ts';
import type { Post, SendFault } from './mattermost-server.ts';

const faults: Record<Fault, SendFault> = {
  rate_limited: refusal(429, 'api.rate_limit', { 'x-ratelimit-reset': '1' }),
  server_error: refusal(502, ''),
  answer_lost: 'lost',
  forbidden: refusal(403, 'api.context.permissions.app_error'),
  bad_token: refusal(401, 'api.context.session_expired.app_error'),
};

const markdown = createMarkdown();

export class MattermostCounterpart implements Counterpart {
  readonly groups = true;
  readonly server: MattermostServer;
  readonly #clients: NodeHttpClient[] = [];
  #last: Post | null = null;
  #began = false;

  constructor(server: MattermostServer) {
    this.server = server;
    for (const person of ['one', 'two']) {
      server.user(person);
      server.chat(`with ${person}`, 'D');
    }
    server.chat('group', 'O', 'The group');
  }

  get secrets(): string[] {
    return [this.server.token];
  }

  channel(): Promise<Channel> {
    const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
    this.#clients.push(http);
    const { url, token } = this.server;
    const options = { account: 'main', apiRoot: url, token: new Secret(token), http, random: systemRandom };
    return Promise.resolve(createMattermostChannel(options));
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    const native = idOf(chat === 'group' ? 'group' : `with ${sender}`);
    return { channel: 'mattermost', account: 'main', native };
  }

  async say(text: string, place: Place = {}, file?: Uint8Array): Promise<string> {
    // What was said before the first start is history, which nobody is answered for.
    if (!this.#began) await this.server.listened();
    this.#began = true;
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    const message = chat === 'group' && addressed ? `@clanker ${text}` : text;
    const more: Partial<Post> = {};
    if (file !== undefined) {
      const id = idOf(`file of ${text}`);
      this.server.files.set(id, Buffer.from(file));
      more.file_ids = [id];
      more.metadata = { files: [{ id, name: 'notes.txt', size: file.length, mime_type: 'text/plain' }] };
    }
    this.#last = this.server.say(this.conversation(place).native, idOf(sender), message, more);
    return this.#last.id;
  }

  /** A reader sees what CommonMark makes of it. */
  shown(place: Place = {}): Promise<Shown[]> {
    return Promise.resolve(
      this.server.shown(this.conversation(place).native).map(({ id, message, file_ids }): Shown => {
        const file = this.server.files.get(file_ids[0] ?? '');
        const text = markdown.parse(message).text;
        return { ref: id, text, ...(file === undefined ? {} : { file: new Uint8Array(file) }) };
      }),
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
    await this.server.listened();
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

export const startMattermostCounterpart = async (): Promise<MattermostCounterpart> =>
  new MattermostCounterpart(await new MattermostServer().listen());
