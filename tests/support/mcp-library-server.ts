/** A server made with the official library: run as a program it speaks over stdio, `serveMcp` opens it over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

/** A picture of one pixel. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function libraryServer(): McpServer {
  const server = new McpServer({ name: 'library', version: '1.0.0' });
  server.registerTool(
    'add',
    {
      description: 'Adds.',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      annotations: { readOnlyHint: true },
    },
    ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
  );
  server.registerTool('picture', { description: 'A picture.' }, () => ({
    content: [
      { type: 'text', text: 'look:' },
      { type: 'image', data: pixel, mimeType: 'image/png' },
    ],
  }));
  server.registerTool('weather', { outputSchema: z.object({ degrees: z.number() }) }, () => ({
    content: [],
    structuredContent: { degrees: 21 },
  }));
  server.registerTool('fails', {}, () => ({ content: [{ type: 'text', text: 'no such city' }], isError: true }));
  server.registerTool('environment', {}, () => ({
    content: [{ type: 'text', text: JSON.stringify(Object.keys(process.env).toSorted()) }],
  }));
  server.registerTool('grow', { description: 'One more tool from now on.' }, () => {
    server.registerTool('grown', {}, () => ({ content: [] }));
    return { content: [] };
  });
  return server;
}

export interface HttpMcp {
  url: string;
  /** `METHOD status` of every request. */
  requests: string[];
  /** Forgets every session, as after a restart. */
  forget(): void;
  close(): Promise<void>;
}

/** With sessions, as the library serves them; `token`: asked for in `Authorization`. */
export async function serveMcp(options: { token?: string; port?: number } = {}): Promise<HttpMcp> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const requests: string[] = [];
  const handle = async (request: Request): Promise<Response> => {
    if (options.token !== undefined && request.headers.get('authorization') !== `Bearer ${options.token}`)
      return new Response('no', { status: 401 });
    const known = sessions.get(request.headers.get('mcp-session-id') ?? '');
    if (known !== undefined) return known.handleRequest(request);
    if (request.headers.has('mcp-session-id')) return new Response('gone', { status: 404 });
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await libraryServer().connect(transport);
    return transport.handleRequest(request);
  };
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Uint8Array);
      const gone = new AbortController();
      outgoing.once('close', () => gone.abort());
      const answer = await handle(
        new Request(`http://${incoming.headers.host}${incoming.url}`, {
          method: incoming.method ?? 'GET',
          headers: incoming.headers as Record<string, string>,
          signal: gone.signal,
          ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
        }),
      );
      requests.push(`${incoming.method} ${answer.status}`);
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
      outgoing.flushHeaders();
      const body = answer.body?.getReader();
      outgoing.once('close', () => void body?.cancel().catch(() => undefined));
      for (let next = await body?.read(); next?.done === false; next = await body?.read()) outgoing.write(next.value);
      outgoing.end();
    })().catch(() => outgoing.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    forget: () => sessions.clear(),
    async close() {
      for (const transport of sessions.values()) await transport.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (import.meta.main) await libraryServer().connect(new StdioServerTransport());
