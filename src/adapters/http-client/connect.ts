import net from 'node:net';
import type { LookupFunction } from 'node:net';
import { Connection } from './connection.ts';
import type { Pool } from './pool.ts';

/** The most that is read at once. */
const readBytes = 64 * 1024;
/** Sessions of TLS that are kept to be taken up again, one for each origin. */
const maxTlsSessions = 64;
/** A peer that is gone without a word is noticed on connections that are kept, too. */
const common = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 } as const;

export interface ConnectOptions {
  /** Resolves names in place of the system's resolver; for tests and for guarded look-ups. */
  resolver?: LookupFunction;
  /** PEM certificates of the trusted authorities, in place of those of Node; for tests. */
  authorities?: string[];
}

/** Opens connections, and hands them what their sockets read. */
export class Connector {
  readonly #options: ConnectOptions;
  /** One for all: what came is copied at once. Node's own would be 64 KiB for each read of each socket. */
  readonly #place = Buffer.allocUnsafeSlow(readBytes);
  readonly #sessions = new Map<string, Buffer>();

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  connect(url: URL, pool: Pool): Connection {
    return url.protocol === 'https:' ? this.#overTls(url, pool) : this.#overTcp(url, pool);
  }

  #overTcp({ hostname, port, origin }: URL, pool: Pool): Connection {
    const place = this.#place;
    const callback = (size: number): boolean => {
      const came = Buffer.allocUnsafe(size);
      place.copy(came, 0, 0, size);
      connection.push(came);
      return true;
    };
    const onread = { buffer: place, callback };
    const socket = net.connect({ ...this.#way(hostname), port: Number(port || 80), onread });
    const connection = new Connection(origin, socket, 'connect', pool);
    return connection;
  }

  #overTls({ hostname, port, origin }: URL, pool: Pool): Connection {
    // Loaded with the first address that wants it.
    const tls = process.getBuiltinModule('node:tls');
    const { authorities } = this.#options;
    const way = this.#way(hostname);
    const session = this.#sessions.get(origin);
    const socket = tls.connect({
      ...way,
      port: Number(port || 443),
      // An address is no name that a server could be asked by (RFC 6066, section 3).
      servername: net.isIP(way.host) === 0 ? way.host : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      ...(session === undefined ? {} : { session }),
      ...(authorities === undefined ? {} : { ca: authorities }),
    });
    const connection = new Connection(origin, socket, 'secureConnect', pool);
    // A server may fail over a session that it cannot take up, and would each time.
    socket.on('error', () => this.#sessions.delete(origin));
    socket.on('session', (fresh: Buffer) => this.#keep(origin, fresh));
    socket.on('data', (came: Buffer) => connection.push(came));
    return connection;
  }

  #way(hostname: string): { host: string; lookup?: LookupFunction } & typeof common {
    const { resolver } = this.#options;
    const host = hostname.replace(/^\[|\]$/g, '');
    return { ...common, host, ...(resolver === undefined ? {} : { lookup: resolver }) };
  }

  #keep(origin: string, session: Buffer): void {
    this.#sessions.delete(origin);
    this.#sessions.set(origin, session);
    if (this.#sessions.size > maxTlsSessions) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
  }
}
