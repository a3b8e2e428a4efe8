/**
 * A strict Slack: the Web API and Socket Mode of one workspace on one port, and faults on demand. It repeats nothing by
 * itself: what was said while no socket was open stands in the history and nowhere else.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { bot, people, Refusal, team, Workspace } from './slack-workspace.ts';
import type { Posted } from './slack-workspace.ts';

export type Params = Record<string, string | undefined>;

/** How the next call of a method goes wrong. */
export type CallFault =
  | { kind: 'error'; error: string; needed?: string }
  | { kind: 'rate_limited'; seconds: number }
  | { kind: 'status'; status: number }
  /** Carried out, and the connection cut before the answer. */
  | { kind: 'lost' }
  /** Never answered and not carried out, until the server closes. */
  | { kind: 'hang' };

export interface Call {
  method: string;
  params: Params;
}

export interface Envelope {
  type: 'events_api' | 'slash_commands' | 'interactive';
  payload: Record<string, unknown>;
}

export const tokens = {
  bot: 'xoxb-1-2-aBcDeFgHiJkL',
  app: 'xapp-1-A1-2-aBcDeFgHiJkL',
  signing: '8f742231b10e8888abcd',
};

export class SlackServer {
  readonly workspace = new Workspace();
  readonly calls: Call[] = [];
  readonly acks: string[] = [];
  readonly sockets = new Set<WebSocket>();
  /** The most sockets that were open at one time. */
  mostSockets = 0;
  /** What `hello` says instead of the truth. */
  countedConnections: number | null = null;
  /** What the bot token may do, as Slack tells it with every answer. */
  scopes: string | null = null;
  /** `hello` is not said. */
  mute = false;
  /** Where files are said to be, instead of here. */
  fileHost: string | null = null;
  /** How often `hello` was said. */
  greeted = 0;
  readonly #faults: { method: RegExp; fault: CallFault }[] = [];
  readonly #tickets = new Set<string>();
  readonly #uploads = new Map<string, { name: string; size: number; bytes?: Uint8Array }>();
  readonly #server: Server;
  readonly #wss = new WebSocketServer({ noServer: true });
  #changed = Promise.withResolvers<void>();
  #next = 1;

  readonly #botToken: string;

  constructor({ botToken = tokens.bot }: { botToken?: string } = {}) {
    this.#botToken = botToken;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      const ticket = new URL(request.url ?? '', 'http://x').searchParams.get('ticket') ?? '';
      // An address is good for one connection.
      if (!this.#tickets.delete(ticket)) return void socket.destroy();
      this.#wss.handleUpgrade(request, socket, head, (opened) => this.#opened(opened));
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get root(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get apiRoot(): string {
    return `${this.root}/api`;
  }

  next(method: RegExp, fault: CallFault): void {
    this.#faults.push({ method, fault });
  }

  of(method: string): Params[] {
    return this.calls.filter((call) => call.method === method).map(({ params }) => params);
  }

  /** Resolves when something that happened here makes the condition true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  /** Over the newest socket; null when none is open. Resolves with the envelope's id. */
  push(envelope: Envelope, id = `env-${this.#next++}`): string | null {
    const socket = [...this.sockets].findLast(({ readyState }) => readyState === 1);
    socket?.send(JSON.stringify({ envelope_id: id, accepts_response_payload: false, ...envelope }));
    return socket === undefined ? null : id;
  }

  disconnect(reason: string): void {
    for (const socket of this.sockets) socket.send(JSON.stringify({ type: 'disconnect', reason }));
  }

  /** Every second socket without a goodbye. */
  async drop(): Promise<void> {
    const gone = [...this.sockets].map((socket, index) => {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      if ((index + this.#next++) % 2 === 0) socket.terminate();
      else socket.close(1011);
      return closed;
    });
    await Promise.all(gone);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #opened(socket: WebSocket): void {
    this.sockets.add(socket);
    this.mostSockets = Math.max(this.mostSockets, this.sockets.size);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.#notify();
    });
    socket.on('message', (data) => {
      // eslint-disable-next-line typescript/no-base-to-string -- a text frame arrives as one Buffer
      const frame = JSON.parse(data.toString()) as { envelope_id?: string };
      if (frame.envelope_id !== undefined) this.acks.push(frame.envelope_id);
      this.#notify();
    });
    if (this.mute) return;
    const connections = this.countedConnections ?? this.sockets.size;
    socket.send(JSON.stringify({ type: 'hello', num_connections: connections, connection_info: { app_id: 'A1' } }));
    this.greeted++;
    this.#notify();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { pathname, search } = new URL(request.url ?? '', 'http://x');
    if (search.includes('xox')) this.workspace.violations.push('a token in an address');
    const json = (status: number, answer: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(answer));
      this.#notify();
    };
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (pathname.startsWith('/files/')) {
      const file = this.workspace.files.get(pathname.slice(7));
      if (token !== this.#botToken || file === undefined) {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
      } else response.writeHead(200, { 'content-type': file.mimetype }).end(file.bytes);
      return;
    }
    if (pathname.startsWith('/upload/')) {
      if (token !== undefined) this.workspace.violations.push('a token with an upload');
      const upload = this.#uploads.get(pathname.slice(8));
      if (upload === undefined || upload.size !== body.length) return json(400, { error: 'bad upload' });
      upload.bytes = new Uint8Array(body);
      response.writeHead(200).end('OK');
      return;
    }
    const method = pathname.replace('/api/', '');
    const params: Params = Object.fromEntries(new URLSearchParams(body.toString()));
    if (params['token'] !== undefined) this.workspace.violations.push('a token in a body');
    this.calls.push({ method, params });
    const at = this.#faults.findIndex((each) => each.method.test(method));
    const fault = at === -1 ? undefined : this.#faults.splice(at, 1)[0]?.fault;
    this.#notify();
    switch (fault?.kind) {
      case 'error':
        return json(200, { ok: false, error: fault.error, ...(fault.needed ? { needed: fault.needed } : {}) });
      case 'rate_limited':
        return json(429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(fault.seconds) });
      case 'status':
        response.writeHead(fault.status).end('<html>');
        return;
      case 'hang':
        return;
      default:
    }
    const wanted = method === 'apps.connections.open' ? tokens.app : this.#botToken;
    if (token !== wanted && method !== 'respond')
      return json(200, { ok: false, error: token === undefined ? 'not_authed' : 'invalid_auth' });
    try {
      const answer = this.#carryOut(method, params);
      if (fault?.kind === 'lost') response.destroy();
      else json(200, { ok: true, ...answer }, this.scopes === null ? {} : { 'x-oauth-scopes': this.scopes });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      json(200, { ok: false, error: error.message });
    }
  }

  #carryOut(method: string, params: Params): object {
    const { workspace } = this;
    const ts = (message: Posted): object => ({ ts: message.ts, channel: message.channel });
    switch (method) {
      case 'auth.test':
        return { team_id: team, team: 'Acme', user: bot.name, user_id: bot.user, bot_id: bot.bot };
      case 'apps.connections.open': {
        const ticket = `ticket-${this.#next++}`;
        this.#tickets.add(ticket);
        return { url: `${this.root.replace('http', 'ws')}/link?ticket=${ticket}` };
      }
      case 'chat.postMessage':
        return ts(workspace.post(params));
      case 'chat.update':
        return ts(workspace.update(params));
      case 'chat.startStream':
        return ts(workspace.startStream(params));
      case 'chat.appendStream':
        return ts(workspace.appendStream(params));
      case 'chat.stopStream':
        return ts(workspace.stopStream(params));
      case 'conversations.history':
        return this.#page(workspace.history(params, undefined), params);
      case 'conversations.replies':
        return this.#page(workspace.history(params, params['ts']), params);
      case 'users.conversations':
        return { channels: ['C0000000001', 'D0000000001', 'D0000000002'].map((id) => ({ id })) };
      case 'users.info': {
        const [name] = Object.entries(people).find(([, id]) => id === params['user']) ?? [];
        if (name === undefined) throw new Refusal('user_not_found');
        return { user: { id: params['user'], name, locale: 'de-DE', profile: { display_name: `Person ${name}` } } };
      }
      case 'respond':
        return {};
      case 'conversations.info':
        return { channel: { id: params['channel'], name: 'general' } };
      case 'assistant.threads.setStatus':
        if (!params['thread_ts'] || params['status'] === undefined) throw new Refusal('invalid_arguments');
        return {};
      case 'files.info': {
        const file = workspace.files.get(params['file'] ?? '');
        if (file === undefined) throw new Refusal('file_not_found');
        return { file: { id: file.id, url_private_download: `${this.fileHost ?? this.root}/files/${file.id}` } };
      }
      case 'files.getUploadURLExternal': {
        const id = `F${String(this.#next++).padStart(10, '0')}`;
        this.#uploads.set(id, { name: params['filename'] ?? '', size: Number(params['length']) });
        return { upload_url: `${this.root}/upload/${id}`, file_id: id };
      }
      case 'files.completeUploadExternal': {
        const [{ id = '' } = {}] = JSON.parse(params['files'] ?? '[]') as { id?: string }[];
        const { name = '', size = 0, bytes } = this.#uploads.get(id) ?? {};
        if (bytes === undefined) throw new Refusal('invalid_file');
        workspace.post(params, { file: { id, name, size, bytes, mimetype: 'application/octet-stream' } });
        return { files: [{ id }] };
      }
      default:
        throw new Refusal('unknown_method');
    }
  }

  #page(all: readonly Posted[], params: Params): object {
    const from = Number(params['cursor'] ?? 0);
    const to = from + Number(params['limit'] ?? 100);
    const messages = all.slice(from, to).map((message) => {
      const { file, markdown: _, streaming: __, edits: ___, metadata, ...plain } = message;
      return {
        type: 'message',
        ...plain,
        ...(metadata !== undefined && params['include_all_metadata'] === 'true' ? { metadata } : {}),
        ...(file === undefined ? {} : { files: [describe(file)] }),
      };
    });
    return {
      messages,
      has_more: to < all.length,
      response_metadata: { next_cursor: to < all.length ? String(to) : '' },
    };
  }
}

export const describe = ({ id, name, mimetype, size }: NonNullable<Posted['file']>): object => ({
  id,
  name,
  mimetype,
  size,
});
