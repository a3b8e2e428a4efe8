/** An MCP server over HTTP that does what is asked of it: the old transport, answers of any kind, streams that break. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Rpc {
  id?: number;
  method?: string;
  params?: { protocolVersion?: string; requestId?: number };
}

export interface HttpRogue {
  url: string;
  seen: { method: string; rpc: string | undefined; headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
}

export type Answering = (rpc: Rpc, response: ServerResponse, request: IncomingMessage) => boolean;

const results: Record<string, (rpc: Rpc) => unknown> = {
  initialize: ({ params }) => ({
    protocolVersion: params?.protocolVersion,
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'rogue', version: '1' },
  }),
  'tools/list': () => ({ tools: [{ name: 'work', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'done' }] }),
  ping: () => ({}),
};

export const resultOf = (rpc: Rpc): string =>
  JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result: results[rpc.method ?? '']?.(rpc) ?? {} });

/** `answering` may take a request over (true); all others are answered as JSON, a GET with 405. */
export async function httpRogue(answering: Answering): Promise<HttpRogue> {
  const seen: HttpRogue['seen'] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const rpc = (chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())) as Rpc;
      seen.push({ method: request.method ?? '', rpc: rpc.method, headers: request.headers });
      if (answering(rpc, response, request)) return;
      if (request.method !== 'POST') return void response.writeHead(405).end();
      if (rpc.id === undefined) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(resultOf(rpc));
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
