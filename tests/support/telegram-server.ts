/**
 * A strict Bot API server on loopback. It behaves as Telegram does where that matters for never losing and never
 * doubling (offsets, one poller, limits, entities), keeps a ledger of what a person would see, and counts everything a
 * well-behaved client would not do as a violation. Importable, or a process of its own:
 * `node tests/support/telegram-server.ts [port]` prints `{"apiRoot","botToken"}`; its methods are then
 * `POST /admin/<method>` with a JSON list of arguments.
 */
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { badRequest, chatMethods, ok, refuse, TelegramChats } from './telegram-chats.ts';
import type { Answer, ChatMethod, Params, ShownMessage } from './telegram-chats.ts';
import { paramsOf } from './telegram-form.ts';
import { typedEntities } from './telegram-rules.ts';
import { TelegramWebhook } from './telegram-webhook.ts';
import type { Queued } from './telegram-webhook.ts';

export type { ShownMessage };

export interface TelegramServerOptions {
  port?: number;
  token?: string;
  username?: string;
  /** Privacy mode is off. Default false. */
  canReadAllGroupMessages?: boolean;
}

export interface Injected {
  chatId: number;
  text?: string;
  /** Default: the chat's id in private, else 1. */
  fromId?: number;
  fromName?: string;
  /** Default private for positive ids, else supergroup. */
  chatType?: 'private' | 'group' | 'supergroup' | 'channel';
  threadId?: number;
  messageId?: number;
  /** Default message. */
  kind?: 'message' | 'edited_message' | 'channel_post' | 'edited_channel_post';
  /** Any further fields of the message. */
  extra?: object;
}

export interface RecordedCall {
  method: string;
  params: Record<string, unknown>;
  /** Milliseconds, monotonic. */
  at: number;
  status: number | null;
}

/**
 * `reset` closes the socket unanswered, `lost` does so after carrying the call out, `hang` never answers, `late502`
 * answers 502 after carrying it out; `code` is an answer of Telegram's own.
 */
export type Failure =
  | { mode: 'reset' | 'lost' | 'hang' | 'bad_gateway' | 'late502' | 'garbage' | 'null' }
  | { mode: 'code'; code: number; description: string; parameters?: object };

interface Poll {
  finish(answer: Answer): void;
  offset: number;
  limit: number;
}

export class TelegramServer {
  readonly botToken: string;
  readonly bot: { id: number; username: string; can_read_all_group_messages: boolean };
  /** What a well-behaved client would not have done, in words. */
  readonly violations: string[] = [];
  /** Chats, their limits and what stands in them. */
  readonly chats: TelegramChats;
  readonly #http: http.Server;
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly #queue: Queued[] = [];
  readonly #calls: RecordedCall[] = [];
  readonly #failures: { method: string | null; failure: Failure }[] = [];
  readonly #files = new Map<string, Uint8Array>();
  #poll: Poll | null = null;
  #nextUpdateId = 700_000_001;
  #confirmed = 0;
  #allowed: string[] | null = null;
  readonly webhook: TelegramWebhook;
  /** The menu for everybody, and those for languages. */
  commands: unknown = null;
  readonly commandsIn = new Map<string, unknown>();
  /** Pressed buttons: true once the bot has acknowledged them. */
  readonly presses = new Map<string, boolean>();
  #last: Queued | null = null;

  constructor(options: TelegramServerOptions = {}) {
    this.botToken = options.token ?? '4242:strict-server-token_of-35-characters';
    this.bot = {
      id: Number(this.botToken.split(':')[0]),
      username: options.username ?? 'clanker_test_bot',
      can_read_all_group_messages: options.canReadAllGroupMessages ?? false,
    };
    this.chats = new TelegramChats(this.bot, this.violations);
    this.webhook = new TelegramWebhook(this.#queue, (item, taken) => {
      const at = this.#queue.indexOf(item);
      if (taken && at !== -1) this.#queue.splice(at, 1);
      if (taken) this.#confirmed = Math.max(this.#confirmed, item.id + 1);
      this.#changed.emit('change');
    });
    this.#http = http.createServer((request, response) => void this.#serve(request, response));
  }

  async listen(port = 0): Promise<this> {
    this.#http.listen(port, '127.0.0.1');
    await once(this.#http, 'listening');
    return this;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get apiRoot(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.webhook.set('', '');
    this.#poll?.finish(ok([]));
    this.#http.close();
    this.#http.closeAllConnections();
    if (this.#http.listening) await once(this.#http, 'close');
  }

  /** A person writes; returns the ids the platform gave. */
  inject(message: Injected): { updateId: number; messageId: number } {
    const { chatId, text, kind = 'message' } = message;
    const type = message.chatType ?? (chatId > 0 ? 'private' : 'supergroup');
    const messageId = message.messageId ?? this.chats.nextMessageId();
    const fromId = message.fromId ?? (chatId > 0 ? chatId : 1);
    const date = Math.floor(Date.now() / 1000);
    const body = {
      message_id: messageId,
      date,
      ...(kind.startsWith('edited') ? { edit_date: date } : {}),
      chat: { id: chatId, type, ...(type === 'private' ? { first_name: 'Ada' } : { title: 'A group' }) },
      from: { id: fromId, is_bot: false, first_name: message.fromName ?? 'Ada', language_code: 'en' },
      ...(text === undefined ? {} : { text, entities: typedEntities(text) }),
      ...(message.threadId === undefined ? {} : { message_thread_id: message.threadId, is_topic_message: true }),
      ...message.extra,
    };
    return { updateId: this.injectUpdate({ [kind]: body }), messageId };
  }

  /** Queues an update as given; an object without `update_id` gets the next one. Returns the id it is queued under. */
  injectUpdate(update: unknown, id?: number): number {
    if (id !== undefined) this.#nextUpdateId = id;
    const updateId = this.#nextUpdateId++;
    const isObject = typeof update === 'object' && update !== null;
    const kinds = isObject ? Object.keys(update).filter((key) => key !== 'update_id') : [];
    if (this.#allowed !== null && kinds.length === 1 && !this.#allowed.includes(kinds[0] ?? '')) return updateId;
    this.#last = { id: updateId, json: JSON.stringify(isObject ? { update_id: updateId, ...update } : update) };
    this.#queue.push(this.#last);
    this.#answerPoll();
    this.webhook.pump();
    return updateId;
  }

  /** Several photos at once, told one by one. The caption stands under the first. */
  album(
    chatId: number,
    files: readonly string[],
    more: { caption?: string; id?: string } = {},
  ): { updateId: number }[] {
    const { caption, id = `album-${this.#nextUpdateId}` } = more;
    return files.map((file, n) =>
      this.inject({
        chatId,
        extra: {
          media_group_id: id,
          photo: [
            { file_id: `${file}-small`, width: 90, height: 90 },
            { file_id: file, width: 900, height: 900, file_size: 1000 },
          ],
          ...(n === 0 && caption !== undefined ? { caption } : {}),
        },
      }),
    );
  }

  /** A person presses a button under a message of the bot; pressed again it is another query. */
  press(message: Pick<ShownMessage, 'chatId' | 'messageId' | 'threadId'>, data: string, fromId?: number): number {
    const id = String(4_000_000_000_000 + this.presses.size);
    this.presses.set(id, false);
    const chat = { id: Number(message.chatId), type: message.chatId.startsWith('-') ? 'supergroup' : 'private' };
    const topic = message.threadId === null ? {} : { message_thread_id: message.threadId, is_topic_message: true };
    const from = { id: fromId ?? Number(message.chatId), is_bot: false, first_name: 'Ada', language_code: 'en' };
    const shown = { message_id: message.messageId, date: 1, chat, ...topic };
    return this.injectUpdate({ callback_query: { id, from, chat_instance: 'c', data, message: shown } });
  }

  /** A person reacts to a message; no emoji takes the reaction back. */
  react(chatId: number, messageId: number, emoji: string | null, fromId = chatId): number {
    const date = Math.floor(Date.now() / 1000);
    const chat = { id: chatId, type: chatId > 0 ? 'private' : 'supergroup' };
    const user = { id: fromId, is_bot: false, first_name: 'Ada' };
    const now = emoji === null ? [] : [{ type: 'emoji', emoji }];
    return this.injectUpdate({
      message_reaction: { chat, message_id: messageId, date, user, old_reaction: [], new_reaction: now },
    });
  }

  /** Tells the last update once more; a poller has it told by an offset that moved back. */
  async repeatLast(): Promise<void> {
    if (this.#last === null) return;
    if (this.webhook.url !== '') await this.webhook.repeat(this.#last);
    else {
      const { update_id: _, ...update } = JSON.parse(this.#last.json) as { update_id: number };
      this.injectUpdate(update);
    }
  }

  /** Polls that are held now. */
  polls(): number {
    return this.#poll === null ? 0 : 1;
  }

  /** Cuts every connection that is open now. */
  drop(): void {
    this.#http.closeAllConnections();
  }

  /** What people see now, in the order it appeared. */
  messages(chatId?: number | string): ShownMessage[] {
    return this.chats.messages(chatId);
  }

  calls(method?: string): RecordedCall[] {
    return this.#calls.filter((call) => method === undefined || call.method === method);
  }

  /** Updates with lower ids are confirmed. */
  confirmed(): number {
    return this.#confirmed;
  }

  pending(): number {
    return this.#queue.length;
  }

  /** The next `count` calls (of one method, if named) fail. */
  fail(count: number, failure: Failure, method: string | null = null): void {
    for (let i = 0; i < count; i++) this.#failures.push({ method, failure });
  }

  /** The next `count` polls meet another poller. */
  conflict(count: number): void {
    const description =
      'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running';
    this.fail(count, { mode: 'code', code: 409, description }, 'getUpdates');
  }

  /** A group becomes a supergroup; people in it see the service message. */
  migrate(chatId: number, newId: number): void {
    this.chats.move(chatId, newId);
    this.inject({ chatId, chatType: 'group', extra: { migrate_to_chat_id: newId } });
  }

  setWebhook(url: string): void {
    this.webhook.set(url, '');
    this.#poll?.finish(this.#webhookConflict());
  }

  addFile(id: string, bytes: Uint8Array): void {
    this.#files.set(id, bytes);
  }

  /** Resolves once the condition holds; looked at after every call and update. */
  async until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!condition()) await once(this.#changed, 'change', { signal });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The client left while it was speaking.
    }
    const bytes = Buffer.concat(chunks);
    const path = request.url ?? '';
    if (path.startsWith('/admin/')) return this.#admin(path.slice(7), bytes.toString(), response);
    const file = /^\/file\/bot([^/]+)\/(.+)$/.exec(path);
    if (file !== null) {
      const content = file[1] === this.botToken ? this.#files.get(decodeURIComponent(file[2] ?? '')) : undefined;
      response.writeHead(content === undefined ? 404 : 200).end(content);
      return;
    }
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(path) ?? [];
    if (token === undefined) return send(response, refuse(404, 'Not Found'));
    if (token !== this.botToken) return send(response, refuse(401, 'Unauthorized'));
    const params = await paramsOf(bytes, request.headers['content-type'] ?? '');
    if (params === null) {
      this.violations.push(`${method}: the body cannot be read`);
      return send(response, badRequest("can't parse the request"));
    }
    const call: RecordedCall = { method, params, at: performance.now(), status: null };
    this.#calls.push(call);
    response.once('close', () => {
      call.status = response.writableEnded ? response.statusCode : null;
      this.#changed.emit('change');
    });
    this.#changed.emit('change');
    await this.#respond(call, response);
    this.#changed.emit('change');
  }

  async #respond({ method, params }: RecordedCall, response: ServerResponse): Promise<void> {
    const index = this.#failures.findIndex((each) => each.method === null || each.method === method);
    const failure = index === -1 ? undefined : this.#failures.splice(index, 1)[0]?.failure;
    if (failure === undefined) return send(response, await this.#answer(method, params, response));
    if (failure.mode === 'code') return send(response, refuse(failure.code, failure.description, failure.parameters));
    if (failure.mode === 'hang') return;
    if (failure.mode === 'garbage') return send(response, { status: 200, body: '{"ok":true,"resu' });
    if (failure.mode === 'null') return send(response, { status: 200, body: 'null' });
    if (failure.mode === 'lost' || failure.mode === 'late502') await this.#answer(method, params, response);
    if (failure.mode === 'reset' || failure.mode === 'lost') return void response.socket?.resetAndDestroy();
    send(response, { status: 502, body: '<html><body>502 Bad Gateway</body></html>' });
  }

  #answer(method: string, params: Params, response: ServerResponse): Answer | Promise<Answer> {
    switch (method) {
      case 'getMe':
        return ok({ ...this.bot, is_bot: true, first_name: 'Clanker', can_join_groups: true });
      case 'getUpdates':
        return this.#getUpdates(params, response);
      case 'getWebhookInfo':
        return ok(this.webhook.info);
      case 'setWebhook':
        return this.#setWebhook(params);
      case 'deleteWebhook':
        if (params['drop_pending_updates'] === true) this.violations.push('pending updates were dropped');
        this.webhook.set('', '');
        return ok(true);
      case 'setMyCommands':
        if (typeof params['language_code'] === 'string')
          this.commandsIn.set(params['language_code'], params['commands']);
        else this.commands = params['commands'];
        return ok(true);
      case 'answerCallbackQuery': {
        const id = String(params['callback_query_id']);
        if (!this.presses.has(id))
          return badRequest('query is too old and response timeout expired or query ID is invalid');
        this.presses.set(id, true);
        return ok(true);
      }
      case 'getFile': {
        const id = String(params['file_id']);
        const bytes = this.#files.get(id);
        return bytes ? ok({ file_id: id, file_path: id, file_size: bytes.length }) : badRequest('invalid file_id');
      }
      default:
        if ((chatMethods as readonly string[]).includes(method)) return this.chats.answer(method as ChatMethod, params);
        this.violations.push(`unknown method ${method}`);
        return refuse(404, 'Not Found');
    }
  }

  #setWebhook(params: Params): Answer {
    const { url, secret_token: secret, allowed_updates: allowed } = params;
    if (params['drop_pending_updates'] === true) this.violations.push('pending updates were dropped');
    if (!Array.isArray(allowed)) this.violations.push('setWebhook without allowed_updates');
    else this.#allowed = allowed as string[];
    if (typeof secret !== 'string') this.violations.push('setWebhook without a secret_token');
    else if (!/^[A-Za-z0-9_-]{1,256}$/.test(secret)) return badRequest('secret token contains unallowed characters');
    if (typeof url !== 'string' || !URL.canParse(url)) return badRequest('bad webhook: invalid URL');
    this.webhook.set(url, String(secret));
    this.#poll?.finish(this.#webhookConflict());
    return ok(true);
  }

  #getUpdates(params: Params, response: ServerResponse): Answer | Promise<Answer> {
    if (this.webhook.url !== '') return this.#webhookConflict();
    const offset = Number(params['offset'] ?? 0);
    const seconds = Number(params['timeout'] ?? 0);
    if (offset < 0) this.violations.push('a negative offset forgets updates');
    if (!Array.isArray(params['allowed_updates'])) this.violations.push('getUpdates without allowed_updates');
    else this.#allowed = params['allowed_updates'] as string[];
    this.#poll?.finish(refuse(409, 'Conflict: terminated by other getUpdates request'));
    // An offset far past the last update is from before the ids began anew: it confirms nothing.
    const last = this.#queue.at(-1)?.id ?? Infinity;
    if (offset <= last + 10) {
      this.#confirmed = Math.max(this.#confirmed, offset);
      while (this.#queue[0] !== undefined && this.#queue[0].id < offset) this.#queue.shift();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => poll.finish(ok([])), seconds * 1000);
      const gone = (): void => poll.finish(ok([]));
      const poll: Poll = {
        offset,
        limit: Math.min(Number(params['limit'] ?? 100), 100),
        finish: (answer) => {
          clearTimeout(timer);
          response.off('close', gone);
          if (this.#poll === poll) this.#poll = null;
          resolve(answer);
        },
      };
      response.once('close', gone);
      this.#poll = poll;
      this.#answerPoll();
    });
  }

  #answerPoll(): void {
    if (this.#poll === null || this.#queue.length === 0) return;
    const updates = this.#queue.slice(0, this.#poll.limit).map(({ json }) => json);
    this.#poll.finish({ status: 200, body: `{"ok":true,"result":[${updates.join(',')}]}` });
  }

  #webhookConflict(): Answer {
    const why = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    return refuse(409, `Conflict: ${why}`);
  }

  #admin(method: string, body: string, response: ServerResponse): void {
    const methods = {
      inject: (...args: [Injected]) => this.inject(...args),
      messages: (...args: [string?]) => this.messages(...args),
      calls: (...args: [string?]) => this.calls(...args),
      fail: (...args: [number, Failure, string?]) => this.fail(...args),
      limit: (...args: [number | 'groups' | 'all', number]) => this.chats.limit(...args),
      conflict: (...args: [number]) => this.conflict(...args),
      confirmed: () => this.confirmed(),
      pending: () => this.pending(),
      violations: () => this.violations,
    } as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>;
    const result = methods[method]?.(...(body === '' ? [] : (JSON.parse(body) as unknown[])));
    send(response, { status: method in methods ? 200 : 404, body: JSON.stringify(result ?? null) });
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'application/json' }).end(body);
}

export const startTelegramServer = (options: TelegramServerOptions = {}): Promise<TelegramServer> =>
  new TelegramServer(options).listen(options.port);

if (import.meta.main) {
  const server = await startTelegramServer({ port: Number(process.argv[2] ?? 0) });
  console.log(JSON.stringify({ apiRoot: server.apiRoot, botToken: server.botToken }));
}
