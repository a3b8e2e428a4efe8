import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import {
  HttpFailure,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  readBody,
} from '../../core/ports/http-client.ts';
import type { Clock } from '../../core/ports/system.ts';
import { eventsOf } from './event-stream.ts';
import { failure, maxMessageBytes, messagesOf } from './messages.ts';
import { Pace } from './pace.ts';

/** For messages nobody waits for an answer to. */
const noticeMs = 10_000;
/** Until a session that nobody needs any more was told to end. */
const goodbyeMs = 1000;
/** Pauses before the stream of notices is asked for again, and how often in a row that may fail. */
const reopenMs = [1000, 3000, 10_000];
const maxReasonBytes = 2000;

export interface HttpOptions {
  url: string;
  headers: Readonly<Record<string, string>>;
  http: HttpClient;
  clock: Clock;
}

/** The server does not speak this transport; it may speak the older one. */
export class NotStreamable extends Error {}

/**
 * A server over "Streamable HTTP" (MCP 2025-03-26 and later): each message is a POST, answered by JSON or by a stream of
 * events; a GET, where there is one, is the stream of what the server says unasked.
 */
export class HttpTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** Why it ended, in words. */
  reason = 'it was ended';
  readonly #options: HttpOptions;
  readonly #closing = new AbortController();
  readonly #pace: Pace;
  /** The answers that are still coming, by the id of their request, so that one which is cancelled frees its socket. */
  readonly #coming = new Map<string | number, AbortController>();
  #session: string | null = null;
  #version: string | null = null;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#pace = new Pace(options.clock, this.#closing.signal);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  setProtocolVersion(version: string): void {
    this.#version = version;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if ('method' in message && 'id' in message) return this.#ask(message);
    const response = await this.#request(
      'POST',
      message,
      AbortSignal.any([this.#closing.signal, AbortSignal.timeout(noticeMs)]),
    );
    await this.#check(response);
    await readBody(response, maxMessageBytes).catch(() => undefined);
    if (!('method' in message)) return;
    if (message.method === 'notifications/initialized') void this.#listen();
    if (message.method === 'notifications/cancelled')
      this.#coming.get(message.params?.['requestId'] as string)?.abort();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const session = this.#session;
    this.#closing.abort(new Error('closed'));
    this.onclose?.();
    if (session === null) return;
    await this.#request('DELETE', undefined, AbortSignal.timeout(goodbyeMs))
      .then((response) => readBody(response, maxReasonBytes))
      .catch(() => undefined);
  }

  /** Resolves once the server took the request; what it answers arrives as a message. */
  async #ask(message: Extract<JSONRPCMessage, { method: string; id: unknown }>): Promise<void> {
    const cancel = new AbortController();
    const { id } = message;
    this.#coming.set(id, cancel);
    const done = (): void => void this.#coming.delete(id);
    try {
      const response = await this.#request('POST', message, AbortSignal.any([this.#closing.signal, cancel.signal]));
      await this.#check(response, message.method === 'initialize');
      const session = response.headers['mcp-session-id'];
      if (message.method === 'initialize' && session !== undefined && /^[\x21-\x7e]{1,256}$/.test(session))
        this.#session = session;
      void this.#answer(response, id).finally(done);
    } catch (error) {
      done();
      throw this.#inWords(error);
    }
  }

  async #answer(response: HttpResponse, id: string | number): Promise<void> {
    let answered = false;
    const deliver = (text: string): void => {
      for (const one of messagesOf(text) ?? []) {
        if ('id' in one && one.id === id && !('method' in one)) answered = true;
        this.#deliver(one);
      }
    };
    let why = 'it ended its answer before the result';
    try {
      if (/^text\/event-stream\b/i.test(response.headers['content-type'] ?? '')) {
        for await (const event of eventsOf(response.body, maxMessageBytes, this.#pace)) {
          if (event.type === 'message') deliver(event.data);
          if (answered) break;
        }
      } else {
        await this.#pace.take(0);
        deliver(new TextDecoder().decode(await readBody(response, maxMessageBytes)));
        why = 'it answered with something that is no message of the protocol';
      }
    } catch (error) {
      why = this.#inWords(error).message;
    }
    if (!answered) this.#deliver(failure(id, why));
  }

  /** Follows what the server says unasked, where it does so. */
  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    let failed = 0;
    while (!signal.aborted && failed < reopenMs.length) {
      try {
        const response = await this.#request('GET', undefined, signal);
        if (response.status !== 200 || !/^text\/event-stream\b/i.test(response.headers['content-type'] ?? '')) {
          await readBody(response, maxReasonBytes).catch(() => undefined);
          if (response.status === 404 && this.#session !== null) this.#closeBecause('it has forgotten the session');
          return;
        }
        failed = 0;
        for await (const { type, data } of eventsOf(response.body, maxMessageBytes, this.#pace)) {
          if (type === 'message') for (const one of messagesOf(data) ?? []) this.#deliver(one);
        }
      } catch (error) {
        this.reason = this.#inWords(error).message;
      }
      await this.#options.clock.sleep(reopenMs[failed++] ?? 0, signal).catch(() => undefined);
    }
    this.#closeBecause(this.reason);
  }

  #request(
    method: HttpRequest['method'],
    message: JSONRPCMessage | undefined,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { http, url, headers } = this.#options;
    return http.request({
      method,
      url,
      headers: {
        ...lowerCase(headers),
        accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        ...(message === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#session === null ? {} : { 'mcp-session-id': this.#session }),
        ...(this.#version === null ? {} : { 'mcp-protocol-version': this.#version }),
      },
      ...(message === undefined ? {} : { body: JSON.stringify(message) }),
      signal,
    });
  }

  async #check(response: HttpResponse, first = false): Promise<void> {
    const { status } = response;
    if (status >= 200 && status < 300) return;
    await readBody(response, maxReasonBytes).catch(() => undefined);
    if (first && [400, 404, 405].includes(status)) throw new NotStreamable(refusal(status));
    if (status === 404 && this.#session !== null) this.#closeBecause('it has forgotten the session');
    throw new Error(refusal(status));
  }

  #closeBecause(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.reason = reason;
    void this.close();
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.onmessage?.(message);
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error('unknown error'));
    }
  }

  /** Nobody can be reached there: whoever waits for anything else need not. */
  #inWords(error: unknown): Error {
    if (error instanceof HttpFailure && error.phase === 'connect' && error.code !== 'aborted')
      this.#closeBecause(error.message);
    return error instanceof Error ? error : new Error('unknown error');
  }
}

export const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** What a status means for whoever configured the server. */
export function refusal(status: number): string {
  if (status === 401 || status === 403) return `it refuses us (${status}); give it a valid token in \`headers\``;
  if (status >= 300 && status < 400) return `it has moved (${status}); write its new address`;
  return `it answered with status ${status}`;
}
