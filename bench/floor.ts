/**
 * The least that a durable gateway can do: the same WebSocket frames and the same provider stream as ours, one insert
 * that is fsynced before the `ack` and one before `run.finished` (group commit in a thread of its own), and nothing
 * else: no sessions, history, idempotency, queue, ledger, events, limits, retries, logs or metrics. What a turn costs
 * here is what the machine and Node cost, so the processor budget is held against it in the same run.
 *
 *   node bench/floor.ts PROVIDER_BASE_URL DIRECTORY
 *
 * Prints its URL in one line when it listens.
 */
import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StringDecoder } from 'node:string_decoder';
import { isMainThread, parentPort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
import { WebSocketServer, type WebSocket } from 'ws';

interface Row {
  id: number;
  session: string;
  role: string;
  text: string;
}

function keepRows(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, session TEXT, role TEXT, text TEXT)');
  db.exec('CREATE INDEX by_session ON messages (session, id)');
  const insert = db.prepare('INSERT INTO messages (session, role, text) VALUES (?, ?, ?)');
  const port = parentPort;
  if (port === null) throw new Error('not a thread');
  port.on('message', (first: Row) => {
    db.exec('BEGIN');
    const kept: number[] = [];
    for (let row: Row | undefined = first; row !== undefined; row = receiveMessageOnPort(port)?.message as Row) {
      insert.run(row.session, row.role, row.text);
      kept.push(row.id);
    }
    db.exec('COMMIT');
    port.postMessage(kept);
  });
}

function serve(baseUrl: string, directory: string): void {
  const worker = new Worker(new URL(import.meta.url), { workerData: join(directory, 'floor.db') });
  const waiting = new Map<number, () => void>();
  let lastId = 0;
  worker.on('message', (kept: number[]) => {
    for (const id of kept) {
      waiting.get(id)?.();
      waiting.delete(id);
    }
  });
  const keep = (session: string, role: string, text: string, then: () => void): void => {
    waiting.set(++lastId, then);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ id: lastId, session, role, text } satisfies Row);
  };

  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  const url = new URL(`${baseUrl}/chat/completions`);
  const turn = (socket: WebSocket, session: string, text: string): void => {
    const send = (type: string, payload: unknown): void => socket.send(JSON.stringify({ type, payload }));
    const body = JSON.stringify({ model: 'mock-1', stream: true, messages: [{ role: 'user', content: text }] });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    let answer = '';
    const hear = (event: string): void => {
      if (event === '[DONE]') return keep(session, 'assistant', answer, () => send('run.finished', { text: answer }));
      const data = JSON.parse(event) as { choices?: { delta?: { content?: string } }[] };
      const delta = data.choices?.[0]?.delta?.content ?? '';
      answer += delta;
      if (delta !== '') send('run.delta', { text: delta });
    };
    const read = (response: IncomingMessage): void => {
      const decoder = new StringDecoder();
      let rest = '';
      response.on('data', (chunk: Buffer) => {
        rest += decoder.write(chunk);
        for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
          hear(rest.slice('data: '.length, end));
          rest = rest.slice(end + 2);
        }
      });
    };
    request(url, { agent, method: 'POST', headers }, read).end(body);
  };

  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
    socket.send('{"type":"hello","payload":{}}');
    socket.on('message', (data: Buffer) => {
      const { payload } = JSON.parse(data.toString('utf8')) as { payload: { text: string; session: string } };
      keep(payload.session, 'user', payload.text, () => {
        socket.send('{"type":"ack","payload":{}}');
        turn(socket, payload.session, payload.text);
      });
    });
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}

const [, , baseUrl, directory] = process.argv;
if (!isMainThread) keepRows(workerData as string);
else if (baseUrl !== undefined && directory !== undefined) serve(baseUrl, directory);
else throw new Error('usage: node bench/floor.ts PROVIDER_BASE_URL DIRECTORY');
