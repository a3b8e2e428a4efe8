/**
 * A strict Discord on loopback: gateway and REST. It does what Discord does where that matters for never losing and
 * never doubling (sessions, nonces, history, interactions), keeps what a person would see, and counts everything a
 * well-behaved bot would not do as a violation. Importable, or a process of its own:
 * `node tests/support/discord-server.ts` prints `{"apiRoot","token"}`.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { DiscordGateway } from './discord-gateway.ts';

export const guildId = '900000000000000001';
export const channelId = '900000000000000002';
export const threadId = '900000000000000003';
export const directId = '900000000000000004';
export const botId = '900000000000000010';
export const applicationId = '900000000000000011';
export const ada = { id: '900000000000000021', username: 'ada', global_name: 'Ada' };
export const bob = { id: '900000000000000022', username: 'bob', global_name: null };

/** What the next matching call comes to. `lost` carries it out and cuts the connection. */
export type RestFault =
  | { mode: 'lost' | 'reset' }
  | { mode: 'hold'; until: Promise<unknown> }
  | { mode: 'answer'; status: number; body: unknown; headers?: Record<string, string> };

export interface StoredMessage {
  id: string;
  channel_id: string;
  content: string;
  author: { id: string; bot?: boolean };
  timestamp: string;
  edited_timestamp: string | null;
  type: number;
  flags: number;
  mentions: object[];
  attachments: { id: string; url: string; filename: string; size: number; content_type: string }[];
  components?: object[];
  nonce?: string;
  message_reference?: object;
  referenced_message?: object | null;
}

export interface Call {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

const refuse = (status: number, code: number, message: string): Answer => ({ status, body: { code, message } });

export class DiscordServer {
  readonly token = 'strict.discord-server.token-of-some-length';
  readonly violations: string[] = [];
  readonly calls: Call[] = [];
  readonly messages = new Map<string, StoredMessage[]>();
  readonly gateway: DiscordGateway;
  /** Answers of the bot to interactions, by token: the kinds of its callbacks. */
  readonly callbacks = new Map<string, { type: number; data?: Record<string, unknown> }[]>();
  commands: unknown[] = [];
  /** Overwrites of the menu. */
  menus = 0;
  readonly #http: http.Server;
  readonly #faults: { match: RegExp; fault: RestFault }[] = [];
  readonly #files = new Map<string, Uint8Array>();
  readonly #interactions = new Map<string, { channel: string; message: string | null }>();
  readonly #nonces = new Map<string, StoredMessage>();
  readonly #channels = new Map<
    string,
    { id: string; type: number; guild_id?: string; parent_id?: string; name?: string }
  >([
    [channelId, { id: channelId, type: 0, guild_id: guildId, name: 'general' }],
    [threadId, { id: threadId, type: 11, guild_id: guildId, parent_id: channelId, name: 'a thread' }],
    [directId, { id: directId, type: 1 }],
  ]);
  #lastTime = 0;
  #lastCount = 0;

  constructor({ heartbeatMs = 41_250 }: { heartbeatMs?: number } = {}) {
    this.#http = http.createServer((request, response) => void this.#serve(request, response));
    this.gateway = new DiscordGateway({
      token: this.token,
      heartbeatMs,
      user: this.#bot,
      application: applicationId,
      url: () => this.#gatewayUrl,
      guilds: () => [this.#guild],
      violations: this.violations,
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (url.searchParams.get('v') !== '10' || url.searchParams.get('encoding') !== 'json') {
        this.violations.push('the gateway was not asked for version 10 in JSON');
      }
      this.gateway.server.handleUpgrade(request, socket, head, (client) => this.gateway.accept(client));
    });
  }

  async listen(): Promise<this> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return this;
  }

  get apiRoot(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/api`;
  }

  async close(): Promise<void> {
    for (const client of this.gateway.server.clients) client.terminate();
    this.gateway.server.close();
    this.#http.close();
    this.#http.closeAllConnections();
    if (this.#http.listening) await once(this.#http, 'close');
  }

  snowflake(at = Date.now()): string {
    this.#lastCount = at <= this.#lastTime ? this.#lastCount + 1 : 0;
    this.#lastTime = Math.max(at, this.#lastTime);
    return String((BigInt(this.#lastTime - 1_420_070_400_000) << 22n) | BigInt(this.#lastCount));
  }

  /** The next call whose `METHOD /path` matches goes wrong. */
  fail(match: RegExp, fault: RestFault): void {
    this.#faults.push({ match, fault });
  }

  /** Whatever was to go wrong goes well. */
  recover(): void {
    this.#faults.length = 0;
  }

  /** A person writes; resolves with the id of the message. */
  say(content: string, { channel = directId, author = ada, file, more = {} }: SayOptions = {}): string {
    const id = this.snowflake();
    const attachments = file === undefined ? [] : [this.#keep(file, 'photo.png', 'image/png')];
    const mentions = [this.#bot, ada, bob].filter((user) => content.includes(`<@${user.id}>`));
    const timestamp = new Date().toISOString();
    const base = { id, channel_id: channel, timestamp, edited_timestamp: null, type: 0, flags: 0 };
    const message = { ...base, content, author, mentions, attachments, ...more } as StoredMessage;
    this.#add(message);
    this.gateway.tell('MESSAGE_CREATE', this.#told(message));
    return id;
  }

  /** A person uses a command of the menu, or presses a button under a message. */
  interact(data: Record<string, unknown>, { channel = directId, author = ada, message }: InteractOptions = {}): string {
    const id = this.snowflake();
    const token = `interaction-token-${id}`;
    this.#interactions.set(token, { channel, message: null });
    const place = this.#channels.get(channel);
    this.gateway.tell('INTERACTION_CREATE', {
      id,
      token,
      application_id: applicationId,
      type: message === undefined ? 2 : 3,
      data,
      channel: place,
      locale: 'de',
      ...(place?.guild_id === undefined ? { user: author } : { guild_id: place.guild_id, member: { user: author } }),
      ...(message === undefined ? {} : { message: { id: message } }),
    });
    return token;
  }

  /** What stands in a channel from the bot, oldest first; what is only "thinking…" is left out. */
  shown(channel = directId): StoredMessage[] {
    return (this.messages.get(channel) ?? []).filter(({ author, flags }) => author.id === botId && (flags & 128) === 0);
  }

  fileOf({ attachments: [attachment] }: StoredMessage): Uint8Array | undefined {
    return attachment && this.#files.get(attachment.id);
  }

  /** Calls that create or change a message. */
  sends(): number {
    const changes = /^(POST \/channels\/\d+\/messages|PATCH \/(channels|webhooks)\/.*messages\/(\d+|@original))$/;
    return this.calls.filter(({ method, path }) => changes.test(`${method} ${path}`)).length;
  }

  get #bot(): { id: string; username: string; bot: true } {
    return { id: botId, username: 'clanker', bot: true };
  }

  get #guild(): object {
    const of = (types: number[]): object[] =>
      [...this.#channels.values()]
        .filter(({ type, guild_id: guild }) => guild === guildId && types.includes(type))
        .map((channel) => ({ ...channel, last_message_id: this.messages.get(channel.id)?.at(-1)?.id ?? null }));
    return { id: guildId, name: 'A guild', channels: of([0]), threads: of([11]) };
  }

  get #gatewayUrl(): string {
    return `${this.apiRoot.replace('http', 'ws').replace('/api', '')}/gateway`;
  }

  #told(message: StoredMessage): object {
    const guild = this.#channels.get(message.channel_id)?.guild_id;
    return guild === undefined ? message : { ...message, guild_id: guild, member: { nick: null } };
  }

  #add(message: StoredMessage): void {
    const list = this.messages.get(message.channel_id) ?? [];
    this.messages.set(message.channel_id, [...list, message]);
  }

  #keep(bytes: Uint8Array, filename: string, type: string): StoredMessage['attachments'][number] {
    const id = this.snowflake();
    this.#files.set(id, bytes);
    const url = `${this.apiRoot}/attachments/${id}/${encodeURIComponent(filename)}?ex=66&hm=signature`;
    return { id, url, filename, size: bytes.length, content_type: type };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { method = 'GET' } = request;
    const file = /^\/api\/attachments\/(\d+)\//.exec(url.pathname)?.[1];
    if (file !== undefined) {
      if (url.searchParams.get('hm') !== 'signature') response.writeHead(404);
      response.end(this.#files.get(file));
      return;
    }
    const path = url.pathname.replace(/^\/api\/v10/, '');
    if (!(request.headers['user-agent'] ?? '').startsWith('DiscordBot (')) this.violations.push('no proper user agent');
    const type = request.headers['content-type'] ?? '';
    const { body, files } = await readBody(Buffer.concat(chunks), type);
    this.calls.push({ method, path, body });
    const at = this.#faults.findIndex(({ match }) => match.test(`${method} ${path}`));
    const fault = at === -1 ? null : (this.#faults.splice(at, 1)[0]?.fault ?? null);
    if (fault?.mode === 'hold') await fault.until;
    if (fault?.mode === 'reset') return void request.socket.destroy();
    const open = path.startsWith('/interactions/') || path.startsWith('/webhooks/');
    const allowed = open || request.headers.authorization === `Bot ${this.token}`;
    const answer =
      fault?.mode === 'answer'
        ? fault
        : allowed
          ? this.#answer(method, path, url.searchParams, body, files)
          : { status: 401, body: { code: 0, message: '401: Unauthorized' } };
    if (fault?.mode === 'lost') return void request.socket.destroy();
    const text = answer.status === 204 ? '' : JSON.stringify(answer.body);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(text);
  }

  #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: Record<string, unknown> | null,
    files: Sent[],
  ): Answer {
    const [, root = '', id = '', kind = '', last = ''] = path.split('/');
    const what = `${method} ${path}`;
    if (what === 'GET /users/@me') return { status: 200, body: this.#bot };
    if (what === 'GET /oauth2/applications/@me') return { status: 200, body: { id: applicationId } };
    if (what === 'GET /gateway/bot') {
      const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
      return { status: 200, body: { url: this.#gatewayUrl, shards: 1, session_start_limit: limit } };
    }
    if (root === 'applications') return this.#menu(method, body);
    if (root === 'interactions') return this.#callback(decodeURIComponent(kind), body ?? {});
    if (root === 'webhooks') return this.#webhook(method, decodeURIComponent(kind), body ?? {}, files);
    const channel = this.#channels.get(id);
    if (root !== 'channels' || channel === undefined) return refuse(404, 10_003, 'Unknown Channel');
    if (kind === '') return { status: 200, body: channel };
    if (kind === 'typing') return { status: 204, body: null };
    if (method === 'GET') return this.#history(id, query);
    if (method === 'POST') return this.#create(id, body ?? {}, files);
    return this.#edit(id, last, body ?? {});
  }

  #history(channel: string, query: URLSearchParams): Answer {
    const after = BigInt(query.get('after') ?? 0);
    const limit = Number(query.get('limit') ?? 50);
    const later = (this.messages.get(channel) ?? []).filter(({ id }) => BigInt(id) > after);
    // Newest first, as Discord answers; of a gap the oldest page.
    return { status: 200, body: later.slice(0, limit).reverse() };
  }

  #create(channel: string, body: Record<string, unknown>, files: Sent[]): Answer {
    const refusal = this.#refusal(body, files);
    if (refusal !== null) return refusal;
    const nonce = typeof body['nonce'] === 'string' ? body['nonce'] : '';
    if (nonce.length > 25) return refuse(400, 50_035, 'Invalid Form Body');
    const known = body['enforce_nonce'] === true ? this.#nonces.get(`${channel} ${nonce}`) : undefined;
    if (known !== undefined) return { status: 200, body: known };
    const message = this.#write(channel, body, files);
    if (nonce !== '') this.#nonces.set(`${channel} ${nonce}`, message);
    this.gateway.tell('MESSAGE_CREATE', this.#told(message));
    return { status: 200, body: message };
  }

  #write(channel: string, body: Record<string, unknown>, files: Sent[]): StoredMessage {
    const now = new Date().toISOString();
    const attachments = files.map(({ name, type, bytes }) => this.#keep(bytes, name, type));
    const base = { timestamp: now, edited_timestamp: null, type: 0, flags: 0, mentions: [], attachments };
    const own = { id: this.snowflake(), channel_id: channel, author: this.#bot, content: '' };
    const { content, components, message_reference: reference } = body;
    const said = {
      content: typeof content === 'string' ? content.trim() : '',
      components,
      message_reference: reference,
    };
    const message = { ...base, ...own, ...said } as StoredMessage;
    this.#add(message);
    return message;
  }

  #edit(channel: string, id: string, body: Record<string, unknown>): Answer {
    const message = this.messages.get(channel)?.find((each) => each.id === id);
    if (message === undefined) return refuse(404, 10_008, 'Unknown Message');
    if (message.author.id !== botId) return refuse(403, 50_005, 'Cannot edit a message authored by another user');
    const refusal = this.#refusal(body, message.attachments);
    if (refusal !== null) return refusal;
    Object.assign(message, { content: String(body['content']).trim(), components: body['components'] });
    message.edited_timestamp = new Date().toISOString();
    message.flags &= ~128;
    this.gateway.tell('MESSAGE_UPDATE', this.#told(message));
    return { status: 200, body: message };
  }

  #refusal(body: Record<string, unknown>, files: readonly unknown[]): Answer | null {
    const { content, allowed_mentions: mentions } = body;
    if (typeof content !== 'string' || (content.trim() === '' && files.length === 0)) {
      return refuse(400, 50_006, 'Cannot send an empty message');
    }
    if (content.length > 2000) return refuse(400, 50_035, 'Invalid Form Body');
    if (!content.isWellFormed()) this.violations.push('a lone surrogate was sent');
    if (JSON.stringify(mentions) !== '{"parse":[],"replied_user":false}') this.violations.push('mentions were not off');
    return null;
  }

  #menu(method: string, body: unknown): Answer {
    if (method === 'PUT') {
      this.menus++;
      this.commands = (body as object[]).map((command) => ({ ...command, id: this.snowflake(), version: '1' }));
    }
    return { status: 200, body: this.commands };
  }

  #callback(token: string, body: Record<string, unknown>): Answer {
    const interaction = this.#interactions.get(token);
    const before = this.callbacks.get(token) ?? [];
    if (interaction === undefined) return refuse(404, 10_062, 'Unknown interaction');
    if (before.length > 0) return refuse(400, 40_060, 'Interaction has already been acknowledged');
    this.callbacks.set(token, [...before, body as { type: number }]);
    if (body['type'] === 5) {
      const message = this.#write(interaction.channel, { content: '' }, []);
      message.flags = 128;
      interaction.message = message.id;
    }
    return { status: 204, body: null };
  }

  #webhook(method: string, token: string, body: Record<string, unknown>, files: Sent[]): Answer {
    const interaction = this.#interactions.get(token);
    if (interaction === undefined) return refuse(404, 10_015, 'Unknown Webhook');
    if (method === 'POST') return { status: 200, body: this.#write(interaction.channel, body, files) };
    if (interaction.message === null) return refuse(404, 10_008, 'Unknown Message');
    const there = this.messages.get(interaction.channel)?.find(({ id }) => id === interaction.message);
    if (method === 'GET') return { status: 200, body: there };
    return this.#edit(interaction.channel, interaction.message, {
      allowed_mentions: { parse: [], replied_user: false },
      ...body,
    });
  }

  /** Interactions die after 15 minutes. */
  expire(token: string): void {
    this.#interactions.delete(token);
  }
}

export interface SayOptions {
  channel?: string;
  author?: object;
  file?: Uint8Array | undefined;
  /** Any further fields of the message. */
  more?: object;
}

export interface InteractOptions {
  channel?: string;
  author?: object;
  /** The message the button stands under. */
  message?: string;
}

interface Sent {
  name: string;
  type: string;
  bytes: Uint8Array;
}

async function readBody(bytes: Buffer, type: string): Promise<{ body: Record<string, unknown> | null; files: Sent[] }> {
  if (bytes.length === 0) return { body: null, files: [] };
  if (!type.startsWith('multipart/'))
    return { body: JSON.parse(bytes.toString()) as Record<string, unknown>, files: [] };
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
  const files: Sent[] = [];
  for (const [name, value] of form) {
    if (typeof value === 'string' || !/^files\[\d\]$/.test(name)) continue;
    files.push({ name: value.name, type: value.type, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  const json = form.get('payload_json');
  return { body: JSON.parse(typeof json === 'string' ? json : '{}') as Record<string, unknown>, files };
}

export const startDiscordServer = (options: { heartbeatMs?: number } = {}): Promise<DiscordServer> =>
  new DiscordServer(options).listen();

if (import.meta.main) {
  const server = await startDiscordServer();
  console.log(JSON.stringify({ apiRoot: server.apiRoot, token: server.token }));
}
