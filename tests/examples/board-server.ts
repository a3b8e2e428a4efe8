/** The bulletin board of examples/channel-board, as a Counterpart: strict, with faults on demand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { BoardChannel, type BoardChannelOptions } from '../../examples/channel-board/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import { CountedMetrics, KeptLog } from '../support/door.ts';
import type { Counterpart, Fault, Place, Shown } from '../support/counterpart.ts';

const token = 'the-token-of-the-board';

interface Post {
  id: string;
  author: string;
  room: string;
  direct: boolean;
  text: string;
  for_bot: boolean;
}

type BuildBoard = (options: BoardChannelOptions) => Promise<Channel>;

export class Board implements Counterpart {
  readonly groups = true;
  readonly secrets = [token];
  readonly #posts: Post[] = [];
  readonly #ours: { id: string; key: string; room: string; text: string }[] = [];
  readonly #polls = new Set<{ after: number; response: ServerResponse }>();
  readonly #faults: Fault[] = [];
  readonly #server: Server;
  readonly #build: BuildBoard;
  #sends = 0;
  #next = 1;
  #repeated = false;

  private constructor(build: BuildBoard) {
    this.#build = build;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async open(build: BuildBoard = async (options) => new BoardChannel(options)): Promise<Board> {
    const board = new Board(build);
    await new Promise<void>((resolve) => board.#server.listen(0, '127.0.0.1', resolve));
    return board;
  }

  get apiRoot(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  channel(): Promise<Channel> {
    const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
    return this.#build({
      account: 'main',
      token: new Secret(token),
      apiRoot: this.apiRoot,
      http,
      random: systemRandom,
    });
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    return { channel: 'board', account: 'main', native: chat === 'group' ? 'hall' : `dm-${sender}` };
  }

  say(text: string, place: Place = {}): Promise<string> {
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    const id = String(this.#next++);
    const room = this.conversation(place).native;
    this.#posts.push({ id, author: sender, room, direct: chat === 'direct', text, for_bot: addressed });
    this.#tell();
    return Promise.resolve(id);
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    return Promise.resolve(this.#ours.filter(({ room }) => room === native).map(({ id, text }) => ({ ref: id, text })));
  }

  /** The next poll tells the last post once more, wherever it begins. */
  repeatLast(): Promise<void> {
    this.#repeated = true;
    this.#tell();
    return Promise.resolve();
  }

  fault(kind: Fault): boolean {
    this.#faults.push(kind);
    return true;
  }

  sends(): number {
    return this.#sends;
  }

  dropConnections(): Promise<void> {
    for (const { response } of this.#polls) response.socket?.destroy();
    return Promise.resolve();
  }

  connections(): number {
    return this.#polls.size;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #tell(): void {
    for (const poll of this.#polls) {
      const news = this.#posts.filter(({ id }) => Number(id) > poll.after);
      const again = this.#repeated ? this.#posts.slice(-1) : [];
      const posts = again.length > 0 && news.length === 0 ? again : news;
      if (posts.length === 0) continue;
      this.#repeated = false;
      this.#polls.delete(poll);
      answer(poll.response, 200, { posts });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${token}`) return answer(response, 401, { error: 'bad token' });
    const url = new URL(request.url ?? '/', 'http://board');
    if (request.method === 'GET') {
      const poll = { after: Number(url.searchParams.get('after')), response };
      this.#polls.add(poll);
      response.once('close', () => this.#polls.delete(poll));
      return this.#tell();
    }
    const body = JSON.parse(await text(request)) as { key?: string; room?: string; text: string };
    this.#sends += 1;
    const fault = this.#faults.shift();
    if (fault === 'rate_limited') return answer(response, 429, { error: 'slow down' }, { 'retry-after': '1' });
    if (fault === 'server_error') return answer(response, 503, { error: 'later' });
    if (fault === 'forbidden') return answer(response, 403, { error: 'not you' });
    if (fault === 'bad_token') return answer(response, 401, { error: 'bad token' });
    const id =
      request.method === 'PUT' ? this.#change(url.pathname.slice('/posts/'.length), body.text) : this.#post(body);
    if (id === null) return answer(response, 404, { error: 'no such post' });
    if (fault === 'answer_lost') return void (response.socket as Socket).destroy();
    return answer(response, 200, { id });
  }

  #post({ key = '', room = '', text }: { key?: string; room?: string; text: string }): string {
    const known = this.#ours.find((post) => post.key === key && post.room === room);
    if (known !== undefined) return known.id;
    const id = `b${this.#next++}`;
    this.#ours.push({ id, key, room, text });
    return id;
  }

  #change(id: string, text: string): string | null {
    const post = this.#ours.find((candidate) => candidate.id === id);
    if (post === undefined) return null;
    post.text = text;
    return id;
  }
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
