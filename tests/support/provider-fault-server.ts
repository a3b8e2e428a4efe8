/**
 * A model API that misbehaves on demand: all four dialects on one port, every way a provider was seen to fail, and a
 * strict reading of what it is asked. A request picks its mode by the model name (`fault-reset-mid`), else the queue
 * (`server.next('rate-1', 2)`) does, else the answer is good.
 *
 * As a program: `node tests/support/provider-fault-server.ts --port 4010`.
 */
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { validateRequest, wireDialects } from './provider-requests.ts';
import type { WireDialect } from './provider-requests.ts';
import { wireError, wireErrorFrame, wireFrames, wireWhole } from './provider-wire.ts';
import type { WireAnswer } from './provider-wire.ts';

export { validateRequest, wireDialects } from './provider-requests.ts';
export type { WireDialect } from './provider-requests.ts';
export type { WireAnswer, WireToolCall, WireUsage } from './provider-wire.ts';

/** Refusals before any stream: status, the dialect's type, its words, headers. */
const refusals = {
  'rate-1': [429, 'rate_limit_error', 'Rate limit reached.', { 'retry-after': '1' }],
  'rate-65': [429, 'rate_limit_error', 'Rate limit reached.', { 'retry-after': '65' }],
  'rate-none': [429, 'rate_limit_error', 'Slow down.', {}],
  quota: [429, 'insufficient_quota', 'You exceeded your current quota: insufficient_quota.', {}],
  unauthorized: [401, 'authentication_error', 'Incorrect API key provided.', {}],
  forbidden: [403, 'permission_error', 'This key may not use the model.', {}],
  unpaid: [402, 'billing_error', 'Payment required.', {}],
  overflow: [400, 'context_length_exceeded', 'The maximum context length is 8192 tokens: context length exceeded.', {}],
  invalid: [400, 'invalid_request_error', 'Something in the request is wrong.', {}],
  'no-tools': [400, 'invalid_request_error', 'This model does not support tools.', {}],
  'not-found': [404, 'not_found_error', 'The model was not found, try pulling it first.', {}],
  'too-large': [413, 'request_too_large', 'The request is too large.', {}],
  'server-500': [500, 'api_error', 'Internal server error.', {}],
  'server-502': [502, 'api_error', 'Bad gateway.', {}],
  unavailable: [503, 'overloaded_error', 'The server is busy.', {}],
  overloaded: [529, 'overloaded_error', 'Overloaded.', {}],
} as const satisfies Record<string, [number, string, string, Record<string, string>]>;

/** Answers that begin well, or not at all. */
const broken = [
  'clean-eof',
  'reset-before-headers',
  'reset-first',
  'reset-mid',
  'error-first',
  'error-mid',
  'malformed',
  'tool-truncated',
  'tool-cut',
  'empty',
  'html',
  'stall-before-headers',
  'stall-first',
  'stall-mid',
  'half-open',
  'huge-frame',
  'redirect',
  'compressed',
] as const;

const whole = ['good', 'good-json', 'trickle'] as const;

export type FaultMode = keyof typeof refusals | (typeof broken)[number] | (typeof whole)[number];
export const faultModes: readonly FaultMode[] = [
  ...whole,
  ...broken,
  ...(Object.keys(refusals) as (keyof typeof refusals)[]),
];

/** What a good answer says. Delays are milliseconds. */
export interface ServerAnswer extends WireAnswer {
  /** Before the headers. */
  headersDelayMs: number;
  /** Between headers and first output. */
  firstDelayMs: number;
  /** Before each further piece. 0: one piece per turn of the event loop. */
  deltaDelayMs: number;
}

export interface ReceivedRequest {
  dialect: WireDialect;
  mode: FaultMode;
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  /** Why it was answered 400, if it was. */
  problems: string[];
  /** Settles when the answer was written or its connection lost. */
  over: Promise<'answered' | 'gone'>;
}

export interface ProviderServerOptions {
  /** Default 0: any free port. */
  port?: number;
  answer?: Partial<ServerAnswer> | ((body: Record<string, unknown>, dialect: WireDialect) => Partial<ServerAnswer>);
}

export interface ProviderServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  port: number;
  /** What `base_url` must be for a dialect. */
  baseUrl(dialect: WireDialect): string;
  /** May be changed at any time. */
  answer: NonNullable<ProviderServerOptions['answer']>;
  /** The next `count` requests whose model names no mode get this one. */
  next(mode: FaultMode, count?: number): void;
  /** Model calls answered in a mode; in all modes without one. */
  hits(mode?: FaultMode): number;
  /** The newest model calls, oldest first; at most 10,000. */
  ledger: ReceivedRequest[];
  /** Connections opened since the start, and those open now. */
  connections(): { total: number; open: number };
  /** Resolves when a model call arrives that was not waited for before. */
  nextRequest(): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

const maxLedger = 10_000;
const defaults: ServerAnswer = {
  text: 'Hello, world! Grüße, 世界 🌍.',
  deltas: 6,
  usage: { prompt: 20, output: 9 },
  headersDelayMs: 0,
  firstDelayMs: 0,
  deltaDelayMs: 0,
};
const paths: Record<string, WireDialect> = {
  '/v1/chat/completions': 'openai-chat',
  '/v1/responses': 'openai-responses',
  '/v1/messages': 'anthropic-messages',
  '/api/chat': 'ollama',
};

export async function startProviderServer(options: ProviderServerOptions = {}): Promise<ProviderServer> {
  const queue: FaultMode[] = [];
  const hits = new Map<FaultMode, number>();
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  const arrivals: ReceivedRequest[] = [];
  const waiting: ((request: ReceivedRequest) => void)[] = [];
  let total = 0;

  const server = http.createServer((request, response) => {
    response.on('error', () => undefined);
    void serve(request, response).catch(() => response.destroy());
  });
  // A client that closes its half gets no answer to that: modes decide how a connection ends.
  server.on('connection', (socket) => {
    total++;
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const dialect = paths[request.url ?? ''];
    if (dialect === undefined || request.method !== 'POST') return serveCatalog(request, response);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const body = parse(Buffer.concat(chunks).toString('utf8'));
    const mode = modeOf(body['model']) ?? queue.shift() ?? 'good';
    hits.set(mode, (hits.get(mode) ?? 0) + 1);
    const problems = [...validateRequest(dialect, body), ...validateHeaders(dialect, request)];
    const received: ReceivedRequest = {
      dialect,
      mode,
      path: request.url ?? '',
      headers: request.headers as Record<string, string>,
      body,
      problems,
      over: new Promise((resolve) => {
        response.on('close', () => resolve(response.writableFinished ? 'answered' : 'gone'));
      }),
    };
    ledger.push(received);
    if (ledger.length > maxLedger) ledger.shift();
    const waiter = waiting.shift();
    if (waiter === undefined) arrivals.push(received);
    else waiter(received);
    if (arrivals.length > maxLedger) arrivals.shift();

    if (problems.length > 0) {
      json(response, 400, wireError(dialect, 'invalid_request_error', problems.join('; ')));
      return;
    }
    const wanted = typeof handle.answer === 'function' ? handle.answer(body, dialect) : handle.answer;
    await answer(response, dialect, mode, String(body['model']), { ...defaults, ...wanted }, closing.signal);
  }

  const ledger: ReceivedRequest[] = [];
  const handle: ProviderServer = {
    url: '',
    port: 0,
    answer: options.answer ?? {},
    ledger,
    baseUrl: (dialect) => (dialect.startsWith('openai') ? `${handle.url}/v1` : handle.url),
    next(mode, count = 1) {
      for (let i = 0; i < count; i++) queue.push(mode);
    },
    hits: (mode) =>
      mode === undefined ? [...hits.values()].reduce((sum, count) => sum + count, 0) : (hits.get(mode) ?? 0),
    connections: () => ({ total, open: sockets.size }),
    nextRequest() {
      const arrived = arrivals.shift();
      return arrived === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(arrived);
    },
    async close() {
      closing.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  handle.port = (server.address() as AddressInfo).port;
  handle.url = `http://127.0.0.1:${handle.port}`;
  return handle;
}

/** Writes one answer in one mode. */
async function answer(
  response: ServerResponse,
  dialect: WireDialect,
  mode: FaultMode,
  model: string,
  wanted: ServerAnswer,
  signal: AbortSignal,
): Promise<void> {
  if (wanted.headersDelayMs > 0) await sleep(wanted.headersDelayMs, undefined, { signal });
  if (mode in refusals) {
    const [status, type, message, headers] = refusals[mode as keyof typeof refusals];
    json(response, status, wireError(dialect, type, message), headers);
    return;
  }
  const frames = wireFrames(dialect, model, spoiled(mode, wanted));
  const half = frames.output.slice(0, Math.ceil(frames.output.length / 2));
  const begin = (): void => {
    response.writeHead(200, {
      'content-type': dialect === 'ollama' ? 'application/x-ndjson' : 'text/event-stream; charset=utf-8',
      'x-request-id': 'req_1',
    });
    response.flushHeaders();
  };
  const speak = async (written: string[]): Promise<void> => {
    for (const frame of written) {
      if (wanted.deltaDelayMs > 0) await sleep(wanted.deltaDelayMs, undefined, { signal });
      else await nextTurn();
      if (response.destroyed) return;
      if (!response.write(frame)) await drained(response);
    }
  };

  switch (mode) {
    case 'reset-before-headers':
      response.socket?.resetAndDestroy();
      return;
    case 'stall-before-headers':
      return;
    case 'redirect':
      response.writeHead(307, { location: '/elsewhere' }).end();
      return;
    case 'empty':
      begin();
      response.end();
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>Log in</title><p>Welcome to the hotel network.');
      return;
    case 'compressed':
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.end('not really');
      return;
    case 'good-json':
      json(response, 200, wireWhole(dialect, model, wanted));
      return;
    default:
  }

  begin();
  switch (mode) {
    case 'stall-first':
      await speak(frames.head);
      return;
    case 'reset-first':
      await speak(frames.head);
      response.socket?.resetAndDestroy();
      return;
    case 'error-first':
      await speak([wireErrorFrame(dialect, 'overloaded_error', 'Overloaded: the server is busy.')]);
      response.end();
      return;
    case 'trickle':
      await trickle(response, [...frames.head, ...frames.output, ...frames.tail].join(''));
      return;
    case 'huge-frame':
      await speak(frames.head);
      await speak(wireFrames(dialect, model, { ...wanted, text: 'x'.repeat(2 * 1024 * 1024), deltas: 1 }).output);
      response.end();
      return;
    default:
  }

  await speak(frames.head);
  if (wanted.firstDelayMs > 0) await sleep(wanted.firstDelayMs, undefined, { signal });
  switch (mode) {
    case 'clean-eof':
      await speak(half);
      response.end();
      return;
    case 'reset-mid':
      await speak(half);
      response.socket?.resetAndDestroy();
      return;
    case 'stall-mid':
      await speak(half);
      return;
    case 'half-open':
      // The peer is gone without a word: nothing is read or written any more, not even the client's goodbye.
      await speak(half);
      response.socket?.pause();
      return;
    case 'error-mid':
      await speak([...half, wireErrorFrame(dialect, 'api_error', 'The runner process has terminated.')]);
      response.end();
      return;
    case 'malformed':
      await speak([...half, dialect === 'ollama' ? '{"message":{"con\n' : 'data: {"choices":[{"del\n\n']);
      await speak([...frames.output.slice(half.length), ...frames.tail]);
      response.end();
      return;
    default:
      await speak([...frames.output, ...frames.tail]);
      response.end();
  }
}

/** Modes that are a good stream of a bad answer. */
function spoiled(mode: FaultMode, wanted: ServerAnswer): ServerAnswer {
  const name = wanted.toolCalls?.[0]?.name ?? 'lookup';
  if (mode === 'tool-truncated') return { ...wanted, toolCalls: [{ name, args: '{"city":"Ro' }] };
  if (mode === 'tool-cut') return { ...wanted, toolCalls: [{ name, args: '{"city":"Rome"}' }], cut: true };
  return wanted;
}

async function trickle(response: ServerResponse, text: string): Promise<void> {
  for (const byte of Buffer.from(text)) {
    if (response.destroyed) return;
    if (!response.write(Uint8Array.of(byte))) await drained(response);
    await nextTurn();
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** The zero-token routes. */
function serveCatalog(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const path = (request.url ?? '').split('?')[0];
  switch (`${request.method} ${path}`) {
    case 'GET /v1/models':
      return json(response, 200, JSON.stringify({ object: 'list', data: [{ id: 'mock-1' }, { id: 'mock-2' }] }));
    case 'GET /api/version':
      return json(response, 200, JSON.stringify({ version: '0.12.0' }));
    case 'GET /api/tags':
      return json(response, 200, JSON.stringify({ models: [{ name: 'mock:latest', model: 'mock:latest' }] }));
    case 'POST /api/show':
      return json(
        response,
        200,
        JSON.stringify({
          model_info: { 'general.architecture': 'llama', 'llama.context_length': 131_072 },
          capabilities: ['completion', 'tools'],
        }),
      );
    default:
      return json(response, 404, JSON.stringify({ error: { message: 'No such route.', type: 'not_found' } }));
  }
}

function validateHeaders(dialect: WireDialect, request: IncomingMessage): string[] {
  const problems: string[] = [];
  if (request.headers['content-type'] !== 'application/json') problems.push('the content type is not JSON');
  if (dialect === 'anthropic-messages' && request.headers['anthropic-version'] !== '2023-06-01')
    problems.push('anthropic-version is missing');
  return problems;
}

function json(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_1', ...headers }).end(text);
}

function modeOf(model: unknown): FaultMode | undefined {
  const name = /^fault-(.+)$/.exec(String(model))?.[1];
  return faultModes.find((mode) => mode === name);
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

if (import.meta.main) {
  const at = process.argv.indexOf('--port');
  const server = await startProviderServer({ port: at === -1 ? 0 : Number(process.argv[at + 1]) });
  for (const dialect of wireDialects) console.log(`${dialect}: ${server.baseUrl(dialect)}`);
  console.log(`modes (model "fault-MODE"): ${faultModes.join(' ')}`);
}
