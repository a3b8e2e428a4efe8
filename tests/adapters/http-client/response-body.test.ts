import assert from 'node:assert/strict';
import http from 'node:http';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import { describe, test } from 'node:test';
import { ResponseBody } from '../../../src/adapters/http-client/response-body.ts';
import { HttpFailure } from '../../../src/core/ports/http-client.ts';
import { valid } from './certificates.ts';
import { assertFailure, bodyText, client, failureOf, get, listen, serve } from './support.ts';

function sent(): { body: ResponseBody; asked: string[] } {
  const asked: string[] = [];
  const body = new ResponseBody({
    pause: () => asked.push('pause'),
    resume: () => asked.push('resume'),
    leave: () => asked.push('leave'),
  });
  return { body, asked };
}

test('a reader who is slow slows the sender, once, until all is read that waits', async () => {
  const { body, asked } = sent();
  const first = body.next();
  for (let n = 0; n < 4; n++) body.push(Buffer.alloc(40_000));
  assert.equal((await first).done, false);
  assert.deepEqual(asked, ['pause']);
  for (let n = 1; n < 4; n++) assert.equal((await body.next()).value?.length, 40_000);
  assert.deepEqual(asked, ['pause']);
  const more = body.next();
  assert.deepEqual(asked, ['pause', 'resume']);
  body.end();
  assert.equal((await more).done, true);
});

test('what was read makes room for more', async () => {
  const { body, asked } = sent();
  for (let n = 0; n < 10; n++) {
    const first = body.next();
    body.push(Buffer.alloc(10_000));
    await first;
    body.push(Buffer.alloc(10_000));
    await body.next();
  }
  assert.deepEqual(asked, []);
});

test('who leaves ends it, unless all of it came', () => {
  const [half, whole] = [sent(), sent()];
  half.body.close();
  whole.body.end();
  whole.body.close();
  assert.deepEqual([half.asked, whole.asked], [['leave'], []]);
});

test('who leaves while it takes is not handed more in the middle of that', async () => {
  const cutOff = new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.');
  const nothing = (): void => undefined;
  const body = new ResponseBody({ pause: nothing, resume: nothing, leave: () => body.fail(cutOff) });
  for (const piece of ['a', 'b', 'c']) body.push(Buffer.from(piece));
  const steps: string[] = [];
  const reading = body.read((piece) => {
    const text = Buffer.from(piece).toString();
    steps.push(`${text}(`);
    if (text === 'a') body.close();
    steps.push(')');
    return true;
  });
  await assert.rejects(reading, cutOff);
  assert.equal(steps.join(''), 'a()b()c()');
});

test('of pieces of one byte many wait as well, but not without end', () => {
  const { body, asked } = sent();
  for (let n = 0; n < 2000; n++) body.push(Buffer.alloc(1));
  assert.deepEqual(asked, ['pause']);
});

describe('an answer from a server', () => {
  test('that breaks off fails in its phase', async (t) => {
    const port = await serve(t, (request, response) => {
      response.write('begin', () => setImmediate(() => request.socket.resetAndDestroy()));
    });
    const response = await client(t).request(get(port));
    assertFailure(await failureOf(bodyText(response)), 'body', 'maybe', 'ECONNRESET');
  });

  test('that ends before its length fails', async (t) => {
    const port = await serve(t, (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('begin', () => request.socket.end());
    });
    const response = await client(t).request(get(port));
    assert.equal((await failureOf(bodyText(response))).phase, 'body');
  });

  test('that stalls is left at once by an abort', async (t) => {
    const abort = new AbortController();
    const port = await serve(t, (_request, response) => response.write('begin'));
    const response = await client(t).request(get(port, abort.signal));
    const failed = failureOf(bodyText(response));
    setImmediate(() => abort.abort());
    assertFailure(await failed, 'body', 'maybe', 'aborted');
  });

  test('that was aborted before it was read fails when it is read, and nowhere else', async (t) => {
    const abort = new AbortController();
    const port = await serve(t, (_request, response) => response.write('begin'));
    const response = await client(t).request(get(port, abort.signal));
    abort.abort();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await failureOf(bodyText(response))).code, 'aborted');
  });

  test('that is left early frees its connection', async (t) => {
    const gone = Promise.withResolvers<void>();
    const port = await serve(t, (request, response) => {
      request.socket.on('close', () => gone.resolve());
      response.write('begin');
    });
    const response = await client(t).request(get(port));
    for await (const _chunk of response.body) break;
    await gone.promise;
  });

  test('that is returned while a read waits ends that read', async (t) => {
    const port = await serve(t, (_request, response) => response.write('begin'));
    const body = (await client(t).request(get(port))).body[Symbol.asyncIterator]();
    await body.next();
    const waiting = body.next();
    await body.return?.();
    assert.equal((await failureOf(waiting)).phase, 'body');
  });

  test('that is read in pieces loses none between them, and says how it ended', async (t) => {
    const port = await serve(t, (_request, response) => {
      response.write('one');
      setTimeout(() => response.write('two'), 20);
      setTimeout(() => response.end('three'), 40);
    });
    const { body } = await client(t).request(get(port));
    let text = '';
    await body.read((chunk) => {
      text += Buffer.from(chunk).toString();
      return false;
    });
    assert.equal(text, 'one');
    const fussy = body.read(() => {
      throw new Error('not to my taste');
    });
    await assert.rejects(fussy, /not to my taste/);
    await body.read((chunk) => {
      text += Buffer.from(chunk).toString();
      return true;
    });
    assert.equal(text, 'onethree');
    body.close();
  });

  for (const scheme of ['http', 'https'] as const)
    test(`many at once, of which some are read late, are not mixed up (${scheme})`, async (t) => {
      const lines = (name: string): string[] => Array.from({ length: 200 }, (_, n) => `${name} ${'x'.repeat(n * 7)};`);
      const answer: RequestListener = (request, response) => {
        const left = lines(request.url ?? '');
        const next = (): void => {
          const line = left.shift();
          if (line === undefined) return void response.end();
          response.write(line, () => setImmediate(next));
        };
        next();
      };
      const server = scheme === 'http' ? http.createServer(answer) : https.createServer(valid, answer);
      const port = await listen(t, server);
      const one = client(t, { authorities: [valid.cert] });
      const read = async (n: number): Promise<void> => {
        const response = await one.request({ ...get(port), url: `${scheme}://localhost:${port}/${n}` });
        const chunks: Uint8Array[] = [];
        for await (const chunk of response.body) {
          chunks.push(chunk);
          if (n % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        assert.equal(Buffer.concat(chunks).toString('utf8'), lines(`/${n}`).join(''));
      };
      await Promise.all(Array.from({ length: 20 }, (_, n) => read(n)));
    });

  test('that is closed while it is read ends the reading', async (t) => {
    const port = await serve(t, (_request, response) => response.write('begin'));
    const { body } = await client(t).request(get(port));
    const reading = body.read(() => {
      setImmediate(() => body.close());
      return true;
    });
    assert.equal((await failureOf(reading)).code, 'ECONNRESET');
  });

  test('past its bound fails and frees its connection', async (t) => {
    const gone = Promise.withResolvers<void>();
    const port = await serve(t, (request, response) => {
      request.socket.on('close', () => gone.resolve());
      response.write('x'.repeat(200_000));
    });
    assert.equal((await failureOf(bodyText(await client(t).request(get(port))))).code, 'too_large');
    await gone.promise;
  });
});
