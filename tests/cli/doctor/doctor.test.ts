import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';
import { other, whyAlone } from '../../support/other-user.ts';

const bin = path.resolve(import.meta.dirname, '../../../bin/open-clanker.cjs');

interface Report {
  ok: boolean;
  findings: { code: string; problem: string; fix: string }[];
}

/** The doctor's codes with a configuration, everything else fresh, nothing listening but what the test gives. */
async function codesWith(toml: string, prepare?: (host: FakeHost) => void): Promise<string[]> {
  using host = new FakeHost();
  const file = path.join(host.dir, 'open-clanker.toml');
  writeFileSync(file, `[server]\nport = 1\n${toml}`, { mode: 0o600 });
  prepare?.(host);
  const { code, out } = await host.run(['doctor', '--json']);
  const { ok, findings } = JSON.parse(out) as Report;
  assert.equal(code, ok ? 0 : 1);
  return findings.map((finding) => finding.code).filter((found) => found !== 'gateway_down');
}

const provider = (url: string, rest = ''): string =>
  `[providers]\ndefault = "openai"\n[providers.openai]\nbase_url = "${url}"\napi_key = "sk-test"\nmodel = "m1"\n${rest}`;
const telegram = (url: string): string =>
  `[channels.telegram]\nbot_token = "123456:ABC-DEF"\napi_root = "${url}"\nallowed_user_ids = [1]\n`;

const listing = { data: [{ id: 'm1' }] };
const answers: [string, number, unknown, string[]][] = [
  ['lists the model', 200, listing, []],
  ['refuses the key', 401, { error: { message: 'bad key' } }, ['provider_key_refused']],
  ['has other models', 200, { data: [{ id: 'other' }] }, ['model_unknown']],
  ['is a page', 200, '<html>', ['base_url_wrong']],
  ['is not found', 404, {}, ['base_url_wrong']],
  ['limits the rate', 429, { error: { code: 'rate_limit' } }, ['provider_rate_limited']],
  ['has no credit', 429, { error: { code: 'insufficient_quota' } }, ['provider_quota']],
  ['is broken', 503, {}, ['provider_failing']],
];
for (const [what, code, body, expected] of answers) {
  test(`a model API that ${what} is told apart`, async () => {
    await using server = await ScriptedGateway.listen();
    server.json('GET /v1/models', code, body);
    assert.deepEqual(await codesWith(provider(`${server.url}/v1`)), expected);
    assert.equal(server.asked[0]?.authorization, 'Bearer sk-test');
  });
}

test('Ollama without the model, without any, and not running are told apart', async () => {
  const config = (url: string): string => `[providers]\ndefault = "ollama"\n[providers.ollama]\nbase_url = "${url}"\n`;
  let url: string;
  {
    await using server = await ScriptedGateway.listen();
    ({ url } = server);
    server.json('GET /api/tags', 200, { models: [{ name: 'llama3.2:latest' }] });
    assert.deepEqual(await codesWith(config(url)), []);
    server.json('GET /api/tags', 200, { models: [{ name: 'other:7b' }] });
    assert.deepEqual(await codesWith(config(url)), ['model_unknown']);
    server.json('GET /api/tags', 200, { models: [] });
    assert.deepEqual(await codesWith(config(url)), ['ollama_empty']);
  }
  assert.deepEqual(await codesWith(config(url)), ['ollama_down']);
});

test('a revoked bot token, a set webhook and a wrong clock are found', async () => {
  await using server = await ScriptedGateway.listen();
  const config = provider(`${server.url}/v1`) + telegram(server.url);
  server.json('GET /v1/models', 200, listing);
  server.json('GET /bot123456:ABC-DEF/getMe', 401, { ok: false });
  assert.deepEqual(await codesWith(config), ['telegram_token_refused']);
  server.json('GET /bot123456:ABC-DEF/getMe', 200, { ok: true, result: { username: 'b' } });
  server.json('GET /bot123456:ABC-DEF/getWebhookInfo', 200, { ok: true, result: { url: 'https://old' } });
  assert.deepEqual(await codesWith(config), ['telegram_webhook_set']);
  server.json('GET /bot123456:ABC-DEF/getWebhookInfo', 200, { ok: true, result: { url: '' } });
  const late = new Date(Date.now() + 600_000).toUTCString();
  for (const [route, body] of [
    ['GET /v1/models', listing],
    ['GET /bot123456:ABC-DEF/getMe', { ok: true, result: { username: 'b' } }],
  ] as const) {
    server.on(route, (response) => void response.writeHead(200, { date: late }).end(JSON.stringify(body)));
  }
  assert.deepEqual(await codesWith(config), ['clock_off']);
});

test('offline nothing is asked', async () => {
  await using server = await ScriptedGateway.listen();
  using host = new FakeHost();
  writeFileSync(
    path.join(host.dir, 'config.toml'),
    `[server]\nport = 1\n${provider(server.url)}${telegram(server.url)}`,
    { mode: 0o600 },
  );
  await host.run(['doctor', '--offline']);
  assert.equal(server.asked.length, 0);
});

test('the state of the files is read as it is', async () => {
  const inData = (name: string, write: (file: string) => void) => (host: FakeHost) => {
    mkdirSync(host.data, { recursive: true });
    write(path.join(host.data, name));
  };
  const database = (sql: string) => (file: string) => {
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
  };
  const name = 'open-clanker.db';
  assert.deepEqual(await codesWith('', inData(name, database('CREATE TABLE t (x)'))), []);
  assert.deepEqual(await codesWith('', inData(name, database('PRAGMA user_version = 9999'))), ['database_newer']);
  assert.deepEqual(
    await codesWith(
      '',
      inData(name, (file) => writeFileSync(file, 'x'.repeat(5000))),
    ),
    ['database_damaged'],
  );
  const large = database('CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(50000))');
  const cut = (file: string): void => {
    large(file);
    truncateSync(file, 20_000);
  };
  assert.deepEqual(await codesWith('', inData(name, large)), []);
  assert.deepEqual(await codesWith('', inData(name, cut)), ['database_damaged']);
  const withoutLog = (file: string): void => {
    large(file);
    writeFileSync(`${file}.open`, '1');
  };
  assert.deepEqual(await codesWith('', inData(name, withoutLog)), ['database_damaged']);
  const open = (file: string): void => {
    writeFileSync(file, 'oc_token');
    chmodSync(file, 0o644);
  };
  assert.deepEqual(await codesWith('', inData('token', open)), ['token_too_open']);
  const stale = (file: string): void => writeFileSync(file, '{"pid":999999999,"url":"http://127.0.0.1:1"}');
  assert.deepEqual(await codesWith('', inData('run.json', stale)), ['run_file_stale']);
  assert.deepEqual(
    await codesWith(provider('http://127.0.0.1:1'), (host) =>
      chmodSync(path.join(host.dir, 'open-clanker.toml'), 0o644),
    ),
    ['config_too_open', 'provider_unreachable'],
  );
});

test('a database that another process holds is found', async () => {
  using host = new FakeHost();
  host.env['OPEN_CLANKER_SERVER__PORT'] = '9'; // whatever else runs on this machine is not meant
  mkdirSync(host.data);
  const file = path.join(host.data, 'open-clanker.db');
  new DatabaseSync(file).close();
  const lock = new DatabaseSync(`${file}.lock`);
  lock.exec('BEGIN EXCLUSIVE');
  const { out } = await host.run(['doctor', '--json']);
  lock.close();
  assert((JSON.parse(out) as Report).findings.some(({ code }) => code === 'database_locked'));
});

test('something else on the port, and a gateway of another data directory, are told apart', async () => {
  await using server = await ScriptedGateway.listen();
  using host = new FakeHost();
  host.env['OPEN_CLANKER_SERVER__PORT'] = new URL(server.url).port;
  const codes = async (): Promise<string[]> =>
    (JSON.parse((await host.run(['doctor', '--json'])).out) as Report).findings.map(({ code }) => code);
  server.json('GET /health', 200, { hello: 'world' });
  assert.deepEqual(await codes(), ['port_in_use']);
  server.json('GET /health', 200, { ok: true, status: 'live' });
  server.json('GET /api/v1/status', 401, {});
  assert.deepEqual(await codes(), ['token_missing']);
  host.env['OPEN_CLANKER_TOKEN'] = 'of-another-gateway';
  mkdirSync(host.data);
  writeFileSync(path.join(host.data, 'token'), 'ours', { mode: 0o600 });
  assert.deepEqual(await codes(), ['token_refused']);
});

test('an invalid and a missing configuration are findings, not failures of the doctor', async () => {
  using host = new FakeHost();
  writeFileSync(path.join(host.dir, 'bad.toml'), '[server]\nprot = 1\n');
  const invalid = await host.run(['-c', 'bad.toml', 'doctor']);
  assert.equal(invalid.code, 1);
  assert.match(invalid.out, /bad\.toml:2:1: server\.prot.* → Mend it/);
  const missing = await host.run(['-c', 'none.toml', 'doctor']);
  assert.match(missing.out, /none\.toml.* → Correct the path after --config/);
});

test(
  'data that this user may not look into are told, whatever else would be looked at there',
  { skip: whyAlone() },
  (t) => {
    const data = mkdtempSync(path.join(tmpdir(), 'clanker-closed-'));
    t.after(() => rmSync(data, { recursive: true }));
    const { stdout, stderr } = spawnSync(process.execPath, [bin, 'doctor', '--offline', '--json'], {
      ...other,
      cwd: '/',
      env: { PATH: process.env['PATH'], HOME: '/', OPEN_CLANKER_DATA: data, OPEN_CLANKER_SERVER__PORT: '1' },
      encoding: 'utf8',
    });
    assert.match(stdout, /"data_not_writable"/, stderr);
  },
);
