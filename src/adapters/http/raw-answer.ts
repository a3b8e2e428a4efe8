import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers on a socket that has no response object (a malformed request, a refused upgrade) and ends it. */
export function rawAnswer(
  socket: Duplex,
  status: number,
  code: string,
  message: string,
  requestId: string,
  headers: Record<string, string> = {},
): void {
  socket.on('error', () => {});
  if (!socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ error: { code, message, request_id: requestId } });
  const lines = Object.entries({
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': requestId,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...(status === 429 || status === 503 ? { 'Retry-After': '1' } : {}),
    ...headers,
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`, () => {
    // A peer that neither reads nor closes does not keep the socket.
    const timer = setTimeout(() => socket.destroy(), 1000).unref();
    socket.once('close', () => clearTimeout(timer));
  });
  socket.resume();
}
