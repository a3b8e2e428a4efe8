/** HTTP as an attacker speaks it: bytes on a socket, and what comes back. */
import { connect, type Socket } from 'node:net';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';

export interface RawAnswer {
  /** Status of each answer, in order. */
  statuses: number[];
  text: string;
  /** True when the server ended the connection. */
  closed: boolean;
}

export interface Endpoint {
  host: string;
  port: number;
}

const defaultWaitMs = 15_000;
const maxKept = 4 * 1024 * 1024;

/** Source address on loopback, so that one client's bad record is not another's; Linux has all of 127/8. */
export const from = (n: number): string => (process.platform === 'linux' ? `127.0.0.${n}` : '127.0.0.1');

export function dial({ host, port }: Endpoint, localAddress?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {});
  });
}

/**
 * Sends bytes and collects the answer until the server closes, `answers` whole answers are there, or the time is up.
 * The server's own patience is what is tested, so an ended time is a result, not an error.
 */
export async function raw(
  endpoint: Endpoint,
  bytes: string | Buffer | (string | Buffer)[],
  options: { waitMs?: number; answers?: number; localAddress?: string } = {},
): Promise<RawAnswer> {
  const socket = await dial(endpoint, options.localAddress);
  let text = '';
  const answer = (closed: boolean): RawAnswer => ({
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    text,
    closed,
  });
  return new Promise((resolve) => {
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer(closed));
    };
    const timer = setTimeout(() => finish(false), options.waitMs ?? defaultWaitMs);
    socket.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('latin1')).slice(-maxKept);
      if (options.answers !== undefined && complete(text) >= options.answers) finish(false);
    });
    socket.once('close', () => finish(true));
    for (const piece of Array.isArray(bytes) ? bytes : [bytes]) if (!socket.destroyed) socket.write(piece);
  });
}

/** Whole answers with a Content-Length in the text. */
function complete(text: string): number {
  let count = 0;
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return count;
    const length = Number(/^content-length: (\d+)/im.exec(rest.slice(0, end))?.[1] ?? 0);
    if (rest.length < end + 4 + length) return count;
    rest = rest.slice(end + 4 + length);
    count++;
  }
}

export interface Asked {
  method?: string;
  path: string;
  token?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  localAddress?: string;
  waitMs?: number;
}

export interface Answered {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
  /** Undefined when the body is no JSON. */
  json: Record<string, unknown> | undefined;
}

/** One well-formed request on a connection of its own. A JSON body type is added when there is a body. */
export function ask({ host, port }: Endpoint, asked: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host,
        port,
        method: asked.method ?? (asked.body === undefined ? 'GET' : 'POST'),
        path: asked.path,
        agent: false,
        timeout: asked.waitMs ?? 30_000,
        ...(asked.localAddress === undefined ? {} : { localAddress: asked.localAddress }),
        headers: {
          ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
          ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...asked.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
        });
      },
    );
    request.once('timeout', () => request.destroy(new Error(`no answer to ${asked.path} in time`)));
    request.once('error', reject);
    request.end(asked.body);
  });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The code of an error body, whatever its shape. */
export const codeOf = ({ json }: Answered): unknown => (json?.['error'] as { code?: unknown } | undefined)?.code;
