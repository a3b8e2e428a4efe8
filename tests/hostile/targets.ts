import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocketServer } from 'ws';
import { startDaemon } from '../support/daemon.ts';
import { openDoor } from '../support/door.ts';
import { ask } from '../support/raw.ts';
import { tokens } from '../support/scripted-tokens.ts';
import type { Target } from './case.ts';

/** The server over a scripted gateway, in this process. */
export async function startDoor(): Promise<Target> {
  const door = await openDoor();
  return targetOf({ host: '127.0.0.1', port: door.port }, tokens.admin, () => door.stop());
}

/** The built daemon as its users run it, with the demo model and a data directory of its own. */
export async function startBuilt(): Promise<Target> {
  const dir = mkdtempSync(path.join(tmpdir(), 'open-clanker-hostile-'));
  const daemon = await startDaemon({ dir });
  return targetOf({ host: '127.0.0.1', port: daemon.port }, daemon.token(), async () => {
    await daemon.stop();
    rmSync(dir, { recursive: true, force: true });
  });
}

/** A target from an address and its operator token; further tokens are made through its own routes. */
async function targetOf(
  endpoint: { host: string; port: number },
  admin: string,
  stop: () => Promise<void>,
): Promise<Target> {
  const make = async (scope: string): Promise<string> => {
    const body = JSON.stringify({ name: `hostile-${scope}`, scopes: [scope] });
    const made = await ask(endpoint, { path: '/api/v1/tokens', token: admin, body });
    if (made.status !== 201) throw new Error(`no token for the hostile cases: ${made.status} ${made.text}`);
    return (made.json as { token: string }).token;
  };
  return { ...endpoint, tokens: { admin, send: await make('send'), read: await make('read') }, stop };
}

/** What Node and ws do by themselves: shows that the cases bite. */
export async function startBare(): Promise<Target> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      try {
        JSON.parse(Buffer.concat(chunks).toString() || '{}');
        response.end('{"ok":true}');
      } catch {
        response.writeHead(400).end('{"error":"bad request"}');
      }
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => socket.send(data.toString('utf8').slice(0, 100)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    tokens: {
      admin: 'admin-token-of-a-bare-server',
      send: 'send-token-of-a-bare-server',
      read: 'read-token-of-a-bare-server',
    },
    async stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
