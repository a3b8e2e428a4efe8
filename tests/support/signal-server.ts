/**
 * A strict signal-cli daemon on loopback: JSON-RPC with its error codes, an event stream that begins with what waited
 * while nobody was connected (`--receive-mode=on-connection`). What a well-behaved client would not do is a violation.
 */
import type { ServerResponse } from 'node:http';
import { cut, LoopbackServer } from './loopback-server.ts';
import type { Answered, Asked } from './loopback-server.ts';

export interface SentMessage {
  /** A person or a group. */
  to: string;
  timestamp: number;
  params: Record<string, unknown>;
  file?: Buffer;
}

/** What the next send comes to; `lost`: carried out, and the connection is cut before the answer. */
export type SendFault = Answered | 'lost';

const maxKept = 1000;

export class SignalServer {
  readonly number = '+15550000000';
  readonly aci = '00000000-0000-4000-8000-00000000b070';
  readonly violations: string[] = [];
  readonly sent: SentMessage[] = [];
  readonly typing: string[] = [];
  readonly files = new Map<string, Buffer>();
  readonly faults: SendFault[] = [];
  /** The value of the header of each connection. */
  readonly askedAfter: (string | undefined)[] = [];
  /** Numbers events and keeps the last of them, as newer daemons do. */
  isNumbered = true;
  /** Lists its accounts, as daemons do that serve several. */
  accounts: string[] | null = [this.number];
  sends = 0;
  readonly #server: LoopbackServer;
  readonly #streams = new Set<ServerResponse>();
  readonly #kept: { id: number; data: string }[] = [];
  #waiting: string[] = [];
  #change = Promise.withResolvers<void>();
  #nextId = 1;
  #clock = Date.now();

  constructor() {
    this.#server = new LoopbackServer((asked) => this.#handle(asked));
  }

  async listen(): Promise<this> {
    await this.#server.listen();
    return this;
  }

  get url(): string {
    return this.#server.url;
  }

  get connections(): number {
    return this.#streams.size;
  }

  async connected(): Promise<void> {
    while (this.#streams.size === 0) await this.#change.promise;
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  drop(): void {
    for (const stream of this.#streams) if (stream.socket !== null) cut(stream.socket);
    this.#streams.clear();
  }

  /** No two messages have one time. */
  now(): number {
    this.#clock = Math.max(this.#clock + 1, Date.now());
    return this.#clock;
  }

  /** Somebody says something; it waits at Signal while nobody is connected. */
  tell(envelope: Record<string, unknown>): void {
    this.raw(JSON.stringify({ account: this.number, envelope }));
  }

  raw(data: string): void {
    if (this.#streams.size === 0) this.#waiting.push(data);
    else this.#emit(data);
  }

  /** A sign of life. */
  pulse(): void {
    for (const stream of this.#streams) stream.write(':\n');
  }

  #emit(data: string): void {
    const event = { id: this.#nextId++, data };
    this.#kept.push(event);
    if (this.#kept.length > maxKept) this.#kept.shift();
    for (const stream of this.#streams) this.#write(stream, event);
  }

  #write(stream: ServerResponse, { id, data }: { id: number; data: string }): void {
    stream.write(`${this.isNumbered ? `id:${id}\n` : ''}event:receive\ndata:${data}\n\n`);
  }

  #handle(asked: Asked): Answered | 'cut' | null {
    const path = asked.path.join('/');
    if (path === 'api/v1/events' && asked.method === 'GET') return this.#stream(asked);
    if (path === 'api/v1/check' && asked.method === 'GET') return { status: 200 };
    if (path !== 'api/v1/rpc' || asked.method !== 'POST') return { status: 404 };
    const { jsonrpc, id, method, params } = asked.json as {
      jsonrpc?: string;
      id?: string;
      method?: string;
      params: Record<string, unknown>;
    };
    if (jsonrpc !== '2.0' || id === undefined) this.violations.push('no JSON-RPC request');
    const answer = (result: unknown): Answered => ({ status: 200, json: { jsonrpc: '2.0', result, id } });
    if (params['account'] !== this.number) return rpcError(-32602, 'Specified account does not exist');
    switch (method) {
      case 'listAccounts':
        if (this.accounts === null) return rpcError(-32601, 'Method not implemented');
        return answer(this.accounts.map((number) => ({ number, aci: this.aci })));
      case 'send':
        return this.#send(params, answer);
      case 'sendTyping':
        this.typing.push(placeOf(params));
        return answer({});
      case 'getAttachment': {
        const bytes = this.files.get(String(params['id']));
        if (params['recipient'] === undefined && params['groupId'] === undefined)
          this.violations.push('a file from nowhere');
        return bytes === undefined
          ? rpcError(-1, 'Could not find attachment with ID')
          : answer({ data: bytes.toString('base64') });
      }
      default:
        return rpcError(-32601, 'Method not implemented');
    }
  }

  #stream({ response, headers, query }: Asked): null {
    if (query.get('account') !== this.number) this.violations.push('events of no account');
    const after = headers['last-event-id'];
    this.askedAfter.push(typeof after === 'string' ? after : undefined);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    response.once('close', () => this.#streams.delete(response));
    if (this.isNumbered && after !== undefined)
      for (const event of this.#kept) if (event.id > Number(after)) this.#write(response, event);
    this.#streams.add(response);
    for (const data of this.#waiting.splice(0)) this.#emit(data);
    this.#change.resolve();
    this.#change = Promise.withResolvers();
    return null;
  }

  #send(params: Record<string, unknown>, answer: (result: unknown) => Answered): Answered | 'cut' {
    this.sends++;
    const fault = this.faults.shift();
    if (fault !== undefined && fault !== 'lost') return fault;
    const {
      message = '',
      textStyle = [],
      attachments = [],
    } = params as { message?: string; textStyle?: string[]; attachments?: string[] };
    if (message === '' && attachments.length === 0) return rpcError(-1, 'No message text given');
    for (const range of textStyle) {
      const [, start, length] = /^(\d+):(\d+):(BOLD|ITALIC|SPOILER|STRIKETHROUGH|MONOSPACE)$/.exec(range) ?? [];
      if (length === undefined || Number(length) < 1 || Number(start) + Number(length) > message.length)
        return rpcError(-1, `Invalid text style ${range}`);
    }
    if (Buffer.byteLength(message) > 2000) this.violations.push('a text so long that it is sent as a file');
    const [first] = attachments;
    const file =
      first === undefined ? undefined : /^data:[\w./+-]+(?:;filename=[^;,]+)?;base64,(.*)$/s.exec(first)?.[1];
    if (first !== undefined && file === undefined) return rpcError(-1, 'Failed to add attachment: no such file');
    const timestamp = this.now();
    this.sent.push({
      to: placeOf(params),
      timestamp,
      params,
      ...(file === undefined ? {} : { file: Buffer.from(file, 'base64') }),
    });
    return fault === 'lost' ? 'cut' : answer({ timestamp, results: [{ type: 'SUCCESS' }] });
  }
}

export const rpcError = (code: number, message: string, data: unknown = null): Answered => ({
  status: 200,
  json: { jsonrpc: '2.0', error: { code, message, data }, id: '1' },
});

function placeOf({ recipient, groupId }: Record<string, unknown>): string {
  return String(groupId ?? (Array.isArray(recipient) ? recipient[0] : recipient));
}
