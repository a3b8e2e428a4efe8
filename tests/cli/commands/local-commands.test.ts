import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { FakeHost } from '../fake-host.ts';

test('gateway hands its options over and refuses a port that is none', async () => {
  using host = new FakeHost();
  const line = ['-c', 'a.toml', '-v', 'gateway', '--host', '::1', '-p', '0', '--tls'];
  assert.equal((await host.run(line)).code, 0);
  const [options] = host.started;
  assert.equal(options?.file, 'a.toml');
  assert.deepEqual(options?.flags, { host: '::1', port: 0, tls: true, verbose: true });
  for (const port of ['65536', '-1', '80a', '8.5', '123456']) {
    assert.equal((await host.run(['gateway', `--port=${port}`])).code, 2, port);
  }
  assert.equal(host.started.length, 1);
});

test('config generate writes a valid file for its owner only, and never over another', async () => {
  using host = new FakeHost();
  const file = path.join(host.dir, 'config.toml');
  assert.equal((await host.run(['config', 'generate'])).code, 0);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual((await host.run(['config', 'validate'])).out, `${file} is valid.\n`);
  writeFileSync(file, '# mine\n');
  const again = await host.run(['config-generate']);
  assert.equal(again.code, 1);
  assert.match(again.err, /--force/);
  assert.equal(readFileSync(file, 'utf8'), '# mine\n');
  assert.equal((await host.run(['config', 'generate', '--force'])).code, 0);
  assert.notEqual(readFileSync(file, 'utf8'), '# mine\n');
});

test('config generate prints to - and says when it cannot write', async () => {
  using host = new FakeHost();
  const printed = await host.run(['config', 'generate', '-p', '-']);
  assert.match(printed.out, /^\[server\]$/m);
  assert(!existsSync(path.join(host.dir, 'config.toml')));
  const refused = await host.run(['config', 'generate', '-p', 'no/such/folder/x.toml']);
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.match(refused.err, /cannot be written \(ENOENT\)/);
});

test('every problem of a configuration is a line of its own and the exit code is 78', async () => {
  using host = new FakeHost();
  writeFileSync(path.join(host.dir, 'bad.toml'), '[server]\nprot = 1\nport = "x"\n');
  for (const line of [
    ['-c', 'bad.toml', 'config', 'validate'],
    ['-c', 'bad.toml', 'config', 'show'],
  ]) {
    const { code, out, err } = await host.run(line);
    assert.deepEqual([code, out], [78, '']);
    assert.match(
      err,
      /^open-clanker: .*bad\.toml:2:1: server\.prot.*\nopen-clanker: .*bad\.toml:3:1: server\.port.*\n$/,
    );
  }
  const missing = await host.run(['-c', 'none.toml', 'config', 'validate']);
  assert.equal(missing.code, 78);
});

test('config show masks secrets and names the source of each value', async () => {
  using host = new FakeHost();
  writeFileSync(path.join(host.dir, 'config.toml'), '[server]\nport = 4000\n[server.auth]\ntoken = "${T}"\n');
  host.env['T'] = 'abcdefghijklmnopqrstuvwxyz0123';
  host.env['OPEN_CLANKER_SERVER__HOST'] = 'localhost';
  const { out } = await host.run(['config', 'show']);
  assert.match(out, /^server\.port = 4000 {2}# file$/m);
  assert.match(out, /^server\.host = "localhost" {2}# environment OPEN_CLANKER_SERVER__HOST$/m);
  assert.match(out, /^server\.auth\.token = "\[secret\]"/m);
  assert(!out.includes('abcdefghij'));
  const rows = JSON.parse((await host.run(['config', 'show', '--json'])).out) as { key: string; value: unknown }[];
  assert.equal(rows.find(({ key }) => key === 'server.port')?.value, 4000);
});
