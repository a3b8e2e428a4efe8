/**
 * A strict Mattermost server on loopback: REST with its stable error ids, a WebSocket that forgets those who are away,
 * posts read back by time and by page. What a well-behaved client would not do is a violation.
 */
import { createHash } from 'node:crypto';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { cut, LoopbackServer } from './loopback-server.ts';
import type { Answered, Asked } from './loopback-server.ts';

export interface Post {
  id: string;
  channel_id: string;
  user_id: string;
  message: string;
  root_id: string;
  create_at: number;
  edit_at: number;
  delete_at: number;
  type: string;
  props: Record<string, unknown>;
  metadata: { files?: object[] };
  file_ids: string[];
}

interface Chat {
  id: string;
  type: string;
  display_name: string;
  last_post_at: number;
}

/** 26 characters, the same for the same name. */
export const idOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 26);

/** `lost`: carried out, and the connection is cut before the answer. */
export type SendFault = Answered | 'lost';

const maxPostSize = 16_383;
const maxSince = 1000;

export class MattermostServer {
  readonly token = 'strict-mattermost-token-of-26ch';
  readonly me = { id: idOf('bot'), username: 'clanker', is_bot: true };
  readonly violations: string[] = [];
  readonly users = new Map<string, { id: string; username: string; is_bot?: boolean }>();
  readonly chats = new Map<string, Chat>();
  readonly posts = new Map<string, Post>();
  readonly files = new Map<string, Buffer>();
  readonly typing: string[] = [];
  readonly faults: SendFault[] = [];
  sends = 0;
  /** A server of before 6.1, which lists no chats. */
  isOld = false;
  /** Events are numbered with a hole before the next one. */
  skipOne = false;
  /** The next events reach nobody. */
  mute = false;
  readonly #server: LoopbackServer;
  readonly #sockets: WebSocketServer;
  readonly #listeners = new Map<WebSocket, number>();
  readonly #pending = new Map<string, string>();
  #change = Promise.withResolvers<void>();
  #next = 1;
  #clock = Date.now();

  constructor() {
    this.users.set(this.me.id, this.me);
    this.#server = new LoopbackServer((asked) => this.#handle(asked));
    this.#sockets = new WebSocketServer({ noServer: true });
    this.#server.http.on('upgrade', (request, socket, head) => {
      if (request.url !== '/api/v4/websocket') return socket.destroy();
      return this.#sockets.handleUpgrade(request, socket, head, (client) => this.#greet(client));
    });
  }

  async listen(): Promise<this> {
    await this.#server.listen();
    return this;
  }

  get url(): string {
    return this.#server.url;
  }

  get connections(): number {
    return this.#sockets.clients.size;
  }

  /** Resolves once somebody listens. */
  async listened(): Promise<void> {
    while (this.#listeners.size === 0) await this.#change.promise;
  }

  async close(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
    await this.#server.close();
  }

  drop(): void {
    for (const client of this.#listeners.keys()) {
      const { _socket: socket } = client as unknown as { _socket: Parameters<typeof cut>[0] };
      cut(socket);
    }
    this.#listeners.clear();
  }

  chat(name: string, type: string, title = ''): Chat {
    const chat = { id: idOf(name), type, display_name: title, last_post_at: 0 };
    this.chats.set(chat.id, chat);
    return chat;
  }

  user(username: string): string {
    const id = idOf(username);
    this.users.set(id, { id, username });
    return id;
  }

  say(chatId: string, userId: string, message: string, more: Partial<Post> = {}): Post {
    const post: Post = {
      id: idOf(`post ${this.#next++}`),
      channel_id: chatId,
      user_id: userId,
      message,
      root_id: '',
      create_at: this.#now(),
      edit_at: 0,
      delete_at: 0,
      type: '',
      props: {},
      metadata: {},
      file_ids: [],
      ...more,
    };
    this.posts.set(post.id, post);
    const chat = this.chats.get(chatId);
    if (chat !== undefined) chat.last_post_at = post.create_at;
    this.tell(post);
    return post;
  }

  tell(post: Post, event = 'posted'): void {
    const chat = this.chats.get(post.channel_id);
    const told = event === 'posted' ? { channel_type: chat?.type, channel_display_name: chat?.display_name } : {};
    const sender = { sender_name: `@${this.users.get(post.user_id)?.username ?? ''}` };
    this.emit(event, { ...told, ...sender, post: JSON.stringify(post) }, post.channel_id);
  }

  emit(event: string, data: object, channelId = ''): void {
    if (this.mute) return;
    for (const [client, seq] of this.#listeners) {
      const number = this.skipOne ? seq + 1 : seq;
      client.send(JSON.stringify({ event, data, broadcast: { channel_id: channelId }, seq: number }));
      this.#listeners.set(client, number + 1);
    }
    this.skipOne = false;
  }

  /** What stands from us in a chat now, oldest first. */
  shown(chatId: string): Post[] {
    return [...this.posts.values()].filter((post) => post.channel_id === chatId && post.user_id === this.me.id);
  }

  /** No two posts have one time. */
  #now(): number {
    this.#clock = Math.max(this.#clock + 1, Date.now());
    return this.#clock;
  }

  #greet(client: WebSocket): void {
    client.on('error', () => undefined);
    client.once('close', () => this.#listeners.delete(client));
    client.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as { seq: number; action: string; data: { token?: string } };
      if (this.#listeners.has(client)) {
        if (frame.action === 'ping') client.send(JSON.stringify({ status: 'OK', seq_reply: frame.seq }));
        else this.violations.push(`an unknown action ${frame.action}`);
      } else if (frame.action !== 'authentication_challenge' || frame.data.token !== this.token) {
        const error = { id: 'api.web_socket_router.not_authenticated.app_error' };
        client.send(JSON.stringify({ status: 'FAIL', error, seq_reply: frame.seq }));
        client.close();
      } else {
        client.send(JSON.stringify({ status: 'OK', seq_reply: frame.seq }));
        client.send(JSON.stringify({ event: 'hello', data: {}, broadcast: {}, seq: 0 }));
        this.#listeners.set(client, 1);
        this.#change.resolve();
        this.#change = Promise.withResolvers();
      }
    });
  }

  #handle(asked: Asked): Answered | 'cut' {
    const [, , ...path] = asked.path;
    if (asked.headers.authorization !== `Bearer ${this.token}`)
      return refusal(401, 'api.context.session_expired.app_error');
    const [what, id = '', more, last] = path;
    const { method } = asked;
    if (method === 'GET' && what === 'users' && more === 'channels' && !this.isOld)
      return { status: 200, json: [...this.chats.values()] };
    if (method === 'POST' && what === 'users' && more === 'typing') return this.#type(asked);
    if (method === 'GET' && what === 'users' && more === undefined)
      return found(this.users.get(id === 'me' ? this.me.id : id));
    if (method === 'GET' && what === 'channels') {
      const chat = this.chats.get(id);
      return more === 'posts' && chat !== undefined ? this.#list(chat, asked.query) : found(chat);
    }
    if (method === 'GET' && what === 'posts') return found(this.posts.get(id));
    if (method === 'POST' && what === 'posts') return this.#create(asked);
    if (method === 'PUT' && what === 'posts' && more === 'patch' && last === undefined) return this.#patch(id, asked);
    if (method === 'POST' && what === 'files') return this.#upload(asked);
    if (method === 'GET' && what === 'files') {
      const bytes = this.files.get(id);
      return bytes === undefined ? found(undefined) : { status: 200, bytes };
    }
    return refusal(404, 'api.context.404.app_error');
  }

  #type({ json }: Asked): Answered {
    this.typing.push(String(json['channel_id']));
    return { status: 200, json: { status: 'OK' } };
  }

  #list({ id }: Chat, query: URLSearchParams): Answered {
    const all = [...this.posts.values()].filter((post) => post.channel_id === id).toReversed();
    const since = query.get('since');
    const before = all.findIndex((post) => post.id === query.get('before'));
    const page =
      since === null
        ? all.slice(before + 1, before + 1 + Number(query.get('per_page') ?? 60))
        : all.filter((post) => Math.max(post.create_at, post.edit_at) > Number(since)).slice(0, maxSince);
    return {
      status: 200,
      json: { order: page.map((post) => post.id), posts: Object.fromEntries(page.map((post) => [post.id, post])) },
    };
  }

  #create({ json }: Asked): Answered | 'cut' {
    this.sends++;
    const fault = this.faults.shift();
    if (fault !== undefined && fault !== 'lost') return fault;
    const text = (name: string): string => (typeof json[name] === 'string' ? json[name] : '');
    const [message, channelId, rootId, pendingId] = ['message', 'channel_id', 'root_id', 'pending_post_id'].map(
      text,
    ) as [string, string, string, string];
    const { file_ids = [], props = {} } = json as Partial<Post>;
    if (!this.chats.has(channelId)) return refusal(404, 'app.channel.get.existing.app_error');
    if (message.length > maxPostSize) return refusal(400, 'model.post.is_valid.message_length.app_error');
    if (rootId !== '' && !this.posts.has(rootId)) return refusal(400, 'api.post.create_post.root_id.app_error');
    if (pendingId === '') this.violations.push('a post without a pending_post_id');
    const known = this.posts.get(this.#pending.get(pendingId) ?? '');
    const more = { root_id: rootId, file_ids, props: { ...props, from_bot: 'true' } };
    const post = known ?? this.say(channelId, this.me.id, message, more);
    this.#pending.set(pendingId, post.id);
    return fault === 'lost' ? 'cut' : { status: 201, json: post };
  }

  #patch(id: string, { json }: Asked): Answered | 'cut' {
    this.sends++;
    const fault = this.faults.shift();
    if (fault !== undefined && fault !== 'lost') return fault;
    const post = this.posts.get(id);
    if (post === undefined) return refusal(404, 'app.post.get.app_error');
    post.message = String(json['message']);
    post.edit_at = this.#now();
    this.tell(post, 'post_edited');
    return fault === 'lost' ? 'cut' : { status: 200, json: post };
  }

  /** Takes the one file of a multipart form. */
  #upload({ body, headers }: Asked): Answered {
    const boundary = /boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1] ?? '';
    const start = body.indexOf('\r\n\r\n', body.indexOf('name="files"')) + 4;
    const id = idOf(`file ${this.#next++}`);
    this.files.set(id, body.subarray(start, body.indexOf(`\r\n--${boundary}`, start)));
    return { status: 201, json: { file_infos: [{ id }], client_ids: [] } };
  }
}

export const refusal = (status: number, id: string, headers: Record<string, string> = {}): Answered => ({
  status,
  json: { id, message: 'the server says no', status_code: status },
  headers,
});

const found = (value: object | undefined): Answered =>
  value === undefined ? refusal(404, 'app.thing.get.app_error') : { status: 200, json: value };
