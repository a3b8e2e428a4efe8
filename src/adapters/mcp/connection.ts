/** The only file that loads the protocol's library; imported when the first server is started. */
import { Client, type Transport } from '@modelcontextprotocol/client';
import * as z from 'zod/mini';
import type { JsonObject } from '../../core/message.ts';
import type { CallResult } from './result.ts';

/** However a server lists its tools, no more is read. */
const maxPages = 20;
const maxListed = 1000;

const listResult = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.optional(z.string()) });
const callResult = z.looseObject({
  content: z.optional(z.unknown()),
  structuredContent: z.optional(z.unknown()),
  isError: z.optional(z.unknown()),
});

export interface ConnectOptions {
  version: string;
  /** Milliseconds for the handshake. */
  timeoutMs: number;
  signal: AbortSignal;
  /** The connection is over: nothing can be asked of it any more. */
  onClose: () => void;
  onToolsChanged: () => void;
  /** Something odd came that nobody waits for. */
  onOdd: (error: Error) => void;
}

/** A server that has introduced itself. Everything rejects once the connection is over. */
export interface Connection {
  /** What it says of its tools, as it is. */
  list(timeoutMs: number): Promise<unknown[]>;
  /** When the signal aborts, or the time is up, the server is told that the answer is not needed any more. */
  call(name: string, args: JsonObject, limits: { signal: AbortSignal; timeoutMs: number }): Promise<CallResult>;
  ping(timeoutMs: number): Promise<void>;
}

/**
 * Speaks the revisions from 2024-10-07 to 2025-11-25. Offers the server nothing: no sampling, no roots, no elicitation,
 * so the library answers requests of that kind with "method not found". The schemas of results are left to us, as a
 * validator compiles what a server sends.
 */
export async function connect(transport: Transport, options: ConnectOptions): Promise<Connection> {
  const client = new Client(
    { name: 'open-clanker', version: options.version },
    {
      jsonSchemaValidator: {
        getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
      },
    },
  );
  Object.assign(client, { onclose: options.onClose, onerror: options.onOdd });
  client.setNotificationHandler('notifications/tools/list_changed', options.onToolsChanged);
  await client.connect(transport, { timeout: options.timeoutMs, signal: options.signal });

  return {
    async list(timeout) {
      if (client.getServerCapabilities()?.tools === undefined) return [];
      const tools: unknown[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < maxPages && tools.length < maxListed; page++) {
        const params = cursor === undefined ? {} : { cursor };
        const listed = await client.request({ method: 'tools/list', params }, listResult, { timeout });
        tools.push(...listed.tools.slice(0, maxListed - tools.length));
        cursor = listed.nextCursor;
        if (cursor === undefined) break;
      }
      return tools;
    },
    call: (name, args, { signal, timeoutMs: timeout }) =>
      client.request({ method: 'tools/call', params: { name, arguments: args } }, callResult, { timeout, signal }),
    async ping(timeout) {
      await client.ping({ timeout });
    },
  };
}
