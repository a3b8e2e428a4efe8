import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway, streamEvents } from '../scripted-gateway.ts';

const token = 'oc_0123456789abcdefghijklmnop';

/** A data directory as a running gateway leaves it. */
function runningAt(host: FakeHost, url: string): void {
  mkdirSync(host.data, { recursive: true });
  writeFileSync(path.join(host.data, 'run.json'), JSON.stringify({ pid: process.pid, url }));
  writeFileSync(path.join(host.data, 'token'), `${token}\n`);
}

const answer = {
  message_id: 'msg_1',
  run_id: 'run_1',
  session: 'api:owner:cli',
  reply: { text: 'Hello there' },
  model: 'demo/demo',
  finish_reason: 'stop',
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  cost: null,
};
const replyEvents: [string, unknown][] = [
  ['run.started', { run_id: 'run_1' }],
  ['run.delta', { run_id: 'run_1', text: 'Hello ' }],
  ['run.delta', { run_id: 'run_1', text: 'there' }],
  ['run.finished', answer],
];

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('without a gateway every command says how to start one', async () => {
  using host = new FakeHost();
  host.env['OPEN_CLANKER_SERVER__PORT'] = String(await closedPort());
  for (const line of [['status'], ['health'], ['chat', '-m', 'hi'], ['sessions', 'list'], ['why', 'msg_1']]) {
    const { code, out, err } = await host.run(line);
    assert.deepEqual([code, out], [1, ''], line.join(' '));
    assert.equal(err, 'open-clanker: No gateway is running: start it with `open-clanker gateway`.\n');
  }
});

test('a gateway left behind by a crash is not mistaken for a running one', async () => {
  using host = new FakeHost();
  runningAt(host, `http://127.0.0.1:${await closedPort()}`);
  const { code, err } = await host.run(['status']);
  assert.equal(code, 1);
  assert.match(err, /No gateway is running/);
});

test('the gateway is found by flag, then environment, then data directory, then configuration', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('GET /ready', 200, { ready: true, failing: [], warnings: [], uptimeMs: 61_000 });
  using host = new FakeHost();
  const closed = `http://127.0.0.1:${await closedPort()}`;

  writeFileSync(path.join(host.dir, 'my.toml'), `[server]\nport = ${new URL(gateway.url).port}\n`);
  assert.equal((await host.run(['-c', 'my.toml', 'health'])).code, 0);

  runningAt(host, closed);
  assert.equal((await host.run(['health'])).code, 1);
  runningAt(host, gateway.url);
  assert.equal((await host.run(['health'])).out, 'The gateway is alive and ready; up 1m 1s.\n');
  host.env['OPEN_CLANKER_URL'] = closed;
  const refused = await host.run(['health']);
  assert.match(refused.err, new RegExp(`No gateway answers at ${closed} \\(ECONNREFUSED\\)`));
  assert.equal((await host.run(['health', '--url', `${gateway.url}/`])).code, 0);
  assert.equal((await host.run(['health', '--url', 'file:///etc/passwd'])).code, 2);
});

test('the token comes from flag, file, environment, data directory, in this order', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('GET /api/v1/dead?limit=50', 200, { dead: [], next_cursor: null });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  writeFileSync(path.join(host.dir, 'other'), 'from-file\n');
  const sent = async (...options: string[]): Promise<string | undefined> => {
    assert.equal((await host.run(['dead', 'list', ...options])).code, 0);
    return gateway.asked.at(-1)?.authorization;
  };
  assert.equal(await sent(), `Bearer ${token}`);
  host.env['OPEN_CLANKER_TOKEN'] = 'from-environment';
  assert.equal(await sent(), 'Bearer from-environment');
  assert.equal(await sent('--token-file', 'other'), 'Bearer from-file');
  assert.equal(await sent('--token-file', 'other', '--token', 'from-flag'), 'Bearer from-flag');
  assert.equal((await host.run(['dead', 'list', '--token-file', 'missing'])).code, 1);
});

test('a token on the command line works and warns that others can see it', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('GET /api/v1/dead?limit=50', 200, { dead: [], next_cursor: null });
  using host = new FakeHost();
  const { code, err } = await host.run(['dead', 'list', '--url', gateway.url, '--token', 'secret-token']);
  assert.equal(code, 0);
  assert.match(err, /warning: others can read --token/);
  assert(!err.includes('secret-token'));
});

test('our own token is never sent to a foreign address that was only named', async () => {
  using host = new FakeHost();
  runningAt(host, 'http://127.0.0.1:1');
  const { findGateway } = await import('../../../src/cli/find-gateway.ts');
  const { Options } = await import('../../../src/cli/command.ts');
  const names = ['url', 'token', 'token-file', 'json', 'config', 'verbose'];
  const find = (url: string) =>
    findGateway({
      env: host.env,
      cwd: host.dir,
      home: host.dir,
      options: new Options(names, new Map([['url', url]])),
      positionals: [],
    } as never);
  assert.equal((await find('http://gateway.example:18789')).token, null);
  assert.equal((await find('http://127.0.0.1:18789')).token, token);
});

test('chat -m prints the reply and nothing else', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': waiting\n\n');
    streamEvents(response, replyEvents);
    response.end();
  });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.deepEqual(await host.run(['chat', '-m', 'hello']), { code: 0, out: 'Hello there\n', err: '' });
  assert.deepEqual(JSON.parse(gateway.asked[0]?.body ?? ''), { text: 'hello', session: 'cli', stream: true });
  assert.deepEqual(await host.run(['chat', '-m', 'hello'], '', true), { code: 0, out: 'Hello there\n', err: '' });
  const json = await host.run(['chat', '-m', 'hello', '--json']);
  assert.deepEqual(JSON.parse(json.out), answer);
});

test('chat -m - reads standard input, and refuses an empty one', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200);
    streamEvents(response, replyEvents);
    response.end();
  });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.equal((await host.run(['chat', '-m', '-', '--session', 's1'], 'line one\nline two\n')).code, 0);
  assert.deepEqual(JSON.parse(gateway.asked[0]?.body ?? ''), {
    text: 'line one\nline two',
    session: 's1',
    stream: true,
  });
  assert.equal((await host.run(['chat', '-m', '-'], ' \n')).code, 2);
  assert.equal((await host.run(['chat', '-m', '-'], 'x'.repeat(300_000))).code, 1);
});

test('an answer that begins again after a failed attempt ends with the stored text', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200);
    streamEvents(response, [
      ['run.delta', { run_id: 'run_1', text: 'Hal' }],
      ['run.retrying', { run_id: 'run_1', reason: 'network' }],
      ...replyEvents,
    ]);
    response.end();
  });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.equal((await host.run(['chat', '-m', 'x'])).out, 'Hello there\n');
  assert.equal((await host.run(['chat', '-m', 'x'], '', true)).out, 'Hal\nHello there\n');
});

test('a failed run is one line and exit 1, a cut stream is not taken for an answer', async () => {
  await using gateway = await ScriptedGateway.listen();
  using host = new FakeHost();
  runningAt(host, gateway.url);
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200);
    streamEvents(response, [['run.failed', { run_id: 'run_1', error: { code: 'provider', message: 'It is down.' } }]]);
    response.end();
  });
  assert.deepEqual(await host.run(['chat', '-m', 'x']), { code: 1, out: '', err: 'open-clanker: It is down.\n' });
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200);
    streamEvents(response, replyEvents.slice(0, 2));
    response.end();
  });
  assert.match((await host.run(['chat', '-m', 'x'])).err, /ended the answer early/);
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200);
    streamEvents(response, replyEvents.slice(0, 2));
    setImmediate(() => response.destroy());
  });
  assert.match((await host.run(['chat', '-m', 'x'])).err, /connection to the gateway broke/);
});

test('what a reply brings of terminal control is stripped, also when it is cut between two pieces', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.on('POST /api/v1/chat', (response) => {
    response.writeHead(200);
    const text = '\u001b]0;owned\u0007ok';
    streamEvents(response, [
      ['run.delta', { run_id: 'run_1', text: text.slice(0, 4) }],
      ['run.delta', { run_id: 'run_1', text: text.slice(4) }],
      ['run.finished', { ...answer, reply: { text } }],
    ]);
    response.end();
  });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.equal((await host.run(['chat', '-m', 'x'], '', true)).out, 'ok\n');
  assert.equal((await host.run(['chat', '-m', 'x'])).out, 'ok\n');
});

test('a configuration that was named and is not there is a mistake, whoever would answer', async () => {
  await using gateway = await ScriptedGateway.listen();
  using host = new FakeHost();
  runningAt(host, gateway.url);
  gateway.json('GET /ready', 200, { ready: true, failing: [], warnings: [], uptimeMs: 1 });
  assert.equal((await host.run(['health'])).code, 0);
  const { code, err } = await host.run(['-c', 'typo.toml', 'health']);
  assert.equal(code, 78);
  assert.match(err, /typo\.toml: there is no such file/);
});

test('a backup of data that are not there says so, and makes nothing', async () => {
  using host = new FakeHost();
  const { code, err } = await host.run(['backup', 'somewhere']);
  assert.equal(code, 1);
  assert.match(err, /There is no database at .*: check OPEN_CLANKER_DATA/);
  assert.equal(existsSync(host.data), false);
});

test('lines on a pipe are talked through one after the other', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.on('POST /api/v1/chat', (response, { body }) => {
    const { text } = JSON.parse(body) as { text: string };
    response.writeHead(200);
    streamEvents(response, [['run.finished', { ...answer, reply: { text: text.toUpperCase() } }]]);
    response.end();
  });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.deepEqual(await host.run(['chat'], 'one\n\ntwo\n'), { code: 0, out: 'ONE\nTWO\n', err: '' });
  const { out } = await host.run(['chat', '--json'], 'one\n');
  assert.deepEqual(JSON.parse(out), { ...answer, reply: { text: 'ONE' } });
});

test('an error of the gateway becomes its message, whatever its form', async () => {
  await using gateway = await ScriptedGateway.listen();
  using host = new FakeHost();
  runningAt(host, gateway.url);
  gateway.json('GET /api/v1/sessions?limit=50', 403, { error: { code: 'forbidden', message: 'Needs "read".' } });
  assert.equal((await host.run(['sessions', 'list'])).err, 'open-clanker: Needs "read".\n');
  gateway.json('GET /api/v1/sessions?limit=50', 401, { error: { code: 'unauthorized', message: 'no' } });
  assert.match((await host.run(['sessions', 'list'])).err, /token was refused by the gateway at .*OPEN_CLANKER_TOKEN/);
  using stranger = new FakeHost();
  const asked = await stranger.run(['sessions', 'list', '--url', gateway.url]);
  assert.match(asked.err, /^open-clanker: No token was found for the gateway at http/);
  gateway.on('GET /api/v1/sessions?limit=50', (response) => void response.writeHead(502).end('<html>'));
  assert.match((await host.run(['sessions', 'list'])).err, /answered 502/);
  gateway.on('GET /api/v1/sessions?limit=50', (response) => void response.writeHead(200).end('<html>'));
  assert.match((await host.run(['sessions', 'list'])).err, /is no Open Clanker gateway/);
  gateway.on('GET /ready', (response) => void response.writeHead(200).end('<html>'));
  assert.match((await host.run(['health'])).err, /^open-clanker: What answers at .* is no Open Clanker gateway/);
});

test('sessions show says what was called and how its result begins, without empty lines', async () => {
  await using gateway = await ScriptedGateway.listen();
  const message = (role: string, part: object) => ({ seq: 1, role, text: '', parts: [part], author: null, time: 0 });
  gateway.json('GET /api/v1/sessions/main/messages?limit=200', 200, {
    messages: [
      message('assistant', { type: 'tool_call', id: 'c', name: 'exec', args: {} }),
      message('tool', { type: 'tool_result', callId: 'c', name: 'exec', text: `no ${'x'.repeat(200)}`, isError: true }),
    ],
    next_cursor: null,
  });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  const { out } = await host.run(['sessions', 'show', 'main']);
  assert.match(out, /assistant\n {2}\[calls exec\]\n\n.*tool\n {2}\[exec: no x{97}…?\]\n/);
});

test('sessions show prints the newest messages of all pages, without terminal control', async () => {
  await using gateway = await ScriptedGateway.listen();
  const message = (seq: number, text: string) => ({
    id: `m${seq}`,
    seq,
    role: 'user',
    text,
    parts: [{ type: 'text', text }],
    author: 'Ann',
    time: 0,
    run_id: null,
  });
  gateway
    .json('GET /api/v1/sessions/main/messages?limit=200', 200, {
      messages: [message(1, 'old'), message(2, 'older')],
      next_cursor: 'a b',
    })
    .json('GET /api/v1/sessions/main/messages?limit=200&cursor=a%20b', 200, {
      messages: [message(3, 'new\u001b[2J')],
      next_cursor: null,
    });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  const { out } = await host.run(['sessions', 'show', 'main', '--limit', '2']);
  assert.equal(out, '1970-01-01 00:00:00  Ann\n  older\n\n1970-01-01 00:00:00  Ann\n  new\n\n');
  assert.equal((await host.run(['sessions', 'show', 'main', '--limit', '0'])).code, 2);
});

test('a key with a slash or a dot stays one part of the path', async () => {
  await using gateway = await ScriptedGateway.listen();
  using host = new FakeHost();
  runningAt(host, gateway.url);
  await host.run(['sessions', 'delete', '../tokens']);
  assert.equal(gateway.asked[0]?.path, '/api/v1/sessions/..%2Ftokens');
});

test('send waits for the delivery and fails with its reason', async () => {
  await using gateway = await ScriptedGateway.listen();
  using host = new FakeHost();
  runningAt(host, gateway.url);
  const line = ['send', '-c', 'telegram', '--channel-id', '-42', '-m', 'hi'];
  gateway.json('POST /api/v1/message?wait=delivered', 200, { success: true, message_id: 'msg_9' });
  assert.deepEqual(await host.run(line), { code: 0, out: 'Delivered (msg_9).\n', err: '' });
  assert.deepEqual(JSON.parse(gateway.asked[0]?.body ?? ''), { channel: 'telegram', target: '-42', content: 'hi' });
  gateway.json('POST /api/v1/message?wait=delivered', 502, {
    success: false,
    error: { code: 'refused', message: 'The bot was blocked by the user.' },
  });
  assert.deepEqual(await host.run(line), {
    code: 1,
    out: '',
    err: 'open-clanker: The bot was blocked by the user.\n',
  });
  assert.equal((await host.run(['send', '-m', 'hi'])).code, 2);
});

test('tokens create prints only the token', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('POST /api/v1/tokens', 201, { id: 'tok_1', name: 'ci', scopes: ['send'], token: 'oc_new' });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  const made = await host.run(['tokens', 'create', '--name', 'ci', '--scopes', 'read, send', '--expires', '30d']);
  assert.deepEqual(made, { code: 0, out: 'oc_new\n', err: '' });
  assert.deepEqual(JSON.parse(gateway.asked[0]?.body ?? ''), { name: 'ci', scopes: ['read', 'send'], expires: '30d' });
  for (const options of [
    ['--name', 'x'],
    ['--scopes', 'read'],
    ['--name', 'x', '--scopes', 'root'],
  ]) {
    assert.equal((await host.run(['tokens', 'create', ...options])).code, 2);
  }
});

test('tokens rotate without an id means the token of this machine', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('POST /api/v1/tokens/operator/rotate', 200, { token: 'oc_rotated' });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.equal((await host.run(['tokens', 'rotate'])).out, 'oc_rotated\n');
});

test('dead clear wants one id or --all, never neither or both', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('DELETE /api/v1/dead', 200, { cleared: 3 }).json('DELETE /api/v1/dead/msg_1', 200, { cleared: 1 });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  assert.equal((await host.run(['dead', 'clear'])).code, 2);
  assert.equal((await host.run(['dead', 'clear', 'msg_1', '--all'])).code, 2);
  assert.equal(gateway.asked.length, 0);
  assert.equal((await host.run(['dead', 'clear', '--all'])).out, 'Cleared 3.\n');
  assert.equal((await host.run(['dead', 'clear', 'msg_1'])).out, 'Cleared 1.\n');
});

test('a gateway that is not ready is exit 1 with the reason', async () => {
  await using gateway = await ScriptedGateway.listen();
  gateway.json('GET /ready', 503, { ready: false, failing: ['store'], warnings: ['slow'], uptimeMs: 5000 });
  using host = new FakeHost();
  runningAt(host, gateway.url);
  const { code, out } = await host.run(['health']);
  assert.equal(code, 1);
  assert.equal(out, 'The gateway is alive and not ready: store; up 5s.\nWarning: slow\n');
});
