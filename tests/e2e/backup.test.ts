/** Backup and restore of the built daemon, as an operator does them, and its log. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { bin, cleanEnv, runCli, spawnDaemon, startDaemon, type Daemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';

function place(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-backup-e2e-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function started(t: TestContext, options: Parameters<typeof startDaemon>[0]): Promise<Daemon> {
  const daemon = await startDaemon(options);
  t.after(() => daemon.kill());
  return daemon;
}

/** No gateway of this machine answers there, whatever runs on it. */
const nobody = { OPEN_CLANKER_SERVER__PORT: '1' };

/** What the person said in the session of the terminal. */
async function texts(dir: string): Promise<string[]> {
  const { stdout } = await runCli({ dir }, 'sessions', 'export', 'cli');
  const lines = stdout.trim().split('\n').slice(1);
  const messages = lines.map((line) => (JSON.parse(line) as { message: { role: string; text: string } }).message);
  return messages.filter(({ role }) => role === 'user').map(({ text }) => text);
}

test('a backup of a running gateway is restored into it: what was said before is there, what was said after lies aside', async (t) => {
  const dir = place(t);
  const daemon = await started(t, { dir });
  const say = (text: string) => runCli({ dir }, 'chat', '-m', text);
  assert.equal((await say('before')).code, 0);
  const made = await runCli({ dir }, 'backup', 'kept');
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /every row is accounted for/);
  assert.match((await runCli({ dir }, 'backup', 'kept')).stderr, /is there already/);
  assert.equal((await say('after')).code, 0);

  const follow = spawn(process.execPath, [bin, 'logs', '-f', '--json'], { cwd: dir, env: cleanEnv(dir) });
  t.after(() => follow.kill('SIGKILL'));
  let followed = '';
  const seen = new Promise<void>((resolve) => {
    follow.stdout.setEncoding('utf8').on('data', (text: string) => {
      followed += text;
      if (followed.includes('a backup was restored; every row is accounted for')) resolve();
    });
  });
  const refused = await runCli({ dir }, 'restore', 'kept');
  assert.equal(refused.code, 2);
  const restored = await runCli({ dir }, 'restore', 'kept', '--yes', '--json');
  assert.equal(restored.code, 0, restored.stderr + daemon.output());
  const told = (JSON.parse(restored.stdout) as { restored: { problems: string[]; rows: number; before: string } })
    .restored;
  assert.deepEqual(told.problems, []);
  assert.ok(told.rows > 0 && existsSync(path.join(told.before, 'open-clanker.db')));
  assert.deepEqual(await texts(dir), ['before']);
  await seen;
  assert.match(followed, /a backup takes the place of the data/);
  const log = await runCli({ dir }, 'audit', 'log', '--action', 'backup.restored', '--json');
  assert.match(log.stdout, /"operator"/);
  assert.equal((await say('again')).code, 0);
  const stopped = await daemon.stop();
  assert.deepEqual([stopped.code, stopped.signal], [0, null], 'signals are those of the one that runs');

  const offline = await runCli({ dir, env: nobody }, 'restore', 'kept', '--yes');
  assert.equal(offline.code, 0, offline.stderr);
  await started(t, { dir });
  assert.deepEqual(await texts(dir), ['before']);
});

test('a gateway that is killed while it begins anew does so with its next start', async (t) => {
  const dir = place(t);
  const daemon = await started(t, { dir });
  await runCli({ dir }, 'chat', '-m', 'before');
  await runCli({ dir }, 'backup', 'kept');
  await runCli({ dir }, 'chat', '-m', 'after');
  const { status } = await ask({ url: daemon.url, token: daemon.token() }, 'POST', '/api/v1/restore', {
    path: path.join(dir, 'kept'),
  });
  assert.equal(status, 202);
  await daemon.kill();
  const next = await started(t, { dir });
  assert.deepEqual(await texts(dir), ['before']);
  assert.match(next.output() + daemon.output(), /every row is accounted for/);
  assert.equal(readdirSync(next.dataDir).includes('restoring'), false);
});

test('a backup that is damaged is refused with the reason, and the gateway goes on as it was', async (t) => {
  const dir = place(t);
  const daemon = await started(t, { dir });
  await runCli({ dir }, 'chat', '-m', 'before');
  await runCli({ dir }, 'backup', 'kept');
  const file = path.join(dir, 'kept/open-clanker.db');
  const bytes = readFileSync(file);
  bytes.fill(1, 4096, 4200);
  writeFileSync(file, bytes);
  const refused = await runCli({ dir }, 'restore', 'kept', '--yes');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /not what was kept.*Nothing was changed/);
  assert.deepEqual(await texts(dir), ['before']);
  await daemon.stop();
  const offline = await runCli({ dir, env: nobody }, 'restore', 'kept', '--yes');
  assert.equal(offline.code, 2);
  assert.match(offline.stderr, /not what was kept/);
});

test('without a gateway the log is read from its file, rotated ones too, and a second command is told where it went', async (t) => {
  const dir = place(t);
  const rotation = '[logging]\noutput = "file"\nlevel = "debug"\n[logging.rotation]\nmax_size = "64KB"\nkeep = 3\n';
  const daemon = await spawnDaemon({ dir, config: rotation });
  await daemon.stop().catch(() => undefined);
  const file = path.join(daemon.dataDir, 'open-clanker.log');
  const line = (n: number, level = 'info'): string =>
    `${JSON.stringify({ time: new Date(1_800_000_000_000 + n * 1000).toISOString(), level, service: 'x', message: `line ${n}` })}\n`;
  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => line(from + i, i % 2 === 0 ? 'info' : 'warn')).join('');
  writeFileSync(`${file}.2`, lines(0, 1000));
  writeFileSync(`${file}.1`, lines(1000, 2000));
  writeFileSync(file, lines(2000, 2010));
  const config = ['--config', path.join(dir, 'config.toml')];
  const shown = async (...args: string[]): Promise<string[]> => {
    const { stdout, stderr } = await runCli({ dir, env: nobody }, ...config, 'logs', ...args);
    assert.equal(stderr, '');
    return stdout
      .trim()
      .split('\n')
      .map((text) => /line \d+/.exec(text)?.[0] ?? text);
  };
  assert.deepEqual(await shown('-n', '3'), ['line 2007', 'line 2008', 'line 2009']);
  const long = await shown('--lines', '1500');
  assert.deepEqual([long.length, long[0], long.at(-1)], [1500, 'line 510', 'line 2009']);
  assert.deepEqual(await shown('-n', '2', '--level', 'warn'), ['line 2007', 'line 2009']);
  const since = new Date(1_800_000_000_000 + 1995 * 1000).toISOString();
  assert.equal((await shown('--since', since)).length, 15);
  const none = await runCli({ dir: place(t), env: nobody }, 'logs');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /goes to standard output/);
});
