/** One mail handed to the mail server: one connection, one transaction, one result. */
import { once } from 'node:events';
import net from 'node:net';
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Secret } from '../../../core/secret.ts';
import type { Endpoint } from './endpoint.ts';

const greetingTimeoutMs = 15_000;
const socketTimeoutMs = 30_000;
const closeTimeoutMs = 1000;

export interface SmtpSettings {
  endpoint: Endpoint;
  user: string;
  password: Secret;
}

export interface Envelope {
  from: string;
  to: string;
}

/** How far a transaction came. From `data` on the server may have taken the mail, whatever we heard of it. */
export type SmtpPhase = 'connect' | 'login' | 'envelope' | 'data';

export type SmtpResult =
  | { ok: true }
  | {
      ok: false;
      phase: SmtpPhase;
      /** The server's answer, such as 550; null when there was none. */
      status: number | null;
      /** The library's or the system's code, such as ETLS or ECONNREFUSED. */
      code: string;
      /** In the server's or the system's words. */
      detail: string;
    };

interface LibraryError extends Error {
  code?: string;
  originalCode?: string;
  response?: string;
  responseCode?: number;
}

/** Never throws; when the signal aborts, the result says how far it came. */
export async function handIn(
  { endpoint, user, password }: SmtpSettings,
  envelope: Envelope,
  mail: Uint8Array,
  signal: AbortSignal,
): Promise<SmtpResult> {
  let phase: SmtpPhase = 'connect';
  let connection: SMTPConnection | null = null;
  const socket = net.connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
  // The library listens from the moment it has the socket; an error before must not be thrown at the process.
  socket.on('error', () => undefined);
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(Object.assign(new Error('it took too long'), { code: 'ABORTED' }));
  signal.addEventListener('abort', abort, { once: true });
  aborted.promise.catch(() => undefined);
  if (signal.aborted) abort();
  const step = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, aborted.promise]);
  try {
    await step(once(socket, 'connect'));
    connection = new SMTPConnection({
      host: endpoint.host,
      port: endpoint.port,
      secure: endpoint.tls === 'implicit',
      requireTLS: endpoint.tls === 'starttls',
      ignoreTLS: endpoint.tls === 'none',
      connection: socket,
      greetingTimeout: greetingTimeoutMs,
      socketTimeout: socketTimeoutMs,
      socketCloseTimeout: closeTimeoutMs,
      name: 'localhost',
    });
    const smtp = connection;
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => undefined);
    smtp.on('error', (error: Error) => broken.reject(error));
    const call = (begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
      step(
        Promise.race([
          broken.promise,
          new Promise<void>((resolve, reject) => begin((error) => (error ? reject(error) : resolve()))),
        ]),
      );
    await call((done) => smtp.connect(done));
    phase = 'login';
    // A relay on this machine may ask for no password at all.
    if (smtp.allowsAuth) await call((done) => smtp.login({ user, pass: password.reveal() }, done));
    phase = 'envelope';
    const body = new Readable({
      // Read from once the server has asked for the mail, not before.
      read() {
        phase = 'data';
        this.push(mail);
        this.push(null);
      },
    });
    await call((done) => smtp.send({ ...envelope, size: mail.length }, body, (error) => done(error)));
    smtp.quit();
    return { ok: true };
  } catch (error) {
    connection?.close();
    socket.destroy();
    const { code = '', originalCode, response, responseCode, message } = error as LibraryError;
    return {
      ok: false,
      phase,
      status: typeof responseCode === 'number' ? responseCode : null,
      code: originalCode ?? code,
      detail: (response ?? message).replaceAll(/\s+/g, ' ').slice(0, 300),
    };
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
