/** What a server may do to a connection between answers, and around them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { constants } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import tls from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { createHttpClient } from '../../../src/adapters/http-client/index.ts';
import { readBody } from '../../../src/core/ports/http-client.ts';
import type { HttpClient, HttpResponse } from '../../../src/core/ports/http-client.ts';
import { noMetrics, silentLog } from '../providers/support.ts';
import { valid } from './certificates.ts';
import { never } from './support.ts';

interface Rig {
  client: HttpClient;
  url: string;
  /** In the order in which they were opened. */
  sockets: Socket[];
}

async function rig(t: TestContext, server: Server, scheme = 'http'): Promise<Rig> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createHttpClient({ log: silentLog, metrics: noMetrics, authorities: [valid.cert] });
  t.after(() => {
    client.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { client, sockets, url: `${scheme}://localhost:${(server.address() as AddressInfo).port}/` };
}

/** Answers each request, which must come in one piece, with the next of these. */
const saying = (...answers: string[]): Server =>
  net.createServer((socket) => socket.on('data', () => socket.write(answers.shift() ?? '', 'latin1')));

const closing = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const ask = ({ client, url }: Rig, body?: string | Uint8Array): Promise<HttpResponse> =>
  client.request({ method: 'POST', url, signal: never(), ...(body === undefined ? {} : { body }) });
const text = async (response: HttpResponse): Promise<string> =>
  Buffer.from(await readBody(response, 1e8)).toString('latin1');

test('a connection that its server closed while it was idle is not used', async (t) => {
  const here = await rig(t, saying(ok, ok));
  assert.equal(await text(await ask(here)), 'ok');
  const [first] = here.sockets;
  first?.end();
  await once(first as Socket, 'close');
  assert.equal(await text(await ask(here)), 'ok');
  assert.equal(here.sockets.length, 2);
});

test('words that nobody asked for end the connection, and are no answer to what is asked next', async (t) => {
  const here = await rig(t, saying(ok, ok));
  assert.equal(await text(await ask(here)), 'ok');
  const [first] = here.sockets;
  first?.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n');
  await once(first as Socket, 'close');
  assert.equal((await ask(here)).status, 200);
});

test('what follows an answer at once is not the next answer', async (t) => {
  const here = await rig(t, saying(`${ok}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`, ok));
  assert.equal(await text(await ask(here)), 'ok');
  assert.equal(await text(await ask(here)), 'ok');
  assert.equal(here.sockets.length, 2);
});

for (const [title, head] of [
  ['that says it closes', 'connection: close\r\n'],
  ['that keeps connections for a second only', 'keep-alive: timeout=1, max=9\r\n'],
])
  test(`a server ${title} is asked over another one`, async (t) => {
    const answer = `HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\nok`;
    const here = await rig(t, saying(answer, answer));
    for (let n = 1; n <= 2; n++) {
      assert.equal(await text(await ask(here)), 'ok');
      assert.equal(here.sockets.length, n);
    }
  });

test('hints before an answer are passed over', async (t) => {
  const here = await rig(t, saying(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n${ok}`));
  const response = await ask(here);
  assert.deepEqual([response.status, response.headers['link']], [200, undefined]);
});

test('hints without end are an error', async (t) => {
  const here = await rig(t, saying('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40)));
  await assert.rejects(ask(here), { name: 'HttpFailure', phase: 'headers', code: 'HPE_HEADER_OVERFLOW' });
});

/** As many requests at once as one origin may be asked; the server answers none, and tells of what it hears then. */
async function full(t: TestContext, told: (socket: Socket) => void): Promise<Rig & { heads: HttpResponse[] }> {
  const most = 256;
  let heard = 0;
  const all = Promise.withResolvers<void>();
  const server = net.createServer((socket) =>
    socket.on('data', () => {
      if (++heard > most) return told(socket);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no');
      if (heard === most) all.resolve();
    }),
  );
  const here = await rig(t, server);
  const heads = await Promise.all(Array.from({ length: most }, () => ask(here)));
  await all.promise;
  return { ...here, heads };
}

test('who waited for a connection that ends as it is handed over is sent on another one', async (t) => {
  const here = await full(t, (socket) => socket.write(ok));
  const waiting = ask(here);
  here.sockets[0]?.write('k and more');
  assert.equal(await text(await waiting), 'ok');
});

test('who waited for a connection and leaves as it is handed over sends nothing', async (t) => {
  let asked = 0;
  const here = await full(t, () => asked++);
  const leaves = new AbortController();
  const waiting = here.client.request({ method: 'POST', url: here.url, signal: leaves.signal });
  const take = (piece: Uint8Array): boolean => {
    // Between this callback of a socket and the promises that it settles.
    if (Buffer.from(piece).toString() === 'k') process.nextTick(() => leaves.abort());
    return true;
  };
  const readings = here.heads.map(({ body }) => body.read(take));
  here.sockets[0]?.write('k');
  await assert.rejects(waiting, { code: 'aborted', phase: 'connect', accepted: 'no' });
  await Promise.race(readings);
  for (const { body } of here.heads) body.close();
  await Promise.allSettled(readings);
  assert.equal(asked, 0);
});

test('an answer that comes before its request was sent is one, and the rest of the request nobody reads', async (t) => {
  const server = net.createServer((socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno');
    });
  });
  const here = await rig(t, server);
  const response = await ask(here, new Uint8Array(50_000_000));
  assert.equal(response.status, 413);
  assert.equal(await text(response), 'no');
  assert.equal((await ask(here)).status, 413);
  assert.equal(here.sockets.length, 2);
});

test('a sender is slowed down by who does not read, and nothing is lost', async (t) => {
  const piece = 'x'.repeat(65_536);
  const pieces = 400;
  let written = 0;
  const stuck = Promise.withResolvers<void>();
  const server = http.createServer((_request, response) => {
    const next = (): void => {
      if (written === pieces) return void response.end();
      written++;
      if (response.write(piece)) return void setImmediate(next);
      stuck.resolve();
      response.once('drain', next);
    };
    next();
  });
  const here = await rig(t, server);
  const response = await ask(here);
  await stuck.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(written < pieces, 'it waits until somebody reads');
  assert.equal((await text(response)).length, piece.length * pieces);
});

for (const scheme of ['http', 'https'])
  test(`an answer that waited for its reader when it ended does not hold up the next one (${scheme})`, async (t) => {
    const came = Promise.withResolvers<void>();
    const answer: http.RequestListener = (request, response) => {
      response.end(request.url === '/large' ? 'x'.repeat(100_000) : 'ok');
      response.on('close', () => came.resolve());
    };
    const here = await rig(
      t,
      scheme === 'http' ? http.createServer(answer) : https.createServer(valid, answer),
      scheme,
    );
    const large = await ask({ ...here, url: `${here.url}large` });
    await came.promise;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await text(large)).length, 100_000);
    assert.equal(await text(await ask(here)), 'ok');
  });

test('a session of TLS is taken up again', async (t) => {
  const resumed: boolean[] = [];
  const server = https.createServer(valid, (_request, response) => response.setHeader('connection', 'close').end('ok'));
  server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
  const here = await rig(t, server, 'https');
  for (let n = 0; n < 2; n++) {
    assert.equal(await text(await ask(here)), 'ok');
    await once(here.sockets[n] as Socket, 'close');
  }
  assert.deepEqual(resumed, [false, true]);
});

test('a session of TLS over which its server fails is not shown to it again', async (t) => {
  const known = new Set<string>();
  const server = tls.createServer({ ...valid, maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET });
  server.on('secureConnection', (socket) => socket.on('data', () => socket.end(`${closing}ok`)));
  server.on('newSession', (id: Buffer, _data: Buffer, done: () => void) => {
    known.add(id.toString('hex'));
    done();
  });
  server.on('resumeSession', (id: Buffer, done: (error: Error | null, data: null) => void) =>
    done(known.has(id.toString('hex')) ? new Error('not today') : null, null),
  );
  const here = await rig(t, server, 'https');
  assert.equal(await text(await ask(here)), 'ok');
  await assert.rejects(ask(here), { phase: 'connect', accepted: 'no' });
  assert.equal(await text(await ask(here)), 'ok');
});

test('IPv6 is asked at its address', async (t) => {
  const server = saying(ok).listen(0, '::1');
  await once(server, 'listening');
  const client = createHttpClient({ log: silentLog, metrics: noMetrics });
  t.after(() => {
    client.close();
    server.close();
  });
  const url = `http://[::1]:${(server.address() as AddressInfo).port}/`;
  assert.equal(await text(await client.request({ method: 'GET', url, signal: never() })), 'ok');
});
