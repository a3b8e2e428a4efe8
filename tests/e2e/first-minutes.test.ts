/** A newcomer's first minutes with the built daemon: no configuration, no key, nothing installed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort, runCli, spawnDaemon, startDaemon, type Daemon } from '../support/daemon.ts';
import { ask, chatEvents, connect, type Target } from '../support/gateway-client.ts';

/** Where a model server listens at Ollama's port, the demo has to be asked for. */
async function demoOnly(): Promise<Record<string, string>> {
  const socket = connectTo(11_434, '127.0.0.1');
  const found = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return found ? { OPEN_CLANKER_PROVIDERS__DEFAULT: 'demo' } : {};
}

describe('with no configuration and no key', () => {
  let dir = '';
  let daemon: Daemon;
  let target: Target;

  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'clanker-first-'));
    daemon = await startDaemon({ dir, env: await demoOnly() });
    target = { url: daemon.url, token: daemon.token() };
  });
  after(async () => {
    await daemon.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('says at once where it is, which model answers and how to talk to it', async () => {
    await daemon.printed('open-clanker chat');
    const output = daemon.output();
    assert.match(output, new RegExp(`http://127\\.0\\.0\\.1:${daemon.port}`));
    assert.match(output, /demo/);
    assert.doesNotMatch(output, new RegExp(daemon.token()));
  });

  it('keeps the operator token for its owner only and tells where it runs', () => {
    assert.equal(statSync(path.join(daemon.dataDir, 'token')).mode & 0o777, 0o600);
    assert.ok(daemon.token().length >= 24);
    const run = JSON.parse(readFileSync(path.join(daemon.dataDir, 'run.json'), 'utf8')) as { pid: number; url: string };
    assert.deepEqual(run, { pid: daemon.pid, url: daemon.url });
  });

  it('is live and ready without a token, and says that the demo answers', async () => {
    const anyone = { url: daemon.url, token: '' };
    assert.equal((await ask(anyone, 'GET', '/health')).status, 200);
    const ready = await ask<{ ready: boolean; warnings: string[] }>(anyone, 'GET', '/ready');
    assert.equal(ready.body.ready, true);
    assert.match(ready.body.warnings.join(), /demo/);
  });

  it('answers JSON, SSE and WebSocket with the same shape', async () => {
    const json = await ask(target, 'POST', '/api/v1/chat', { text: 'hello', session: 'shapes' });
    assert.equal(json.status, 200);
    assert.ok((json.body.reply?.text ?? '').length > 0);
    assert.equal(json.body.session, 'api:owner:shapes');

    let streamed = '';
    let finished = '';
    for await (const { event, data } of chatEvents(target, { text: 'hello', session: 'shapes' })) {
      if (event === 'run.delta') streamed += data.text ?? '';
      if (event === 'run.finished') {
        finished = data.reply?.text ?? '';
        assert.deepEqual(Object.keys(data).toSorted(), Object.keys(json.body).toSorted());
      }
    }
    assert.ok(finished.length > 0);
    assert.equal(streamed, finished);

    const socket = await connect(target);
    socket.send('chat.send', { text: 'hello', session: 'shapes' }, 'first');
    const ack = await socket.next(({ type, id }) => type === 'ack' && id === 'first');
    const end = await socket.next(({ type }) => type === 'run.finished');
    assert.equal(end.payload.run_id, ack.payload.run_id);
    assert.deepEqual(Object.keys(end.payload).toSorted(), Object.keys(json.body).toSorted());
    await socket.close();
  });

  it('answers in the terminal with the reply and nothing else', async () => {
    const { code, stdout, stderr } = await runCli({ dir }, 'chat', '-m', 'hello');
    assert.equal(code, 0, stderr);
    const { body } = await ask<{ messages: { role: string; parts: { text?: string }[] }[] }>(
      target,
      'GET',
      '/api/v1/sessions/cli/messages',
    );
    const reply = body.messages.findLast(({ role }) => role === 'assistant');
    assert.equal(
      stdout.trim(),
      reply?.parts
        .map(({ text }) => text)
        .join('')
        .trim(),
    );
  });

  it('reads a message from the standard input', async () => {
    const { code, stdout } = await runCli({ dir, input: 'hello from a pipe\n' }, 'chat', '-m', '-');
    assert.equal(code, 0);
    assert.ok(stdout.trim().length > 0);
  });

  it('is found by the commands through its data directory', async () => {
    for (const command of ['status', 'health']) {
      const { code, stderr, stdout } = await runCli({ dir }, command);
      assert.equal(code, 0, stderr);
      assert.ok(stdout.length > 0);
    }
  });

  it('refuses a second gateway on its data directory in one line, and is not harmed by it', async () => {
    const second = await spawnDaemon({ dir });
    const exit = await second.exit;
    assert.equal(exit.code, 1);
    assert.equal(second.output().trim().split('\n').length, 1, second.output());
    assert.equal((await ask(target, 'GET', '/api/v1/status')).status, 200);
  });

  it('names the fix in one line when its port is taken', async () => {
    const other = mkdtempSync(path.join(tmpdir(), 'clanker-port-'));
    const second = await spawnDaemon({ dir: other, port: daemon.port });
    const exit = await second.exit;
    rmSync(other, { recursive: true, force: true });
    assert.equal(exit.code, 1);
    const lines = second.output().trim().split('\n');
    assert.equal(lines.length, 1, second.output());
    assert.match(lines[0] ?? '', new RegExp(`${daemon.port}.*--port`));
  });
});

describe('a stop', () => {
  it('ends with 0, takes run.json away and keeps the token and the history', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-stop-'));
    try {
      const first = await startDaemon({ dir });
      const token = first.token();
      await ask({ url: first.url, token }, 'POST', '/api/v1/chat', { text: 'remember me', session: 'kept' });
      const { code } = await first.stop();
      assert.equal(code, 0, first.output());
      assert.equal(existsSync(path.join(dir, 'data/run.json')), false);

      const second = await startDaemon({ dir });
      assert.equal(second.token(), token);
      const target = { url: second.url, token };
      const { body } = await ask<{ messages: unknown[] }>(target, 'GET', '/api/v1/sessions/kept/messages');
      assert.equal(body.messages.length, 2);
      await second.stop();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('leaves a command that needs a gateway with one line on how to start it', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-none-'));
    try {
      const { code, stderr } = await runCli(
        { dir, env: { OPEN_CLANKER_SERVER__PORT: String(await freePort()) } },
        'status',
      );
      assert.equal(code, 1);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      assert.match(stderr, /start it with/i);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
