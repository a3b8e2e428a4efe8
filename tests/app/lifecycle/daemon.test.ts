/** The life of the daemon as a process: what stops its start, and what its signals do. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import {
  bin,
  cleanEnv,
  type Daemon,
  type DaemonOptions,
  isReady,
  spawnDaemon,
  startDaemon,
} from '../../support/daemon.ts';
import { ask } from '../../support/gateway-client.ts';

assert.ok(existsSync(bin));

function folder(t: TestContext): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'open-clanker-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function started(t: TestContext, options: DaemonOptions): Promise<Daemon> {
  const daemon = await startDaemon(options);
  t.after(() => daemon.kill());
  return daemon;
}

/** A daemon that must not start: its code and what it says. */
async function refused(options: DaemonOptions): Promise<{ code: number | null; said: string }> {
  const daemon = await spawnDaemon(options);
  const { code } = await daemon.exit;
  return { code, said: daemon.output() };
}

const demo = '[providers]\ndefault = "demo"\n';
const withStack = /\n\s+at .*:\d+/;

/** A provider that takes every request and never answers. */
async function silentServer(t: TestContext): Promise<number> {
  const server: Server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('what stops the start is one line that says so, without a stack', async (t) => {
  const dir = folder(t);
  const daemon = await started(t, { dir, config: demo });
  const taken = await refused({ dir: folder(t), config: demo, port: daemon.port });
  assert.equal(taken.code, 1);
  assert.match(taken.said, new RegExp(`${daemon.port}`));
  await daemon.stop();

  const [file] = readdirSync(daemon.dataDir).filter((name) => name.endsWith('.db'));
  assert.ok(file !== undefined);
  const database = path.join(daemon.dataDir, file);

  const newer = new DatabaseSync(database);
  newer.exec('PRAGMA user_version = 9999');
  newer.close();
  const tooNew = await refused({ dir, config: demo });

  writeFileSync(database, 'this is no database '.repeat(500));
  const damaged = await refused({ dir, config: demo });

  const blocked = folder(t);
  mkdirSync(path.join(blocked, 'data'));
  writeFileSync(path.join(blocked, 'file'), '');
  const unwritable = await refused({
    dir: blocked,
    config: demo,
    env: { OPEN_CLANKER_DATA: path.join(blocked, 'file', 'data') },
  });

  for (const [name, { code, said }] of Object.entries({ taken, tooNew, damaged, unwritable })) {
    assert.equal(code, name === 'unwritable' ? 78 : 1, `${name}: ${said}`);
    assert.doesNotMatch(said, withStack, name);
    const lines = said.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    assert.equal(lines.length, 1, `${name}: ${said}`);
  }
  const wrong = await refused({ dir: folder(t), config: 'nonsense = 1\n' });
  assert.equal(wrong.code, 78);
  assert.doesNotMatch(wrong.said, withStack);
});

test('a gateway that is stopped while it starts ends cleanly', async (t) => {
  const dir = folder(t);
  const daemon = await spawnDaemon({ dir, config: demo });
  t.after(() => daemon.kill());
  while (!readdirSync(daemon.dataDir).some((name) => name.endsWith('.db'))) await sleep(1);
  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.output());
  assert.ok(!existsSync(path.join(daemon.dataDir, 'run.json')));
});

test('a second SIGTERM does not wait for what still runs, and the message is answered after the restart', async (t) => {
  const port = await silentServer(t);
  const dir = folder(t);
  const silent = `[providers]\ndefault = "silent/m1"\n[providers.silent]\nbase_url = "http://127.0.0.1:${port}/v1"\nmodel = "m1"\n`;
  const daemon = await started(t, { dir, config: silent });
  const request = ask({ url: daemon.url, token: daemon.token() }, 'POST', '/api/v1/chat', {
    text: 'hello',
    idempotency_key: 'k',
  }).catch(() => undefined);
  const target = { url: daemon.url, token: daemon.token() };
  const running = async (): Promise<number> =>
    (await ask<{ queues: { running: number } }>(target, 'GET', '/api/v1/status')).body.queues.running;
  while ((await running()) === 0) await sleep(5);
  daemon.signal('SIGTERM');
  // Two signals that come before the first was heard are one.
  while (await isReady(daemon.port)) await sleep(5);
  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.exit, { code: 1, signal: null });
  await request;
  const again = await started(t, { dir, config: demo });
  const { body } = await ask<{ reply: { text: string } }>(
    { url: again.url, token: again.token() },
    'POST',
    '/api/v1/chat',
    { text: 'hello', idempotency_key: 'k' },
  );
  assert.ok(body.reply.text.length > 0);
  assert.equal((await again.stop()).code, 0);
});

test('a run that never answers does not hold up the stop, and who waits is told', async (t) => {
  const port = await silentServer(t);
  const silent = `[providers]\ndefault = "silent/m1"\n[providers.silent]\nbase_url = "http://127.0.0.1:${port}/v1"\nmodel = "m1"\n`;
  const daemon = await started(t, { dir: folder(t), config: silent });
  const target = { url: daemon.url, token: daemon.token() };
  const waiting = [1, 2].map((n) =>
    ask<{ error: { code: string } }>(target, 'POST', '/api/v1/chat', { text: `${n}`, idempotency_key: `k${n}` }),
  );
  const queued = async (): Promise<boolean> => {
    const { queues } = (await ask<{ queues: { inbox: number; running: number } }>(target, 'GET', '/api/v1/status'))
      .body;
    return queues.running === 1 && queues.inbox === 1;
  };
  while (!(await queued())) await sleep(5);
  const { code } = await daemon.stop();
  assert.equal(code, 0);
  for (const answer of await Promise.all(waiting)) assert.equal(answer.body.error.code, 'restarting');
});

test('a storm of SIGHUPs is a few reloads, and one that cannot be read through changes nothing', async (t) => {
  const dir = folder(t);
  const daemon = await started(t, { dir, config: `${demo}[server]\nallowed_hosts = ["one.example"]\n` });
  const target = { url: daemon.url, token: daemon.token() };
  const reloads = (): number => daemon.output().split('configuration reloaded').length - 1;
  for (let n = 0; n < 40; n++) {
    daemon.signal('SIGHUP');
    if (n % 10 === 9) await sleep(20);
  }
  await daemon.printed('configuration reloaded');
  await sleep(300);
  assert.ok(reloads() <= 12, `${reloads()} reloads`);

  const before = (await ask(target, 'GET', '/api/v1/config')).body;
  writeFileSync(
    path.join(dir, 'config.toml'),
    `${demo}[agent]\nsystem_prompt = "never"\n[server]\nallowed_hosts = ["two.example"]\n[server.tls]\ncert_path = "${dir}/none.pem"\nkey_path = "${dir}/none.pem"\n`,
  );
  daemon.signal('SIGHUP');
  await daemon.printed('was rejected');
  assert.deepEqual((await ask(target, 'GET', '/api/v1/config')).body, before);
  const { body } = await ask<{ configError: string }>(target, 'GET', '/api/v1/status');
  assert.match(body.configError, /server\.tls/);
  assert.equal((await daemon.stop()).code, 0);
});

test('a file that a reload brought in is watched from then on', async (t) => {
  const dir = folder(t);
  const daemon = await started(t, { dir, config: demo });
  const secrets = path.join(dir, 'secrets');
  mkdirSync(secrets);
  const key = path.join(secrets, 'key');
  writeFileSync(key, 'the-first-key-of-the-model');
  const reloads = (): number => daemon.output().split('configuration reloaded').length - 1;
  const provider = `[providers.extra]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m1"\napi_key_file = "${key}"\n`;
  writeFileSync(path.join(dir, 'config.toml'), demo + provider);
  await daemon.printed(() => reloads() >= 1);
  const seen = reloads();
  writeFileSync(key, 'the-second-key-of-the-model');
  await daemon.printed(() => reloads() > seen);
});

/** A certificate for this machine, by openssl; null where there is none. */
function certificate(dir: string, name: string): { cert: string; key: string } | null {
  const [cert, key] = [path.join(dir, `${name}.pem`), path.join(dir, `${name}.key`)];
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj';
  const made = spawnSync('openssl', [...args.split(' '), `/CN=${name}`, '-keyout', key, '-out', cert]);
  return made.status === 0 ? { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } : null;
}

/** Who the gateway says it is to a new connection. */
async function presented(port: number): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

test('a certificate and a key that do not belong together stop the start, and a renewed pair is taken up', async (t) => {
  const dir = folder(t);
  const [first, second] = [certificate(dir, 'first'), certificate(dir, 'second')];
  if (first === null || second === null) return t.skip('there is no openssl');
  const config = `${demo}[server.tls]\ncert_path = "used.pem"\nkey_path = "used.key"\n`;
  const put = ({ cert }: { cert: string }, { key }: { key: string }): void => {
    writeFileSync(path.join(dir, 'used.pem'), cert);
    writeFileSync(path.join(dir, 'used.key'), key);
  };
  put(first, second);
  const { code, said } = await refused({ dir, config });
  assert.equal(code, 78, said);
  assert.match(said, /used\.pem and .*used\.key cannot be served \(.*mismatch/);
  assert.doesNotMatch(said, withStack);

  put(first, first);
  const daemon = await spawnDaemon({ dir, config });
  t.after(() => daemon.kill());
  await daemon.printed('talk to it');
  assert.equal(await presented(daemon.port), 'first');
  put(second, first);
  await daemon.printed('was rejected');
  assert.equal(await presented(daemon.port), 'first');
  put(second, second);
  await daemon.printed('configuration reloaded');
  assert.equal(await presented(daemon.port), 'second');
});

test('what only a restart takes up is said, and until then nothing works by it', async (t) => {
  const dir = folder(t);
  const daemon = await started(t, { dir, config: demo });
  const target = { url: daemon.url, token: daemon.token() };
  const other = path.join(dir, 'elsewhere.db');
  const write = (text: string): void => writeFileSync(path.join(dir, 'config.toml'), demo + text);
  write(
    `[database]\npath = "${other}"\n[logging]\nformat = "logfmt"\n[server]\nmax_body = "2KB"\n[server.tls]\ncert_path = "none"\nkey_path = "none"\n`,
  );
  await daemon.printed('was rejected');
  write(`[database]\npath = "${other}"\n[logging]\nformat = "logfmt"\n[server]\nmax_body = "2KB"\n`);
  await daemon.printed('database.path, logging changed');
  const warnings = async (): Promise<string> =>
    (await ask<{ warnings: string[] }>(target, 'GET', '/api/v1/status')).body.warnings.join();
  assert.match(await warnings(), /database\.path, logging changed in the configuration .* restarted/);
  assert.equal((await ask(target, 'POST', '/api/v1/chat', { text: 'x'.repeat(3000) })).status, 413);
  const to = path.join(dir, 'backup');
  assert.equal((await ask(target, 'POST', '/api/v1/backup', { path: to })).status, 201);
  assert.ok(statSync(path.join(to, 'open-clanker.db')).size > 100_000, 'what the gateway works with is backed up');
  assert.ok(!existsSync(other));
  write('');
  await daemon.printed((output) => output.split('configuration reloaded').length > 2);
  assert.doesNotMatch(await warnings(), /restarted/);
});

test('a configuration that was found and is gone is kept in force', async (t) => {
  const dir = folder(t);
  const file = path.join(dir, 'open-clanker.toml');
  writeFileSync(file, `${demo}[agent]\nsystem_prompt = "kept"\n`);
  const daemon = await started(t, { dir });
  const target = { url: daemon.url, token: daemon.token() };
  rmSync(file);
  await daemon.printed('was rejected');
  const { body } = await ask<{ configError: string | null }>(target, 'GET', '/api/v1/status');
  assert.match(body.configError ?? '', /open-clanker\.toml: the file is gone/);
  const kept = JSON.stringify((await ask(target, 'GET', '/api/v1/config')).body);
  assert.match(kept, /"kept"/);
  writeFileSync(file, demo);
  await daemon.printed('configuration reloaded');
});

test('a second gateway on the same data says which process is in its way', async (t) => {
  const dir = folder(t);
  const daemon = await started(t, { dir, config: demo });
  const { code, said } = await refused({ dir, config: demo });
  assert.equal(code, 1);
  assert.match(said, new RegExp(`Another gateway .* "kill ${daemon.pid}" stops it`));
});

test('a database that vanished while the gateway stood still is not made anew without a word', async (t) => {
  const dir = folder(t);
  const first = await started(t, { dir, config: demo });
  await first.stop();
  assert.doesNotMatch(first.output(), /new database/);
  rmSync(path.join(first.dataDir, 'open-clanker.db'));
  const second = await started(t, { dir, config: demo });
  assert.match(second.output(), /a new database is begun at .*restore a backup/);
});

test('a terminal that is closed stops the gateway that was started in it; a signal from elsewhere reloads', async (t) => {
  const dir = folder(t);
  // `script` of util-linux holds the other end of a terminal.
  const command = `exec '${process.execPath}' '${bin}' gateway --port 0`;
  const terminal = spawn('script', ['-qfc', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...cleanEnv(dir), SHELL: '/bin/sh' },
    cwd: dir,
  });
  t.after(() => terminal.kill('SIGKILL'));
  if (!(await once(terminal, 'spawn').then(isTrue, () => false))) return t.skip('there is no script(1)');
  let said = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const until = async (wanted: string): Promise<void> => {
    while (!said.includes(wanted)) await once(terminal.stdout, 'data');
  };
  await until('talk to it');
  const run = path.join(dir, 'data', 'run.json');
  const { pid } = JSON.parse(readFileSync(run, 'utf8')) as { pid: number };
  t.after(() => existsSync(run) && process.kill(pid, 'SIGKILL'));
  process.kill(pid, 'SIGHUP');
  await until('configuration reloaded');
  terminal.kill('SIGKILL');
  while (existsSync(run)) await sleep(20);
});

const isTrue = (): boolean => true;
