/**
 * Many sessions that talk back to back over WebSocket, each on a socket of its own.
 *
 * Latency is measured one way, by stamps of the machine's monotonic clock that the mock provider writes into its text:
 * `in` is client send → provider has the request, `first` is provider wrote its first delta → client has it, and what
 * the gateway added to the turn is their sum. Delays of the driver's own event loop are in the figures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { monotonicMs, stampsIn } from '../tests/support/mock-openai.ts';

export interface SessionsOptions {
  url: string;
  token: string;
  sessions: number;
  /** How long each session goes on beginning new turns, after its first one has ended. */
  forMs: number;
  /** Sessions begin at random moments inside this time, so that they do not march in step. */
  spreadMs: number;
}

/** All in milliseconds. */
export interface SessionsResult {
  turns: number;
  failed: number;
  elapsedMs: number;
  added: number[];
  delta: number[];
  ack: number[];
}

interface Frame {
  type: string;
  payload?: { text?: string; error?: { code: string } };
}

/** Runs the load to its end. `onWarm` is called when every session has had its first turn; only later turns count. */
export async function runSessions(options: SessionsOptions, onWarm: () => void): Promise<SessionsResult> {
  const result: SessionsResult = { turns: 0, failed: 0, elapsedMs: 0, added: [], delta: [], ack: [] };
  const sockets = await Promise.all(Array.from({ length: options.sessions }, () => openSocket(options)));
  try {
    await Promise.all(
      sockets.map((socket, index) => talk(socket, `bench-${index}`, options.spreadMs, () => false, null)),
    );
    onWarm();
    const begun = monotonicMs();
    const goOn = (): boolean => monotonicMs() - begun < options.forMs;
    await Promise.all(sockets.map((socket, index) => talk(socket, `bench-${index}`, options.spreadMs, goOn, result)));
    result.elapsedMs = monotonicMs() - begun;
  } finally {
    for (const socket of sockets) socket.terminate();
  }
  return result;
}

function openSocket({ url, token }: SessionsOptions): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` } });
    socket.once('message', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Takes turns while `goOn`, at least one. */
async function talk(
  socket: WebSocket,
  session: string,
  spreadMs: number,
  goOn: () => boolean,
  result: SessionsResult | null,
): Promise<void> {
  await sleep(Math.random() * spreadMs);
  do await turn(socket, session, result);
  while (goOn());
}

function turn(socket: WebSocket, session: string, result: SessionsResult | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = monotonicMs();
    let into: number | null = null;
    const onClose = (): void => reject(new Error(`The gateway closed the socket of ${session}.`));
    const end = (): void => {
      socket.off('message', onMessage);
      socket.off('close', onClose);
      resolve();
    };
    const onMessage = (data: Buffer): void => {
      const now = monotonicMs();
      const { type, payload } = JSON.parse(data.toString('utf8')) as Frame;
      if (type === 'ack') result?.ack.push(now - sent);
      if (type === 'run.delta') {
        const { got, wrote } = stampsIn(payload?.text ?? '');
        if (got !== null && wrote !== null && into === null) {
          into = got - sent;
          result?.added.push(into + now - wrote);
        } else if (wrote !== null) result?.delta.push(now - wrote);
      }
      if (type === 'run.finished') {
        if (result !== null) result.turns++;
        end();
      }
      if (type === 'run.failed' || type === 'error') {
        if (result !== null) result.failed++;
        end();
      }
    };
    socket.on('message', onMessage);
    socket.once('close', onClose);
    socket.send(JSON.stringify({ type: 'chat.send', id: session, payload: { text: 'hello', session } }));
  });
}
