import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { HttpFailure, readBody } from '../../../src/core/ports/http-client.ts';
import { noMetrics } from '../providers/support.ts';
import { expired, valid } from './certificates.ts';
import { assertFailure, bodyText, client, failureOf, get, listen, post, resolveTo, serve } from './support.ts';

describe('a good exchange', () => {
  test('sends the body as it is and asks for no compression', async (t) => {
    const port = await serve(t, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      request.on('end', () => {
        response.setHeader('X-Seen', [
          request.headers['accept-encoding'] ?? '',
          request.headers['content-length'] ?? '',
        ]);
        response.end(body);
      });
    });
    const response = await client(t).request({ ...post(port), body: '{"text":"Grüße"}' });
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-seen'], 'identity, 18');
    assert.equal(await bodyText(response), '{"text":"Grüße"}');
  });

  test('the head of a request, byte for byte', async (t) => {
    const heads: string[] = [];
    const server = net.createServer((socket) =>
      socket.on('data', (chunk) => {
        heads.push(chunk.toString('latin1'));
        socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
      }),
    );
    const port = await listen(t, server);
    const one = client(t);
    const headers = { 'x-key': 'v' };
    const url = `http://127.0.0.1:${port}/a%20b?c=1&d#e`;
    const base = (line: string): string => `${line} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`;
    for (const request of [
      { ...get(port), url, headers },
      { ...get(port), method: 'POST', body: 'ü' },
      { ...get(port), method: 'DELETE' },
    ] as const)
      assert.equal((await one.request(request)).status, 204);
    const rest = 'accept-encoding: identity\r\n';
    const alive = 'connection: keep-alive\r\n\r\n';
    assert.deepEqual(heads, [
      `${base('GET /a%20b?c=1&d')}x-key: v\r\n${rest}${alive}`,
      `${base('POST /')}${rest}content-length: 2\r\n${alive}\xc3\xbc`,
      `${base('DELETE /')}${rest}content-length: 0\r\n${alive}`,
    ]);
  });

  test('a header that was given twice is sent once, in any case of its name, and none says how the message is framed', async (t) => {
    const port = await serve(t, (request, response) => {
      const names = request.rawHeaders.filter((_, place) => place % 2 === 0).map((name) => name.toLowerCase());
      response.setHeader('X-Names', names.toSorted().join());
      response.setHeader('X-Values', `${request.headers.authorization} ${request.headers.host}`);
      request.resume().on('end', () => response.end());
    });
    const headers = {
      authorization: 'Bearer one',
      Authorization: 'Basic two',
      Host: 'other.example',
      'Accept-Encoding': 'gzip',
      'Content-Length': '1',
      'Transfer-Encoding': 'chunked',
      Connection: 'close',
    };
    const { headers: seen } = await client(t).request({ ...post(port), body: 'hello', headers });
    assert.equal(seen['x-names'], 'accept-encoding,authorization,connection,content-length,host');
    assert.equal(seen['x-values'], 'Basic two other.example');
  });

  test('a connection is used again', async (t) => {
    let connections = 0;
    const server = http.createServer((_request, response) => response.end('ok'));
    server.on('connection', () => connections++);
    const port = await listen(t, server);
    const http1 = client(t);
    for (let i = 0; i < 4; i++) {
      await bodyText(await http1.request(post(port)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(connections, 1);
  });

  test('nothing listens to a signal any more that outlives its requests', async (t) => {
    const { signal } = new AbortController();
    const headed = Promise.withResolvers<void>();
    const port = await serve(t, (_request, response) => {
      response.write('o');
      void headed.promise.then(() => response.end('k'));
    });
    const http1 = client(t);
    const { body } = await http1.request(get(port, signal));
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    headed.resolve();
    await readBody({ body }, 100);
    await failureOf(http1.request(get(1, signal)));
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('a redirect is an answer, not a way to go', async (t) => {
    const port = await serve(t, (_request, response) => response.writeHead(302, { location: '/other' }).end());
    const response = await client(t).request(get(port));
    assert.equal(response.status, 302);
    await bodyText(response);
  });

  test('names are looked up by the injected resolver', async (t) => {
    const port = await serve(t, (request, response) => response.end(request.headers.host));
    const response = await client(t, { resolver: resolveTo('127.0.0.1') }).request({
      ...get(port),
      url: `http://model.test:${port}/`,
    });
    assert.equal(await bodyText(response), `model.test:${port}`);
  });
});

describe('what cannot have been accepted', () => {
  test('an unknown name', async (t) => {
    const unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    const failure = await failureOf(
      client(t, { resolver: resolveTo(unknown) }).request({ ...post(1), url: 'http://nowhere.test/' }),
    );
    assertFailure(failure, 'connect', 'no', 'ENOTFOUND');
    assert.match(failure.message, /the name cannot be resolved/);
  });

  test('a refused connection', async (t) => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    assertFailure(await failureOf(client(t).request(post(port))), 'connect', 'no', 'ECONNREFUSED');
  });

  test('an address that is none or has a password in it, and a header that cannot be written', async (t) => {
    const http1 = client(t);
    for (const url of ['ftp://127.0.0.1/', 'nonsense', 'http://me:secret@127.0.0.1/'])
      assertFailure(await failureOf(http1.request({ ...get(1), url })), 'connect', 'no', 'bad_url');
    const failure = await failureOf(http1.request({ ...get(1), headers: { authorization: 'Bearer my-key\n' } }));
    assertFailure(failure, 'connect', 'no', 'unsendable');
    assert.doesNotMatch(failure.message, /my-key/);
  });

  const certificates = [
    ['an expired certificate', expired, [expired.cert], 'localhost', 'CERT_HAS_EXPIRED', /has expired/],
    [
      'a certificate for another name',
      valid,
      [valid.cert],
      'other.test',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /another name/,
    ],
    ['a self-signed certificate', valid, undefined, 'localhost', 'DEPTH_ZERO_SELF_SIGNED_CERT', /self-signed/],
  ] as const;
  for (const [title, pair, authorities, name, code, reason] of certificates) {
    test(title, async (t) => {
      let seen = 0;
      const port = await listen(
        t,
        https.createServer(pair, () => {
          seen++;
        }),
      );
      const http1 = client(t, {
        resolver: resolveTo('127.0.0.1'),
        ...(authorities === undefined ? {} : { authorities: [...authorities] }),
      });
      const failure = await failureOf(http1.request({ ...post(port), url: `https://${name}:${port}/` }));
      assertFailure(failure, 'connect', 'no', code);
      assert.match(failure.message, reason);
      assert.equal(seen, 0);
    });
  }

  test('TLS with an authority that is trusted works', async (t) => {
    const port = await listen(
      t,
      https.createServer(valid, (_request, response) => response.end('private')),
    );
    const http1 = client(t, { resolver: resolveTo('127.0.0.1'), authorities: [valid.cert] });
    assert.equal(await bodyText(await http1.request({ ...get(port), url: `https://localhost:${port}/` })), 'private');
  });

  test('a port that does not speak TLS', async (t) => {
    const port = await serve(t, (_request, response) => response.end());
    const failure = await failureOf(client(t).request({ ...post(port), url: `https://127.0.0.1:${port}/` }));
    assert.deepEqual([failure.phase, failure.accepted], ['connect', 'no']);
    assert.match(failure.message, /does not speak TLS/);
  });

  test('an abort while the name is looked up, and while the pool is asked', async (t) => {
    const asked = Promise.withResolvers<void>();
    const abort = new AbortController();
    const http1 = client(t, { resolver: () => asked.resolve() });
    const failed = failureOf(http1.request({ ...post(1, abort.signal), url: 'http://slow.test/' }));
    await asked.promise;
    abort.abort();
    assertFailure(await failed, 'connect', 'no', 'aborted');
    assertFailure(await failureOf(http1.request(post(1, AbortSignal.abort()))), 'connect', 'no', 'aborted');
  });
});

describe('what may have been accepted', () => {
  test('a reset after the request was read', async (t) => {
    const port = await serve(t, (request) => request.socket.resetAndDestroy());
    assertFailure(await failureOf(client(t).request(post(port))), 'headers', 'maybe', 'ECONNRESET');
  });

  test('a reset of a pooled connection before any answer', async (t) => {
    let requests = 0;
    const port = await serve(t, (request, response) => {
      if (++requests === 1) response.end('ok');
      else request.socket.resetAndDestroy();
    });
    const http1 = client(t);
    await bodyText(await http1.request(post(port)));
    await new Promise((resolve) => setImmediate(resolve));
    const failure = await failureOf(http1.request(post(port)));
    assert.equal(failure.accepted, 'maybe');
    assert.equal(requests, 2, 'and it is not sent again');
  });

  test('an abort before the headers', async (t) => {
    const abort = new AbortController();
    const gone = Promise.withResolvers<void>();
    const port = await serve(t, (request) => {
      request.socket.on('close', () => gone.resolve());
      abort.abort();
    });
    assertFailure(await failureOf(client(t).request(post(port, abort.signal))), 'headers', 'maybe', 'aborted');
    await gone.promise;
  });

  test('an abort while a large request is still being written', async (t) => {
    const server = net.createServer((socket) => {
      socket.pause();
      abort.abort();
    });
    const abort = new AbortController();
    const port = await listen(t, server);
    const failure = await failureOf(
      client(t).request({ ...post(port, abort.signal), body: new Uint8Array(50_000_000) }),
    );
    assert.equal(failure.code, 'aborted');
    assert.notEqual(failure.phase, 'headers');
  });

  test('a reset while a large request is still being written', async (t) => {
    const server = net.createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const port = await listen(t, server);
    const failure = await failureOf(client(t).request({ ...post(port), body: new Uint8Array(50_000_000) }));
    assert.deepEqual([failure.phase, failure.accepted], ['request', 'maybe']);
  });

  test('headers without end', async (t) => {
    const port = await serve(t, (_request, response) =>
      response.writeHead(200, { 'x-long': 'x'.repeat(40_000) }).end(),
    );
    assertFailure(await failureOf(client(t).request(post(port))), 'headers', 'maybe', 'HPE_HEADER_OVERFLOW');
  });

  test('a switch to another protocol that nobody asked for', async (t) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const server = net.createServer((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n'),
      );
      socket.once('close', () => resolve());
    });
    const port = await listen(t, server);
    assertFailure(await failureOf(client(t).request(post(port))), 'headers', 'maybe', 'bad_upgrade');
    await closed;
  });

  test('something that is not HTTP', async (t) => {
    const port = await listen(
      t,
      net.createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')),
    );
    const failure = await failureOf(client(t).request(post(port)));
    assert.match(failure.code, /^HPE_/);
    assert.match(failure.message, /not valid HTTP/);
  });

  test('a compressed answer that nobody asked for', async (t) => {
    const port = await serve(t, (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    );
    assertFailure(await failureOf(client(t).request(get(port))), 'headers', 'maybe', 'encoded');
  });

  test('a coding that is none does no harm', async (t) => {
    for (const coding of ['', 'Identity', 'utf-8', 'none']) {
      const port = await serve(t, (_request, response) =>
        response.writeHead(200, { 'content-encoding': coding }).end('x'),
      );
      assert.equal(await bodyText(await client(t).request(get(port))), 'x');
    }
  });

  test('a compressed refusal, whose status and headers are told all the same', async (t) => {
    const port = await serve(t, (_request, response) =>
      response.writeHead(429, { 'content-encoding': 'gzip', 'retry-after': '90' }).end('x'),
    );
    const refusal = await client(t).request(get(port));
    assert.deepEqual([refusal.status, refusal.headers['retry-after']], [429, '90']);
    await assert.rejects(readBody(refusal, 100), HttpFailure);
  });
});

describe('bounds and figures', () => {
  test('past the sockets of one origin a request waits, and was accepted by nobody', async (t) => {
    const limit = 256;
    const full = Promise.withResolvers<void>();
    let requests = 0;
    const port = await serve(t, () => {
      if (++requests === limit) full.resolve();
    });
    const http1 = client(t);
    const all = new AbortController();
    const waiting = Array.from({ length: limit }, () => failureOf(http1.request(post(port, all.signal))));
    await full.promise;
    const late = new AbortController();
    const failed = failureOf(http1.request(post(port, late.signal)));
    setImmediate(() => late.abort());
    assertFailure(await failed, 'connect', 'no', 'aborted');
    all.abort();
    for (const failure of await Promise.all(waiting)) assert.equal(failure.accepted, 'maybe');
    assert.equal(requests, limit);
  });

  test('every outcome is counted', async (t) => {
    const outcomes: string[] = [];
    const metrics = {
      ...noMetrics,
      counter: (name: string) => ({
        add: (_value?: number, labels?: Record<string, string>) => outcomes.push(`${name} ${labels?.['outcome']}`),
      }),
    };
    const port = await serve(t, (_request, response) => response.writeHead(503).end());
    const http1 = client(t, { metrics });
    await bodyText(await http1.request(get(port)));
    await failureOf(http1.request({ ...get(port), url: 'nonsense' }));
    await failureOf(http1.request(get(port, AbortSignal.abort())));
    assert.deepEqual(
      outcomes,
      ['5xx', 'failed_connect', 'aborted'].map((outcome) => `http_client_requests_total ${outcome}`),
    );
  });
});
