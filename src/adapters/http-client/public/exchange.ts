import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { HttpPhase } from '../../../core/ports/http-client.ts';
import type { PublicMethod } from '../../../core/ports/public-http.ts';
import { addressBytes } from '../../../core/public-address.ts';
import { notPublic, portOf } from '../../../core/public-url.ts';
import { requestFailure } from '../failure.ts';
import { acceptedEncodings } from './decoded-body.ts';
import { areAllPublic, isNeverAsked, resolvePrivate, resolvePublic, type Resolve } from './addresses.ts';

/** One address after the other is tried until one takes the connection. */
export type Connect = (addresses: readonly string[], port: number) => Socket;

export interface ExchangeOptions {
  /** Default: the name servers. */
  resolve?: Resolve;
  /** For hosts that the operator listed. Default: as the system knows them. */
  resolvePrivate?: Resolve;
  /** Opens a connection to one of some addresses that were judged. Default: TCP. */
  connect?: Connect;
  /** PEM certificates of further trusted authorities, beside those of Node. */
  authorities?: string[];
}

/** One request to one URL that was judged. */
export interface Hop {
  method: PublicMethod;
  url: URL;
  private: boolean;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
}

const maxHeaderBytes = 32 * 1024;

/**
 * Resolves with the head of the answer. Names are resolved once, every address is judged, and the connection goes to one
 * of those very addresses: a name that changes its mind in between changes nothing. Connections are not kept, so that
 * none is used by somebody for whom it would not have been opened.
 */
export async function exchange(hop: Hop, options: ExchangeOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const addresses = await addressesOf(hop, options, signal);
  signal.throwIfAborted();
  return send(hop, () => open(hop.url, addresses, options), signal);
}

async function addressesOf(hop: Hop, options: ExchangeOptions, signal: AbortSignal): Promise<string[]> {
  const host = bareHost(hop.url);
  const resolve = hop.private ? (options.resolvePrivate ?? resolvePrivate) : (options.resolve ?? resolvePublic);
  let addresses = [host];
  if (addressBytes(host) === null) {
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      addresses = await Promise.race([resolve(host, signal), aborted.promise]);
    } catch (error) {
      signal.throwIfAborted();
      throw requestFailure(error as Error, 'connect', hop.url.origin);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
  const refused = hop.private ? addresses.length === 0 || addresses.some(isNeverAsked) : !areAllPublic(addresses);
  if (refused) {
    const { code, message } = notPublic(host);
    throw new HttpFailure('connect', 'no', code, message);
  }
  return addresses;
}

const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

function open(url: URL, addresses: readonly string[], { connect = overTcp, authorities }: ExchangeOptions): Socket {
  const socket = connect(addresses, portOf(url));
  if (url.protocol !== 'https:') return socket;
  const host = bareHost(url);
  return tls.connect({
    socket,
    host,
    // An address is no server name (RFC 6066, 3).
    servername: addressBytes(host) === null ? host : '',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    ...(authorities === undefined ? {} : { ca: [...tls.rootCertificates, ...authorities] }),
  });
}

const overTcp: Connect = (addresses, port) => {
  const known = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const [only] = known;
  // A host that is an address is connected to as it is; any other comes by the answer that is given here.
  return net.connect({
    host: known.length === 1 && only !== undefined ? only.address : 'judged.invalid',
    port,
    noDelay: true,
    autoSelectFamily: true,
    lookup: (_name, { all }, done) =>
      all === true ? done(null, known) : done(null, only?.address ?? '', only?.family ?? 4),
  });
};

function send(hop: Hop, connection: () => Socket, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { url, method, headers, body } = hop;
  let phase: HttpPhase = 'connect';
  let socket: Socket;
  let outgoing: http.ClientRequest;
  try {
    outgoing = http.request({
      method,
      path: `${url.pathname}${url.search}`,
      headers: {
        ...headers,
        'accept-encoding': acceptedEncodings,
        host: url.host,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
      maxHeaderSize: maxHeaderBytes,
      createConnection: () => (socket = connection()),
    });
  } catch (error) {
    const message = `The request cannot be sent: ${(error as Error).message}.`;
    return Promise.reject(new HttpFailure('connect', 'no', 'unsendable', message));
  }
  let answer: IncomingMessage | null = null;
  const abort = (): void => {
    const reason = signal.reason as Error;
    reject(reason);
    answer?.destroy(reason);
    outgoing.destroy(reason);
    socket.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  outgoing.on('socket', (socket) => {
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => (phase = 'request'));
  });
  outgoing.on('finish', () => (phase = 'headers'));
  outgoing.on('error', (error) => {
    signal.removeEventListener('abort', abort);
    reject(requestFailure(error, phase, url.origin));
  });
  outgoing.on('response', (message) => {
    answer = message;
    message.on('close', () => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
    });
    resolve(message);
  });
  outgoing.on('upgrade', (_message, upgraded) => {
    upgraded.destroy();
    reject(new HttpFailure('headers', 'maybe', 'bad_upgrade', `${url.origin} switched to another protocol unasked.`));
  });
  outgoing.end(body);
  return promise;
}
