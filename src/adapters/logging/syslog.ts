import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Target } from './writer.ts';

/** What a datagram carries safely everywhere (RFC 5426, section 3.2). */
const maxDatagramBytes = 2048;

/** One datagram a line (RFC 5426). A collector that does not listen loses lines, as UDP does. */
export function syslogTarget(host: string, port: number): Target {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.unref();
  socket.on('error', () => {}); // each send reports its own failure
  const send = (line: string): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(Buffer.from(line).subarray(0, maxDatagramBytes), port, host, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  return {
    async write(lines) {
      for (const line of lines.split('\n')) if (line !== '') await send(line);
    },
    writeNow() {
      // A datagram cannot be sent synchronously; what waits at exit is lost, `close` before it sends everything.
    },
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}
