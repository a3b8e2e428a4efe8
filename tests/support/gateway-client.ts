/** A client of the public surface as a program would write one: JSON, SSE and WebSocket, over sockets it can see. */
import { request, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';

/** The fields of chat answers, events and errors that the proofs look at; which are there depends on the type. */
export interface Payload {
  message_id?: string;
  run_id?: string;
  session?: string;
  text?: string;
  reply?: { text: string };
  model?: string;
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  error?: { code: string; message: string; request_id?: string };
  code?: string;
  message?: string;
}

export interface Answer<T = Payload> {
  status: number;
  headers: IncomingMessage['headers'];
  /** The parsed body; `{}` when it was not JSON. */
  body: T;
}

export interface ServerEvent {
  id: string;
  event: string;
  data: Payload;
}

/** Which gateway, as whom (an empty token is none). `agent: false` (the default) opens a connection for every request. */
export interface Target {
  url: string;
  token: string;
  agent?: Agent;
}

function open(
  target: Target,
  method: string,
  path: string,
  body: unknown,
  headers: OutgoingHttpHeaders,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request(`${target.url}${path}`, {
      method,
      agent: target.agent ?? false,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        ...(target.token === '' ? {} : { authorization: `Bearer ${target.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    call.once('response', resolve);
    call.once('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** One request, its answer read to the end. Rejects when the connection fails before that. */
export async function ask<T = Payload>(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
  signal?: AbortSignal,
): Promise<Answer<T>> {
  const response = await open(target, method, path, body, headers, signal);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const json = response.headers['content-type']?.startsWith('application/json') === true;
  return { status: response.statusCode ?? 0, headers: response.headers, body: (json ? JSON.parse(text) : {}) as T };
}

/** A chat by SSE: yields events until the server ends the stream, throws when the connection is cut. */
export async function* chatEvents(
  target: Target,
  body: Record<string, unknown>,
  headers: OutgoingHttpHeaders = {},
  signal?: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const response = await open(target, 'POST', '/api/v1/chat', { ...body, stream: true }, headers, signal);
  if (response.statusCode !== 200) {
    response.resume();
    throw new Error(`The chat stream was answered with ${response.statusCode}.`);
  }
  yield* eventsOf(response);
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<ServerEvent> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const text of response) {
    const blocks = (rest + (text as string)).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event: ServerEvent = { id: '', event: '', data: {} };
      for (const line of block.split('\n')) {
        const colon = line.indexOf(': ');
        const value = line.slice(colon + 2);
        if (line.startsWith('event: ')) event.event = value;
        if (line.startsWith('id: ')) event.id = value;
        if (line.startsWith('data: ')) event.data = JSON.parse(value) as Payload;
      }
      if (event.event !== '') yield event;
    }
  }
}

export interface Frame {
  type: string;
  id?: string;
  payload: Payload;
}

/** A WebSocket that keeps the frames nobody has taken yet. */
export class Socket {
  readonly ws: WebSocket;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #frames: Frame[] = [];
  readonly #waiting = new Set<() => void>();
  #open = true;

  constructor(target: Target) {
    this.ws = new WebSocket(`${target.url.replace('http', 'ws')}/ws`, {
      headers: { authorization: `Bearer ${target.token}` },
    });
    this.ws.on('error', () => {});
    this.ws.on('message', (data: Buffer) => {
      this.#frames.push(JSON.parse(data.toString('utf8')) as Frame);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.ws.once('close', (code: number) => {
        this.#open = false;
        this.#wake();
        resolve(code);
      });
    });
  }

  send(type: string, payload: unknown = {}, id?: string): void {
    this.ws.send(JSON.stringify({ type, payload, ...(id === undefined ? {} : { id }) }));
  }

  /** Takes the first frame that fits, waiting for it; rejects when the socket closes before it came. */
  async next(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const index = this.#frames.findIndex(fits);
      if (index >= 0) return this.#frames.splice(index, 1)[0] as Frame;
      if (!this.#open) throw new Error('The socket closed before the frame came.');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Forgets the frames that nobody waits for. */
  forget(): void {
    this.#frames.length = 0;
  }

  close(): Promise<number> {
    this.ws.terminate();
    return this.closed;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Opens a socket and waits for its `hello`. */
export async function connect(target: Target): Promise<Socket> {
  const socket = new Socket(target);
  await socket.next(({ type }) => type === 'hello');
  return socket;
}
