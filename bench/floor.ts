/**
 * The least that a durable chat gateway can do: the same WebSocket frames and the same provider stream as ours, with the
 * end of the conversation; one insert that is fsynced before the `ack` and one before `run.finished` (group commit in a
 * thread of its own); and nothing else: no idempotency, queue, ledger, events, limits, retries, logs or metrics. What a
 * turn costs here is what the machine and Node cost, so the processor budget is held against it in the same run.
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

/** As the gateway sent from which the factor of the budget was taken. */
const historyMessages = 20;

interface Kept {
  id: number;
  /** With a message of the user: the conversation up to it. */
  history: Message[];
}

type Message = Pick<Row, 'role'> & { content: string };

function keepRows(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, session TEXT, role TEXT, text TEXT)');
  db.exec('CREATE INDEX by_session ON messages (session, id)');
  const insert = db.prepare('INSERT INTO messages (session, role, text) VALUES (?, ?, ?)');
  const newest = db.prepare(
    `SELECT role, text AS content FROM messages WHERE session = ? ORDER BY id DESC LIMIT ${historyMessages}`,
  );
  const port = parentPort;
  if (port === null) throw new Error('not a thread');
  port.on('message', (first: Row) => {
    db.exec('BEGIN');
    const kept: Kept[] = [];
    for (let row: Row | undefined = first; row !== undefined; row = receiveMessageOnPort(port)?.message as Row) {
      insert.run(row.session, row.role, row.text);
      const history = row.role === 'user' ? newest.all(row.session).reverse() : [];
      kept.push({ id: row.id, history: history as unknown as Message[] });
    }
    db.exec('COMMIT');
    port.postMessage(kept);
  });
}

function serve(baseUrl: string, directory: string): void {
  const worker = new Worker(new URL(import.meta.url), { workerData: join(directory, 'floor.db') });
  const waiting = new Map<number, (history: Message[]) => void>();
  let lastId = 0;
  worker.on('message', (kept: Kept[]) => {
    for (const { id, history } of kept) {
      waiting.get(id)?.(history);
      waiting.delete(id);
    }
  });
  const keep = (session: string, role: string, text: string, then: (history: Message[]) => void): void => {
    waiting.set(++lastId, then);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ id: lastId, session, role, text } satisfies Row);
  };

  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  const url = new URL(`${baseUrl}/chat/completions`);
  const turn = (socket: WebSocket, session: string, messages: Message[]): void => {
    const send = (type: string, payload: unknown): void => socket.send(JSON.stringify({ type, payload }));
    const body = JSON.stringify({ model: 'mock-1', stream: true, messages });
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
      keep(payload.session, 'user', payload.text, (history) => {
        socket.send('{"type":"ack","payload":{}}');
        turn(socket, payload.session, history);
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
