/** WebSocket (RFC 6455) as an attacker speaks it: hand-made frames after a well-made handshake. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { dial, type Endpoint } from './raw.ts';

/** A client frame. `mask: false` and the reserved bits are how a hostile one differs. */
export function clientFrame(
  opcode: number,
  payload: Buffer | string,
  options: { fin?: boolean; mask?: boolean; rsv?: number; length?: bigint } = {},
): Buffer {
  const data = Buffer.from(payload);
  const { fin = true, mask = true, rsv = 0 } = options;
  const declared = options.length ?? BigInt(data.length);
  const head: number[] = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const masked = mask ? 0x80 : 0;
  let size: Buffer;
  if (declared < 126n && options.length === undefined) size = Buffer.from([masked | Number(declared)]);
  else if (declared < 65_536n && options.length === undefined) {
    size = Buffer.alloc(3, masked | 126);
    size.writeUInt16BE(Number(declared), 1);
  } else {
    size = Buffer.alloc(9, masked | 127);
    size.writeBigUInt64BE(declared, 1);
  }
  if (!mask) return Buffer.concat([Buffer.from(head), size, data]);
  const key = randomBytes(4);
  const body = Buffer.from(data.map((byte, i) => byte ^ (key[i % 4] ?? 0)));
  return Buffer.concat([Buffer.from(head), size, key, body]);
}

export interface Conversation {
  /** Of the handshake. */
  status: number;
  /** Parsed text frames. */
  frames: { type: string; id?: string; payload: Record<string, unknown> }[];
  /** Close code the server sent, or null. */
  code: number | null;
  closed: boolean;
}

export interface HandshakeOptions {
  token?: string;
  path?: string;
  headers?: Record<string, string>;
  localAddress?: string;
}

/** The socket right after the handshake was sent; the answer is not read yet. */
export async function handshake(endpoint: Endpoint, options: HandshakeOptions = {}): Promise<Socket> {
  const { token, path = '/ws', localAddress } = options;
  const socket = await dial(endpoint, localAddress);
  const headers: Record<string, string> = {
    Host: `127.0.0.1:${endpoint.port}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...options.headers,
  };
  const lines = Object.entries(headers)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return socket;
}

/**
 * Shakes hands, sends `bytes` once the server agreed, and reads until the server closes, `until` says that enough was
 * heard, or the time is up.
 */
export async function converse(
  endpoint: Endpoint,
  bytes: readonly Buffer[],
  options: HandshakeOptions & { waitMs?: number; until?: (conversation: Conversation) => boolean } = {},
): Promise<Conversation> {
  const socket = await handshake(endpoint, options);
  const conversation: Conversation = { status: 0, frames: [], code: null, closed: false };
  let rest: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(conversation);
    };
    const timer = setTimeout(finish, options.waitMs ?? 15_000);
    socket.once('close', () => {
      conversation.closed = true;
      finish();
    });
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (conversation.status === 0) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        conversation.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(rest.toString('latin1', 0, 16))?.[1]);
        rest = rest.subarray(end + 4);
        if (conversation.status !== 101) return;
        for (const frame of bytes) socket.write(frame);
      }
      if (conversation.status === 101) rest = readFrames(rest, conversation);
      if (conversation.code !== null && socket.writable) socket.end(clientFrame(8, ''));
      if (options.until?.(conversation) === true) finish();
    });
  });
}

/** Takes whole server frames off the front and returns what is left. */
function readFrames(buffer: Buffer, conversation: Conversation): Buffer {
  let at = 0;
  while (buffer.length - at >= 2) {
    const opcode = (buffer[at] ?? 0) & 15;
    let length = (buffer[at + 1] ?? 0) & 127;
    let start = at + 2;
    if (length === 126) {
      if (buffer.length < at + 4) break;
      length = buffer.readUInt16BE(at + 2);
      start = at + 4;
    } else if (length === 127) {
      if (buffer.length < at + 10) break;
      length = Number(buffer.readBigUInt64BE(at + 2));
      start = at + 10;
    }
    if (buffer.length < start + length) break;
    const payload = buffer.subarray(start, start + length);
    if (opcode === 8 && length >= 2) conversation.code = payload.readUInt16BE(0);
    if (opcode === 1) conversation.frames.push(parsed(payload.toString('utf8')));
    at = start + length;
  }
  return buffer.subarray(at);
}

function parsed(text: string): Conversation['frames'][number] {
  try {
    return JSON.parse(text) as Conversation['frames'][number];
  } catch {
    return { type: 'not JSON', payload: {} };
  }
}

export const textFrame = (value: unknown): Buffer =>
  clientFrame(1, typeof value === 'string' ? value : JSON.stringify(value));
