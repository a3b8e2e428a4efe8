/** What hostile and broken answers may cost (row S-31), and how redirects are followed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { ServerResponse } from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import zlib from 'node:zlib';
import { HttpFailure, readBody } from '../../../src/core/ports/http-client.ts';
import { openRules, PublicWeb, publicV4 } from '../../support/public-web.ts';
import { expired, valid, type KeyPair } from './certificates.ts';

async function web(t: TestContext, options: ConstructorParameters<typeof PublicWeb>[0] = {}): Promise<PublicWeb> {
  const started = await new PublicWeb(options).start();
  t.after(() => started.stop());
  return started;
}

const at = (path: string): string => `http://site.example.com${path}`;
const packers = {
  gzip: zlib.gzipSync,
  br: zlib.brotliCompressSync,
  deflate: zlib.deflateSync,
  zstd: zlib.zstdCompressSync,
};

describe('compressed answers', () => {
  for (const [encoding, pack] of Object.entries(packers)) {
    test(`${encoding} is unpacked, and a bomb of it ends at the limit`, async (t) => {
      const site = await web(t);
      const bomb = pack(Buffer.alloc(20_000_000));
      assert.ok(bomb.length < 100_000);
      const headers = { 'content-encoding': encoding };
      site.page('/good', (_request, response) => response.writeHead(200, headers).end(pack('a good page')));
      site.page('/bomb', (_request, response) => response.writeHead(200, headers).end(bomb));
      site.page('/cut', (_request, response) =>
        response.writeHead(200, headers).end(pack('a'.repeat(99)).subarray(0, -5)),
      );
      site.page('/lie', (_request, response) => response.writeHead(200, headers).end('not packed at all'));
      assert.equal(await site.read(at('/good')), 'a good page');
      const response = await site.get(at('/bomb'), { maxBytes: 200_000 });
      let seen = 0;
      await assert.rejects(
        async () => {
          for await (const chunk of response.body) seen += chunk.length;
        },
        (error) => error instanceof HttpFailure && error.code === 'too_large',
      );
      assert.ok(seen <= 200_000, `${seen} bytes were handed out`);
      assert.equal(await site.refusal(at('/cut')), 'bad_encoding');
      assert.equal(await site.refusal(at('/lie')), 'bad_encoding');
    });
  }

  test('in a way nobody knows, or twice, is refused', async (t) => {
    const site = await web(t);
    for (const encoding of ['gzip, gzip', 'constructor', 'x-weird'])
      for (const path of ['/x']) {
        site.page(path, (_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end('x'));
        assert.equal(await site.refusal(at(path)), 'bad_encoding', encoding);
      }
  });

  test('that unpack to nothing for ever end as well', async (t) => {
    const site = await web(t);
    const nothing = zlib.gzipSync('');
    site.page('/', (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.concat(Array.from({ length: 500 }, () => nothing))));
      };
      response.on('drain', more);
      more();
    });
    assert.equal(await site.refusal(at('/'), { maxBytes: 100_000 }), 'too_large');
  });
});

/** Writes until the reader has gone; resolves when it has. */
async function endless(response: ServerResponse, chunk: string): Promise<void> {
  response.setMaxListeners(0);
  while (!response.destroyed)
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
}

describe('answers without end or measure', () => {
  test('an endless body ends at the limit, and its socket with it', async (t) => {
    const site = await web(t);
    const gone = Promise.withResolvers<void>();
    site.page('/', (_request, response) => {
      response.on('close', gone.resolve);
      void endless(response, 'x'.repeat(10_000));
    });
    assert.equal(await site.refusal(at('/'), { maxBytes: 100_000 }), 'too_large');
    await gone.promise;
  });

  test('a body that says it is too large is not read at all', async (t) => {
    const site = await web(t);
    site.page('/', (_request, response) => response.writeHead(200, { 'content-length': '100001' }).write('x'));
    assert.equal(await site.refusal(at('/'), { maxBytes: 100_000 }), 'too_large');
  });

  test('a byte now and then, in headers or body, ends with the time', async (t) => {
    const site = await web(t);
    const drip = (socket: { write: (text: string) => unknown; destroyed: boolean }): void => {
      const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('a')), 20);
    };
    site.page('/body', (_request, response) => {
      response.flushHeaders();
      drip(response);
    });
    site.page('/headers', ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      drip(socket);
    });
    site.page('/nothing', () => undefined);
    site.page('/hints', ({ socket }) => {
      const timer = setInterval(
        () => (socket.destroyed ? clearInterval(timer) : socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')),
        20,
      );
    });
    for (const path of ['/body', '/headers', '/nothing', '/hints'])
      assert.equal(await site.refusal(at(path), { timeoutMs: 200 }), 'timed_out', path);
  });

  test('a name that does not resolve in time, and a chain of slow redirects, end with the time', async (t) => {
    const site = await web(t, {
      resolve: (name) => (name === 'slow.example.com' ? new Promise(() => undefined) : Promise.resolve([publicV4])),
    });
    assert.equal(await site.refusal('http://slow.example.com/', { timeoutMs: 100 }), 'timed_out');
    site.page('/', (_request, response) => setTimeout(() => response.writeHead(302, { location: '/' }).end(), 80));
    assert.equal(await site.refusal(at('/'), { timeoutMs: 200 }), 'timed_out');
  });

  test('ten thousand headers, or one that is huge, are refused', async (t) => {
    const site = await web(t);
    const flood = Array.from({ length: 10_000 }, (_, i) => `x-${i}: y\r\n`).join('');
    site.page('/many', ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${flood}\r\n`));
    site.page('/huge', ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`));
    for (const path of ['/many', '/huge']) assert.equal(await site.refusal(at(path)), 'HPE_HEADER_OVERFLOW', path);
  });

  test('a body shorter than it says is cut off; what comes after a whole one is not read', async (t) => {
    const site = await web(t);
    site.page('/short', ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc'));
    site.page('/long', ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef'));
    site.page('/both', ({ socket }) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
    );
    site.page('/garbage', ({ socket }) => socket.end('\u0000\u0001 nonsense\r\n\r\n'));
    assert.equal(await site.refusal(at('/short')), 'ECONNRESET');
    assert.equal(await site.read(at('/long')), 'abc');
    assert.match(await site.refusal(at('/both')), /^HPE_/);
    assert.match(await site.refusal(at('/garbage')), /^HPE_/);
  });

  test('a caller who leaves ends it, wherever it stands; nothing is left behind', async (t) => {
    const site = await web(t);
    const asked = Promise.withResolvers<void>();
    site.page('/', () => asked.resolve());
    const caller = new AbortController();
    const code = site.refusal(at('/'), { signal: caller.signal });
    await asked.promise;
    caller.abort();
    assert.equal(await code, 'aborted');
    assert.equal(await site.refusal(at('/'), { signal: caller.signal }), 'aborted');
  });

  test('eight are asked at once, the next wait their turn, and past those it is refused', async (t) => {
    const site = await web(t);
    let active = 0;
    let most = 0;
    const held: (() => void)[] = [];
    const full = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    site.page('/', (_request, response) => {
      most = Math.max(most, ++active);
      held.push(() => response.end('x', () => active--));
      if (held.length === 8) full.resolve();
      void opened.promise.then(() => held.pop()?.());
    });
    const asked = Array.from({ length: 72 }, () => site.refusal(at('/')));
    assert.equal(await site.refusal(at('/')), 'busy');
    await full.promise;
    opened.resolve();
    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['answered']));
    assert.equal(most, 8);
  });

  test('an answer that nobody reads gives its place back after its time', async (t) => {
    const site = await web(t);
    site.page('/', (_request, response) => response.end('x'.repeat(100_000)));
    for (let i = 0; i < 8; i++) await site.get(at('/'), { timeoutMs: 1000 });
    assert.equal(await site.refusal(at('/')), 'answered');
  });
});

describe('redirects', () => {
  const to = (site: PublicWeb, path: string, status: number, location: string): void =>
    site.page(path, (_request, response) => response.writeHead(status, { location }).end());

  test('five are followed, six are not', async (t) => {
    const site = await web(t);
    for (let i = 1; i <= 6; i++) to(site, `/${i}`, 302, `/${i - 1}?from=${i}#part`);
    site.page('/0', (_request, response) => response.end('there'));
    const response = await site.get(at('/5'));
    assert.equal(response.url, at('/0?from=1'));
    assert.equal(Buffer.from(await readBody(response, 100)).toString(), 'there');
    assert.equal(await site.refusal(at('/6')), 'too_many_redirects');
    to(site, '/round', 301, '/round');
    assert.equal(await site.refusal(at('/round')), 'too_many_redirects');
  });

  test('the method follows the fetch standard', async (t) => {
    const site = await web(t);
    site.page('/end', (_request, response) => response.end());
    const expected: [number, string, string][] = [
      [301, 'POST', 'GET'],
      [302, 'POST', 'GET'],
      [303, 'POST', 'GET'],
      [307, 'POST', 'POST'],
      [308, 'POST', 'POST'],
      [301, 'PUT', 'PUT'],
      [303, 'DELETE', 'GET'],
      [303, 'HEAD', 'HEAD'],
      [302, 'HEAD', 'HEAD'],
      [302, 'GET', 'GET'],
    ];
    for (const [status, method, then] of expected) {
      to(site, '/begin', status, '/end');
      site.asked.length = 0;
      const body =
        method === 'POST' || method === 'PUT' ? { body: 'text', headers: { 'content-type': 'text/plain' } } : {};
      await site.read(at('/begin'), { method: method as 'GET', ...body });
      const [, last] = site.asked;
      assert.equal(last?.method, then, `${status} ${method}`);
      const keeps = 'body' in body && then === method;
      assert.equal(last.body, keeps ? 'text' : '');
      assert.equal(last.headers['content-type'], keeps ? 'text/plain' : undefined);
    }
  });

  test('nothing of the headers goes to another origin, and no request that changes something', async (t) => {
    const site = await web(t);
    site.names.set('other.example.com', [publicV4]);
    site.page('/end', (_request, response) => response.end());
    const headers = { Authorization: 'Bearer mine', cookie: 'a=b', 'x-key': 'mine', Accept: 'text/html' };
    to(site, '/away', 302, 'http://other.example.com/end');
    to(site, '/same', 302, '/end');
    await site.read(at('/same'), { headers });
    assert.equal(site.asked.at(-1)?.headers.authorization, 'Bearer mine');
    await site.read(at('/away'), { headers });
    const away = site.asked.at(-1)?.headers ?? {};
    assert.equal(away.host, 'other.example.com');
    assert.equal(away.accept, 'text/html');
    for (const name of ['authorization', 'cookie', 'x-key']) assert.equal(away[name], undefined, name);
    for (const [status, method] of [
      [307, 'POST'],
      [308, 'DELETE'],
      [302, 'PUT'],
      [301, 'PATCH'],
    ] as const) {
      to(site, '/away', status, 'http://other.example.com/end');
      site.asked.length = 0;
      assert.equal(await site.refusal(at('/away'), { method, body: 'x' }), 'refused_redirect', `${status} ${method}`);
      assert.equal(site.asked.length, 1);
    }
  });

  test('one without a place is an answer; cookies are neither shown nor kept', async (t) => {
    const site = await web(t);
    site.page('/', (_request, response) => response.writeHead(302, { 'set-cookie': 'a=b' }).end('nowhere'));
    const response = await site.get(at('/'));
    assert.equal(response.status, 302);
    assert.equal(response.headers['set-cookie'], undefined);
    await readBody(response, 100);
    await site.read(at('/'));
    assert.equal(site.asked.at(-1)?.headers.cookie, undefined);
  });

  test("headers of the connection are not the caller's", async (t) => {
    const site = await web(t);
    site.page('/', (_request, response) => response.end());
    const headers = {
      Host: 'evil.example.com',
      'Content-Length': '99',
      'transfer-encoding': 'chunked',
      'proxy-authorization': 'x',
    };
    await site.read(at('/'), { headers });
    const seen = site.asked.at(-1)?.headers ?? {};
    assert.equal(seen.host, 'site.example.com');
    for (const name of ['content-length', 'transfer-encoding', 'proxy-authorization'])
      assert.equal(seen[name], undefined);
    assert.equal(await site.refusal(at('/'), { headers: { 'x-a': 'b\r\nx-c: d' } }), 'unsendable');
  });
});

describe('https', () => {
  async function secure(
    t: TestContext,
    pair: KeyPair,
    trusted: boolean,
  ): Promise<{ site: PublicWeb; names: unknown[] }> {
    const names: unknown[] = [];
    const server = https.createServer(pair, (request, response) => response.end(`for ${request.headers.host}`));
    server.on('secureConnection', (socket: { servername?: string | false }) => names.push(socket.servername));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const site = await web(t, {
      connect: () => net.connect({ host: '127.0.0.1', port }),
      ...(trusted ? { authorities: [pair.cert] } : {}),
    });
    // The certificate is for this name.
    site.rules = { ...openRules, allowPrivate: ['localhost:443'] };
    site.names.set('localhost', ['127.0.0.1']);
    return { site, names };
  }

  test('the server is asked and checked by its name, not by the address that was judged', async (t) => {
    const { site, names } = await secure(t, valid, true);
    assert.equal(await site.read('https://localhost/', { mayReachPrivate: true }), 'for localhost');
    assert.deepEqual(names, ['localhost']);
    assert.equal(await site.refusal('https://site.example.com/'), 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.equal(await site.refusal(`https://${publicV4}/`), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('a certificate that is not trusted, or has expired, is refused', async (t) => {
    const unknown = await secure(t, valid, false);
    assert.equal(
      await unknown.site.refusal('https://localhost/', { mayReachPrivate: true }),
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    );
    const old = await secure(t, expired, true);
    assert.equal(await old.site.refusal('https://localhost/', { mayReachPrivate: true }), 'CERT_HAS_EXPIRED');
  });
});
