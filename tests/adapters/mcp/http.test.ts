import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { type Answering, type HttpRogue, httpRogue, resultOf } from '../../support/mcp-http-rogue.ts';
import { type McpRig, openMcp } from '../../support/mcp-rig.ts';

async function opened(
  t: TestContext,
  answering: Answering,
  more: object = {},
): Promise<{ rogue: HttpRogue; rig: McpRig }> {
  const rogue = await httpRogue(answering);
  t.after(() => rogue.close());
  const rig = openMcp(t);
  await rig.configure({ web: { url: rogue.url, timeout: '5s', ...more } });
  return { rogue, rig };
}

const events = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });

describe('a server over HTTP', () => {
  test('that answers by a stream is read to the result, and the rest of its stream is let go', async (t) => {
    const gone = Promise.withResolvers<void>();
    const { rig } = await opened(t, (rpc, response) => {
      if (rpc.method !== 'tools/call') return false;
      response.once('close', gone.resolve);
      events(response).write(
        `: hold on\n\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: ${resultOf(rpc)}\n\n`,
      );
      return true;
    });
    await rig.up('web');
    assert.equal((await rig.call('mcp_web__work')).text, 'done');
    await gone.promise;
  });

  test('says on which version the two agreed, and gives its session back', async (t) => {
    const { rogue, rig } = await opened(
      t,
      (rpc, response) => {
        if (rpc.method === 'initialize') response.setHeader('mcp-session-id', 'the-session');
        return false;
      },
      { headers: { 'X-Team': 'blue', Accept: 'text/html' } },
    );
    await rig.up('web');
    await rig.call('mcp_web__work');
    const call = rogue.seen.find(({ rpc }) => rpc === 'tools/call')?.headers;
    assert.equal(call?.['mcp-session-id'], 'the-session');
    assert.equal(call['mcp-protocol-version'], '2025-11-25');
    assert.equal(call['x-team'], 'blue');
    assert.equal(call['accept'], 'application/json, text/event-stream');
    await rig.servers.stop();
    assert.equal(rogue.seen.at(-1)?.method, 'DELETE');
  });

  for (const [what, answer, words] of [
    [
      'a stream that breaks',
      (r: ServerResponse) => void events(r).end('data: {"jsonrpc":'),
      /ended its answer before the result/,
    ],
    [
      'an answer that is a page',
      (r: ServerResponse) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<p>hi'),
      /no message of the protocol/,
    ],
    [
      'an answer to another request',
      (r: ServerResponse) =>
        void r.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":99,"result":{}}'),
      /no message of the protocol/,
    ],
    [
      'an answer of 10 MB',
      (r: ServerResponse) =>
        void r.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${'x'.repeat(10_000_000)}"}`),
      /larger than/,
    ],
    [
      'an event of 10 MB',
      (r: ServerResponse) => void events(r).end(`data: ${'x'.repeat(10_000_000)}\n\n`),
      /ended its answer/,
    ],
    ['a socket that is cut', (r: ServerResponse) => void r.destroy(), /gave no result/],
    ['a refusal', (r: ServerResponse) => void r.writeHead(500).end('secret stack'), /status 500$/],
    [
      'a redirect',
      (r: ServerResponse) => void r.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      /has moved \(302\)/,
    ],
  ] as const) {
    test(`${what} is told at once and harms no other call`, async (t) => {
      let calls = 0;
      const { rig } = await opened(t, (rpc, response) => {
        if (rpc.method !== 'tools/call' || calls++ > 0) return false;
        answer(response);
        return true;
      });
      await rig.up('web');
      const { text, isError } = await rig.call('mcp_web__work');
      assert.equal(isError, true);
      assert.match(text, words);
      assert.equal((await rig.call('mcp_web__work')).text, 'done');
    });
  }

  test('a call that is not needed any more is told so, and its socket is free', async (t) => {
    const begun = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const { rogue, rig } = await opened(t, (rpc, response) => {
      if (rpc.method !== 'tools/call') return false;
      response.once('close', gone.resolve);
      begun.resolve();
      return true;
    });
    await rig.up('web');
    const stop = new AbortController();
    const answer = rig.call('mcp_web__work', {}, { signal: stop.signal });
    await begun.promise;
    stop.abort(new Error('aborted'));
    assert.equal((await answer).isError, true);
    await gone.promise;
    assert.ok(rogue.seen.some(({ rpc }) => rpc === 'notifications/cancelled'));
  });

  test('a stream of notices that ends is asked for again, after a pause', async (t) => {
    let streams = 0;
    const { rig } = await opened(t, (_, response, request) => {
      if (request.method !== 'GET') return false;
      streams++;
      events(response).end();
      return true;
    });
    await rig.up('web');
    await rig.until(() => streams > 2);
    assert.ok(rig.pauses.filter((ms) => ms === 1000).length >= 2);
  });
});

describe('a server of the older transport', () => {
  /** GET opens the stream that carries all answers; POST takes the requests. */
  function older(endpoint: (port: string) => string): Answering {
    let stream: ServerResponse | null = null;
    return (rpc, response, request) => {
      if (request.method === 'GET') {
        stream = events(response);
        stream.write(`event: endpoint\ndata: ${endpoint(request.headers.host ?? '')}\n\n`);
        return true;
      }
      if (!(request.url ?? '').startsWith('/post')) {
        response.writeHead(405).end();
        return true;
      }
      response.writeHead(202).end();
      if (rpc.id !== undefined) stream?.write(`event: message\ndata: ${resultOf(rpc)}\n\n`);
      return true;
    };
  }

  test('is spoken to as it wants to be', async (t) => {
    const { rig } = await opened(
      t,
      older(() => '/post?session=1'),
    );
    await rig.up('web');
    assert.equal((await rig.call('mcp_web__work')).text, 'done');
  });

  test('that never says where to write is not waited for without end', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const asked = Promise.withResolvers<void>();
    const { rig } = await opened(t, (_, response, request) => {
      if (request.method === 'GET') asked.resolve();
      else response.writeHead(405).end();
      return true;
    });
    await asked.promise;
    t.mock.timers.tick(30_000);
    t.mock.timers.reset();
    await rig.until(() => rig.servers.status()[0]?.state === 'waiting');
  });

  test('that names an address elsewhere is not sent our headers there', async (t) => {
    const elsewhere = await httpRogue(() => false);
    t.after(() => elsewhere.close());
    const { rig } = await opened(
      t,
      older(() => elsewhere.url),
      { headers: { Authorization: 'Bearer for-the-first-only' } },
    );
    await rig.until(() => rig.servers.status()[0]?.state === 'waiting');
    assert.match(rig.servers.status()[0]?.detail ?? '', /no address/);
    assert.equal(elsewhere.seen.length, 0);
  });
});
