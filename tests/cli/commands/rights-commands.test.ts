import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';

async function rig(t: TestContext) {
  const gateway = await ScriptedGateway.listen();
  const host = new FakeHost();
  t.after(async () => {
    host[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  });
  const lines = (route: string, values: unknown[]): void => {
    const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
    gateway.on(route, (response) => void response.writeHead(200).end(text));
  };
  return { gateway, host, lines, run: (...line: string[]) => host.run([...line, '--url', gateway.url]) };
}

const exportRoute = 'GET /api/v1/people/per_1/export';
const rows = [
  { export: { format: 'open-clanker-person', version: 1, person: 'per_1' } },
  { table: 'files', row: { id: 'file_1' } },
  { file: 'file_1', piece: 0, base64: Buffer.from('Hello ').toString('base64') },
  { file: 'file_1', piece: 1, base64: Buffer.from('Ada').toString('base64') },
  { table: 'notes', row: { title: 'one' } },
  { table: 'notes', row: { title: 'two' } },
  { path: 'letters/bo.txt', piece: 0, base64: Buffer.from('Dear Bo').toString('base64') },
  { path: 'huge.bin', problem: 'It is too large.' },
];
const sha256 = createHash('sha256')
  .update(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  .digest('hex');
const end = { end: { rows: { files: 1, notes: 2 }, sha256 } };

test('an export becomes a folder that a person can open', async (t) => {
  const { host, lines, run } = await rig(t);
  lines(exportRoute, [...rows, end]);
  const { code, out } = await run('people', 'export', 'per_1');
  const folder = path.join(host.dir, 'open-clanker-per_1');
  assert.equal(code, 0);
  assert.equal(out, `Everything is in ${folder}:\n  files.jsonl  1 row\n  notes.jsonl  2 rows\n`);
  assert.equal(readFileSync(path.join(folder, 'notes.jsonl'), 'utf8'), '{"title":"one"}\n{"title":"two"}\n');
  assert.equal(readFileSync(path.join(folder, 'files', 'file_1'), 'utf8'), 'Hello Ada');
  assert.equal(readFileSync(path.join(folder, 'folder', 'letters', 'bo.txt'), 'utf8'), 'Dear Bo');
  assert.match(readFileSync(path.join(folder, 'missing.jsonl'), 'utf8'), /too large/);
  assert.match((await run('people', 'export', 'per_1')).err, /is not empty; name another folder with --to/);
  assert.equal((await run('people', 'export', 'per_1', '--to', '-')).out.split('\n').length, rows.length + 2);
});

test('an export into a place that cannot be written to says so, and is no bug', async (t) => {
  const { run } = await rig(t);
  const { code, err } = await run('people', 'export', 'owner', '--to', '/dev/null/mine');
  assert.equal(code, 1);
  assert.match(err, /^open-clanker: \/dev\/null.* cannot be used: [^\n]*\.\n$/);
});

test('an export that was cut off or changed on its way is not taken for whole', async (t) => {
  const { lines, run } = await rig(t);
  for (const [name, values] of Object.entries({ cut: rows, changed: [...rows.slice(1), end] })) {
    lines(exportRoute, values);
    const { code, err } = await run('people', 'export', 'per_1', '--to', name);
    assert.equal(code, 1);
    assert.match(err, /not whole/);
  }
});

test('an export cannot write outside of its folder', async (t) => {
  const { lines, run } = await rig(t);
  for (const [name, line] of Object.entries({
    table: { table: '../evil', row: {} },
    file: { file: '../evil', piece: 0, base64: '' },
    hidden: { file: '..', piece: 0, base64: '' },
    above: { path: 'a/../../evil', piece: 0, base64: '' },
    root: { path: '/etc/evil', piece: 0, base64: '' },
  })) {
    lines(exportRoute, [line]);
    assert.equal((await run('people', 'export', 'per_1', '--to', name)).code, 1, name);
  }
});

test('nobody is erased by half a command', async (t) => {
  const { gateway, run } = await rig(t);
  const asked = await run('people', 'erase', 'per_1');
  assert.equal(asked.code, 2);
  assert.match(asked.err, /add --yes/);
  assert.equal(gateway.asked.length, 0);
  const receipt = {
    person: 'per_1',
    begunAt: 0,
    finishedAt: 0,
    removed: { messages: 12 },
    compacted: true,
    kept: ['The audit log.'],
    digest: 'abc',
  };
  gateway.json('POST /api/v1/people/per_1/erase', 200, receipt);
  assert.equal(
    (await run('people', 'erase', 'per_1', '--yes')).out,
    'per_1 was erased, 1970-01-01T00:00:00.000Z.\n  messages: 12\nWhat stays:\n  The audit log.\nReceipt: abc\n',
  );
});

test('the audit log is listed and verified, and "audit" alone is another command', async (t) => {
  const { gateway, run } = await rig(t);
  const row = {
    seq: 1,
    at: 0,
    actor: { kind: 'token', id: 'tok_1', person: 'owner' },
    name: 'laptop',
    action: 'role.set',
    subject: 'per_1',
    metadata: { role: 'guest' },
    hash: '',
  };
  gateway.json('GET /api/v1/audit?limit=50&action=role.set&since=2026-01-31T00%3A00%3A00.000Z', 200, { audit: [row] });
  assert.equal(
    (await run('audit', 'log', '--action', 'role.set', '--since', '2026-01-31')).out,
    '1970-01-01T00:00:00.000Z  role.set  per_1  by tok_1 (laptop)  {"role":"guest"}\n',
  );
  assert.equal((await run('audit', 'log', '--since', 'soon')).code, 2);
  gateway.json('GET /api/v1/audit/verify', 200, { ok: true, rows: 7, head: 'ff', broken: null });
  assert.equal((await run('audit', 'verify')).out, 'All 7 rows are what was written; the last hash is ff.\n');
  const broken = { seq: 3, detail: 'The row is not what was written.' };
  gateway.json('GET /api/v1/audit/verify', 200, { ok: false, rows: 2, head: 'ff', broken });
  const found = await run('audit', 'verify');
  assert.equal(found.code, 1);
  assert.match(found.out, /^Row 3 is the first that does not fit/);
});

test('a session goes out to a file and comes in from it', async (t) => {
  const { gateway, host, lines, run } = await rig(t);
  const file = [{ session: { key: 'api:owner:main' } }, { message: { role: 'user', text: 'hi\u009b' } }];
  lines('GET /api/v1/sessions/main/export', file);
  const { out } = await run('sessions', 'export', 'main');
  assert.ok(!out.includes('\u009b'));
  writeFileSync(path.join(host.dir, 'main.jsonl'), out);
  gateway.json('POST /api/v1/sessions/import?session=again', 201, { key: 'api:owner:again', messageCount: 1 });
  assert.equal(
    (await run('sessions', 'import', 'main.jsonl', '--session', 'again')).out,
    '1 messages are in the session api:owner:again.\n',
  );
  assert.equal(gateway.asked.at(-1)?.body, out);
  assert.match((await run('sessions', 'import', 'nothing.jsonl')).err, /cannot be read/);
});
