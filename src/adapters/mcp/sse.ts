import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { type HttpClient, readBody } from '../../core/ports/http-client.ts';
import type { Clock } from '../../core/ports/system.ts';
import { eventsOf } from './event-stream.ts';
import { lowerCase, refusal } from './http.ts';
import { maxMessageBytes, messagesOf } from './messages.ts';
import { Pace } from './pace.ts';

/** Until the stream is there and has said where to write. */
const startMs = 30_000;
const sendMs = 30_000;
const maxReasonBytes = 2000;

/** A server over "HTTP with SSE" (MCP 2024-11-05): all it says comes over one GET, whose first event names where to POST. */
export class SseTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** Why it ended, in words. */
  reason = 'its stream ended';
  readonly #options: { url: string; headers: Readonly<Record<string, string>>; http: HttpClient; clock: Clock };
  readonly #closing = new AbortController();
  #endpoint: string | null = null;

  constructor(options: { url: string; headers: Readonly<Record<string, string>>; http: HttpClient; clock: Clock }) {
    this.#options = options;
  }

  /** Resolves once the server has said where to POST. */
  async start(): Promise<void> {
    const late = setTimeout(() => void this.close(), startMs);
    try {
      await this.#open();
    } finally {
      clearTimeout(late);
    }
  }

  async #open(): Promise<void> {
    const { http, url, headers, clock } = this.#options;
    const { signal } = this.#closing;
    const response = await http.request({
      method: 'GET',
      url,
      headers: { ...lowerCase(headers), accept: 'text/event-stream' },
      signal,
    });
    if (response.status !== 200) {
      await readBody(response, maxReasonBytes).catch(() => undefined);
      throw new Error(refusal(response.status));
    }
    const opened = Promise.withResolvers<void>();
    void this.#hear(eventsOf(response.body, maxMessageBytes, new Pace(clock, signal)), opened.resolve).then(() => {
      opened.reject(new Error('it names no address to write to'));
      return this.close();
    });
    await opened.promise;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { http, headers } = this.#options;
    if (this.#endpoint === null) throw new Error('it is not connected');
    const response = await http.request({
      method: 'POST',
      url: this.#endpoint,
      headers: { ...lowerCase(headers), 'content-type': 'application/json' },
      body: JSON.stringify(message),
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(sendMs)]),
    });
    await readBody(response, maxReasonBytes).catch(() => undefined);
    if (response.status < 200 || response.status >= 300) throw new Error(refusal(response.status));
  }

  close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new Error('closed'));
      this.onclose?.();
    }
    return Promise.resolve();
  }

  async #hear(events: ReturnType<typeof eventsOf>, opened: () => void): Promise<void> {
    try {
      for await (const { type, data } of events) {
        if (type === 'endpoint' && this.#endpoint === null) {
          const endpoint = URL.parse(data, this.#options.url);
          // Elsewhere would be sent our headers.
          if (endpoint === null || endpoint.origin !== new URL(this.#options.url).origin) return;
          this.#endpoint = endpoint.href;
          opened();
        }
        if (type !== 'message') continue;
        for (const message of messagesOf(data) ?? []) this.onmessage?.(message);
      }
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error('unknown error'));
    }
  }
}
