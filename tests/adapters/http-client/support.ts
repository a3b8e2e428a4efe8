import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo, LookupFunction, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createHttpClient } from '../../../src/adapters/http-client/index.ts';
import type { HttpClientOptions, NodeHttpClient } from '../../../src/adapters/http-client/index.ts';
import { HttpFailure, readBody } from '../../../src/core/ports/http-client.ts';
import type { HttpRequest, HttpResponse } from '../../../src/core/ports/http-client.ts';
import { noMetrics, silentLog } from '../providers/support.ts';

export function client(t: TestContext, options: Partial<HttpClientOptions> = {}): NodeHttpClient {
  const http = createHttpClient({ log: silentLog, metrics: noMetrics, ...options });
  t.after(() => http.close());
  return http;
}

export async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

export const serve = (t: TestContext, listener: RequestListener): Promise<number> =>
  listen(t, http.createServer(listener));
export const never = (): AbortSignal => new AbortController().signal;
export const get = (port: number, signal = never()): HttpRequest => ({
  method: 'GET',
  url: `http://127.0.0.1:${port}/`,
  signal,
});
export const post = (port: number, signal = never()): HttpRequest => ({
  ...get(port, signal),
  method: 'POST',
  body: '{"a":1}',
});
export const bodyText = async (response: HttpResponse): Promise<string> =>
  Buffer.from(await readBody(response, 100_000)).toString('utf8');

export async function failureOf(promise: Promise<unknown>): Promise<HttpFailure> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof HttpFailure, String(error));
    return error;
  }
  return assert.fail('it should have failed');
}

export function assertFailure(failure: HttpFailure, phase: string, accepted: string, code: string): void {
  assert.deepEqual({ phase: failure.phase, accepted: failure.accepted, code: failure.code }, { phase, accepted, code });
}

export const resolveTo =
  (answer: string | Error): LookupFunction =>
  (_name, options, callback) => {
    if (answer instanceof Error) callback(answer, '');
    else if (options.all) callback(null, [{ address: answer, family: 4 }]);
    else callback(null, answer, 4);
  };
