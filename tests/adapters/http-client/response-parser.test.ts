/** Answers are held against Node's own parser: what it takes for an answer is one, byte for byte, and nothing else is. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { createHttpClient } from '../../../src/adapters/http-client/index.ts';
import { ParseError, ResponseParser } from '../../../src/adapters/http-client/response-parser.ts';
import { readBody } from '../../../src/core/ports/http-client.ts';
import { noMetrics, silentLog } from '../providers/support.ts';

interface Heard {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Both clients ask a server that answers with these bytes and ends. */
async function bothOf(
  t: TestContext,
): Promise<(bytes: string) => Promise<{ ours: Heard | null; nodes: Heard | null }>> {
  let answer = Buffer.alloc(0);
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = createHttpClient({ log: silentLog, metrics: noMetrics });
  t.after(() => {
    client.close();
    server.close();
  });
  const ours = async (): Promise<Heard | null> => {
    try {
      const { signal } = new AbortController();
      const { status, headers, body } = await client.request({ method: 'GET', url, signal });
      return { status, headers, body: Buffer.from(await readBody({ body }, 1e6)).toString('latin1') };
    } catch {
      return null;
    }
  };
  return async (bytes) => {
    answer = Buffer.from(bytes, 'latin1');
    return { ours: await ours(), nodes: await asNode(url) };
  };
}

function asNode(url: string): Promise<Heard | null> {
  return new Promise((resolve) => {
    const refused = (): void => resolve(null);
    const asked = http.get(url, { agent: false, maxHeaderSize: 32 * 1024 }, (message) => {
      let body = '';
      message.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      message.on('error', refused);
      message.on('end', () => {
        const headers: Record<string, string> = {};
        for (const [name, value] of Object.entries(message.headers))
          if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
        resolve(message.complete ? { status: message.statusCode ?? 0, headers, body } : null);
      });
    });
    asked.on('error', refused);
    asked.on('upgrade', (_message, socket) => {
      socket.destroy();
      refused();
    });
  });
}

const chunked = 'transfer-encoding: chunked\r\n\r\n';
const corpus = {
  'a length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'no length': 'HTTP/1.1 200 OK\r\n\r\nhello',
  'no reason': 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n',
  'an empty reason': 'HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n',
  'a reason in Latin-1': 'HTTP/1.1 200 sch\xf6n\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.0': 'HTTP/1.0 200 OK\r\n\r\nhello',
  'HTTP/1.0 that is kept': 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok',
  'HTTP/2': 'HTTP/2 200 OK\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.2': 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n',
  'HTTP/0.9': 'hello',
  'lower case': 'http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n',
  'two spaces': 'HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n',
  'a status of 099': 'HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n',
  'an unknown status': 'HTTP/1.1 799 Odd\r\ncontent-length: 1\r\n\r\nx',
  '204 with a length': 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n',
  '304 with a length': 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n',
  '100 before it': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'hints before it': 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'hints and nothing': 'HTTP/1.1 103 Early Hints\r\n\r\n',
  'another protocol': 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
  'spaces around a value': 'HTTP/1.1 200 OK\r\ncontent-length: \t 2 \t\r\nx-a:   b\tc  \r\n\r\nok',
  'spaces within a value': `HTTP/1.1 200 OK\r\nx-a: b${' '.repeat(25_000)}c\r\ncontent-length: 0\r\n\r\n`,
  'a hard space around a value': 'HTTP/1.1 200 OK\r\nx-a: \xa0b\xa0\r\ncontent-length: 0\r\n\r\n',
  'a value that is empty': 'HTTP/1.1 200 OK\r\nx-a:\r\ncontent-length: 0\r\n\r\n',
  'a name that is empty': 'HTTP/1.1 200 OK\r\n: b\r\ncontent-length: 0\r\n\r\n',
  'a space before the colon': 'HTTP/1.1 200 OK\r\nx-a : b\r\ncontent-length: 0\r\n\r\n',
  'no colon': 'HTTP/1.1 200 OK\r\nx-a\r\ncontent-length: 0\r\n\r\n',
  'a value on two lines': 'HTTP/1.1 200 OK\r\nx-a: b\r\n  c\r\ncontent-length: 0\r\n\r\n',
  'a first line that is folded': 'HTTP/1.1 200 OK\r\n x-a: b\r\ncontent-length: 0\r\n\r\n',
  'line feeds alone': 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok',
  'one line feed alone': 'HTTP/1.1 200 OK\r\nx-a: b\ncontent-length: 2\r\n\r\nok',
  'a carriage return alone': 'HTTP/1.1 200 OK\r\nx-a: b\rc\r\ncontent-length: 2\r\n\r\nok',
  'a zero byte': 'HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 2\r\n\r\nok',
  'a control character': 'HTTP/1.1 200 OK\r\nx-a: b\x01c\r\ncontent-length: 2\r\n\r\nok',
  'Latin-1 in a value': 'HTTP/1.1 200 OK\r\nx-a: b\xfcc\r\ncontent-length: 2\r\n\r\nok',
  'the same header twice': 'HTTP/1.1 200 OK\r\nx-a: b\r\nX-A: c\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n',
  'single headers twice':
    'HTTP/1.1 200 OK\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-type: a/b\r\ncontent-type: c/d\r\nlocation: x\r\nlocation: y\r\n\r\n',
  'the same length twice': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok',
  'two lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!',
  'a list of lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok',
  'a signed length': 'HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok',
  'a negative length': 'HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok',
  'a length in hex': 'HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok',
  'no digits': 'HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nok',
  'a length past 64 bits': 'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nok',
  'too few bytes': 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok',
  'too many bytes': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more',
  'two answers': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno',
  chunks: `HTTP/1.1 200 OK\r\n${chunked}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
  'chunks in capitals': `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n`,
  'a chunk with zeros before its size': `HTTP/1.1 200 OK\r\n${chunked}0005\r\nhello\r\n000\r\n\r\n`,
  'a chunk with an extension': `HTTP/1.1 200 OK\r\n${chunked}5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n`,
  trailers: `HTTP/1.1 200 OK\r\n${chunked}5\r\nhello\r\n0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n`,
  'no last chunk': `HTTP/1.1 200 OK\r\n${chunked}5\r\nhello\r\n`,
  'a last chunk without its line': `HTTP/1.1 200 OK\r\n${chunked}5\r\nhello\r\n0\r\n`,
  'a chunk that is cut': `HTTP/1.1 200 OK\r\n${chunked}5\r\nhel`,
  'a chunk longer than it says': `HTTP/1.1 200 OK\r\n${chunked}3\r\nhello\r\n0\r\n\r\n`,
  'a chunk without a size': `HTTP/1.1 200 OK\r\n${chunked}\r\nhello\r\n0\r\n\r\n`,
  'a size that is none': `HTTP/1.1 200 OK\r\n${chunked}5g\r\nhello\r\n0\r\n\r\n`,
  'a signed size': `HTTP/1.1 200 OK\r\n${chunked}-5\r\nhello\r\n0\r\n\r\n`,
  'a size in 0x': `HTTP/1.1 200 OK\r\n${chunked}0x5\r\nhello\r\n0\r\n\r\n`,
  'a size past 64 bits': `HTTP/1.1 200 OK\r\n${chunked}fffffffffffffffff\r\nhello\r\n0\r\n\r\n`,
  'a size behind a space': `HTTP/1.1 200 OK\r\n${chunked} 5\r\nhello\r\n0\r\n\r\n`,
  'a size before a space': `HTTP/1.1 200 OK\r\n${chunked}5 \r\nhello\r\n0\r\n\r\n`,
  'chunks with line feeds alone': `HTTP/1.1 200 OK\r\n${chunked}5\nhello\n0\n\n`,
  'chunks and a length': `HTTP/1.1 200 OK\r\ncontent-length: 5\r\n${chunked}5\r\nhello\r\n0\r\n\r\n`,
  'chunks of another coding': 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'another coding than chunks': 'HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nhello',
  'chunks that are not last': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\nhello',
  'chunks in two headers': `HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n${chunked}2\r\nok\r\n0\r\n\r\n`,
  'chunks in HTTP/1.0': `HTTP/1.0 200 OK\r\n${chunked}2\r\nok\r\n0\r\n\r\n`,
  nothing: '',
  'half a line': 'HTTP/1.1 2',
  'half a head': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n',
  'line ends before it': '\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  'thirty thousand bytes of headers': `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(30_000)}\r\ncontent-length: 2\r\n\r\nok`,
  'forty thousand bytes of headers': `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(40_000)}\r\ncontent-length: 2\r\n\r\nok`,
};

/** Where we mean to differ: a status below 100 is none, and an answer that was whole stays one whatever follows it. */
const ours: Record<string, Heard | null> = {
  'a status of 099': null,
  'too many bytes': { status: 200, headers: { 'content-length': '2' }, body: 'ok' },
};

test('each of these is to us what it is to Node', async (t) => {
  const both = await bothOf(t);
  const [found, wanted]: [Record<string, Heard | null>, Record<string, Heard | null>] = [{}, {}];
  for (const [title, bytes] of Object.entries(corpus)) {
    const heard = await both(bytes);
    found[title] = heard.ours;
    wanted[title] = title in ours ? (ours[title] ?? null) : heard.nodes;
  }
  assert.deepEqual(found, wanted);
});

/** The bytes up to where our parser has its answer: it does not look at what follows. */
function upToEnd(bytes: string): string {
  const parser = new ResponseParser({ onHead: () => undefined, onBody: () => undefined, onEnd: () => undefined });
  parser.begin();
  let length = 0;
  while (length < bytes.length && !parser.over) parser.push(Buffer.from(bytes.charAt(length++), 'latin1'));
  return bytes.slice(0, length);
}

test('whatever byte is changed, left out or put in: what we take for an answer is one to Node, and the same', async (t) => {
  const both = await bothOf(t);
  // The extensions of chunks are the one thing that we look at less closely; nothing comes of them.
  const seeds = Object.values(corpus).filter(
    ({ length }, n) => length < 300 && !Object.keys(corpus)[n]?.includes('extension'),
  );
  const fresh = fc.oneof(
    fc.constantFrom('\r', '\n', ' ', ':', ',', '0', '5', 'a'),
    // Node knows no tab behind "chunked", which RFC 9110 (section 5.6.3) allows; a semicolon could begin an extension.
    fc.constantFrom(
      ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((one) => !'\t;'.includes(one)),
    ),
  );
  const change = fc.record({
    seed: fc.constantFrom(...seeds),
    at: fc.nat(299),
    fresh,
    how: fc.constantFrom('set', 'put', 'cut'),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ seed, at, fresh: put, how }) => {
      const place = at % (seed.length + 1);
      const bytes = seed.slice(0, place) + (how === 'cut' ? '' : put) + seed.slice(how === 'put' ? place : place + 1);
      const heard = await both(bytes);
      if (heard.ours === null) return;
      const { nodes } = heard.nodes === null ? await both(upToEnd(bytes)) : heard;
      assert.deepEqual(heard.ours, nodes);
    }),
    { numRuns: Number(process.env['CHANGED_ANSWERS'] ?? 300) },
  );
});

describe('however the bytes are cut', () => {
  /** All that the parser says, with the pieces of a body joined. */
  const heardOf = (pieces: Buffer[]): unknown[] => {
    const heard: unknown[] = [];
    let body = '';
    const parser = new ResponseParser({
      onHead: (head) => heard.push(head),
      onBody: (piece) => (body += Buffer.from(piece).toString('latin1')),
      onEnd: () => heard.push('end', parser.reusable, parser.keptMs),
    });
    parser.begin();
    try {
      for (const piece of pieces) parser.push(piece);
      heard.push(parser.finish());
    } catch (error) {
      assert.ok(error instanceof ParseError);
      heard.push(error.code);
    }
    return [...heard, body];
  };

  test('an answer is the same one, and an error the same error', () => {
    for (const [title, text] of Object.entries(corpus)) {
      const bytes = Buffer.from(text, 'latin1');
      const whole = heardOf([bytes]);
      if (bytes.length > 1000) continue;
      for (let at = 0; at <= bytes.length; at++)
        assert.deepEqual(heardOf([bytes.subarray(0, at), bytes.subarray(at)]), whole, `${title}, cut at ${at}`);
      assert.deepEqual(heardOf(Array.from(bytes, (byte) => Buffer.from([byte]))), whole, `${title}, byte by byte`);
    }
  });

  test('what a server sent in chunks is what is read', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 6 }), (chunks, cuts) => {
        const framed = chunks.flatMap((data) => [
          Buffer.from(`${data.length.toString(16)}\r\n`),
          data,
          Buffer.from('\r\n'),
        ]);
        const bytes = Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\n${chunked}`),
          ...framed,
          Buffer.from('0\r\n\r\n'),
        ]);
        const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((to, n) => bytes.subarray(places[n], to));
        const said = heardOf(pieces);
        assert.equal(said.at(-1), Buffer.concat(chunks).toString('latin1'));
        assert.equal(said.at(-2), true);
      }),
    );
  });
});

describe('a connection is used again', () => {
  const cases: [string, string, boolean][] = [
    ['after HTTP/1.1', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', true],
    ['not where the server closes', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: x, Close\r\n\r\n', false],
    ['not after HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', false],
    ['after HTTP/1.0 that is kept', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: Keep-Alive\r\n\r\n', true],
    ['not after a body without an end', 'HTTP/1.1 200 OK\r\n\r\nx', false],
    ['after chunks', `HTTP/1.1 200 OK\r\n${chunked}1\r\nx\r\n0\r\n\r\n`, true],
  ];
  for (const [title, text, reusable] of cases)
    test(title, () => {
      const parser = new ResponseParser({ onHead: () => undefined, onBody: () => undefined, onEnd: () => undefined });
      parser.begin();
      parser.push(Buffer.from(text, 'latin1'));
      assert.equal(parser.finish(), true);
      assert.equal(parser.reusable, reusable);
    });
});
