import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { folder, migrationsDir, open, openEmpty } from '../open.ts';
import { answered, inboundRow, noon } from '../rows.ts';
import { addJob, begun, finished, fire, fired } from '../schedule-rows.ts';

const hammer = path.join(import.meta.dirname, 'hammer.ts');

/** A closed database with a few rows. */
async function filled(t: TestContext): Promise<string> {
  const file = path.join(folder(t), 'store.db');
  const store = await open(t, file);
  for (let i = 0; i < 20; i++) await answered(store, `m${i}`, { text: 'x'.repeat(2000) });
  await store.close();
  return file;
}

/** Runs the hammer until it has acknowledged something and kills it, so that the log is not brought home. */
async function killedInFlight(t: TestContext): Promise<string> {
  const file = path.join(folder(t), 'store.db');
  const child = spawn(process.execPath, [hammer, file, '100000', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await acknowledgements(child, 5);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return file;
}

async function acknowledgements(child: ChildProcess, wanted: number): Promise<void> {
  let seen = 0;
  for await (const chunk of child.stdout ?? []) {
    seen += String(chunk).split('finished').length - 1;
    if (seen >= wanted) return;
  }
  assert.fail('the child ended early');
}

/** Migrations of the product and then some. */
function migrationsAnd(t: TestContext, sql: string): string {
  const copy = path.join(folder(t), 'migrations');
  mkdirSync(copy);
  const names = readdirSync(migrationsDir).filter((name) => name.endsWith('.sql'));
  for (const name of names) copyFileSync(path.join(migrationsDir, name), path.join(copy, name));
  writeFileSync(path.join(copy, `${String(names.length + 1).padStart(4, '0')}_next.sql`), sql);
  return copy;
}

const schema = readdirSync(migrationsDir).filter((name) => name.endsWith('.sql')).length;
const snapshot = (file: string): string => readFileSync(file).toString('base64');

test('a missing database is made private, in a private folder', async (t) => {
  const file = path.join(folder(t), 'data', 'store.db');
  const store = await open(t, file);
  assert.deepEqual(store.health(), { open: true, detail: 'open' });
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
  for (const name of readdirSync(path.dirname(file))) {
    assert.equal(statSync(path.join(path.dirname(file), name)).mode & 0o777, 0o600, name);
  }
});

test('what was stored is there after closing and opening', async (t) => {
  const file = await filled(t);
  assert.equal(existsSync(`${file}-wal`), false, 'the log was brought home');
  const store = await open(t, file);
  assert.equal((await store.inbound('m19'))?.state, 'done');
  assert.deepEqual(await store.quickCheck(), []);
});

test('a second gateway on the same file is refused and the first goes on', async (t) => {
  const file = path.join(folder(t), 'store.db');
  const first = await open(t, file);
  await assert.rejects(open(t, file), { kind: 'storage', code: 'storage_locked', message: /OPEN_CLANKER_DATA/ });
  const child = spawn(process.execPath, [hammer, file, '1', '1'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(errors, /storage_locked/, 'another process is refused too');
  await first.commitInbound([inboundRow('a')]);
  await first.close();
  const next = await open(t, file);
  assert.equal((await next.inbound('a'))?.id, 'a');
});

test('a database of a newer version is refused with both numbers and left alone', async (t) => {
  const file = await filled(t);
  const newer = new DatabaseSync(file);
  newer.exec('PRAGMA user_version = 999');
  newer.close();
  const before = snapshot(file);
  await assert.rejects(open(t, file), {
    kind: 'storage',
    code: 'newer_schema',
    message: /schema 999 and this version knows \d+: upgrade .* or restore a backup/,
  });
  assert.equal(snapshot(file), before);
});

test('a database of another program is refused and left alone', async (t) => {
  const file = path.join(folder(t), 'store.db');
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE notes (text TEXT)');
  other.close();
  await assert.rejects(open(t, file), { code: 'not_ours' });
  const still = new DatabaseSync(file);
  assert.equal(still.prepare('SELECT COUNT(*) AS n FROM sqlite_schema').get()?.['n'], 1);
  still.close();
});

test('a file that is no database is refused and left alone', async (t) => {
  const file = path.join(folder(t), 'store.db');
  writeFileSync(file, 'dear diary\n'.repeat(100));
  const before = snapshot(file);
  await assert.rejects(open(t, file), { code: 'damaged', message: /restore/i });
  assert.equal(snapshot(file), before);
});

test('a zeroed first page is refused, never replaced by an empty database', async (t) => {
  const file = await filled(t);
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(4096), 0, 4096, 0);
  await assert.rejects(open(t, file), { code: 'damaged', retryable: false });
  assert.ok(statSync(file).size > 4096);
});

test('a truncated database is refused', async (t) => {
  const file = await filled(t);
  truncateSync(file, 3 * 4096);
  await assert.rejects(open(t, file), { code: 'damaged' });
});

test('a zeroed page inside is named by the check, and only what needs it fails', async (t) => {
  const file = await filled(t);
  const db = new DatabaseSync(file);
  const page = Number(db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'tokens'`).get()?.['rootpage']);
  db.close();
  writeSync(openSync(file, 'r+'), Buffer.alloc(4096), 0, 4096, (page - 1) * 4096);
  const store = await open(t, file);
  assert.notDeepEqual(await store.quickCheck(), []);
  const [damaged, fine] = await Promise.allSettled([store.tokens(), store.commitInbound([inboundRow('new')])]);
  assert.equal(damaged.status === 'rejected' && (damaged.reason as { code: string }).code, 'damaged');
  assert.equal(fine.status, 'fulfilled');
  await store.tokens().catch(() => null);
  assert.match(store.health().detail, /damaged/);
});

test('a log that was deleted after a crash is noticed, for acknowledged messages are in it', async (t) => {
  const file = await killedInFlight(t);
  assert.ok(existsSync(`${file}-wal`));
  rmSync(`${file}-wal`);
  await assert.rejects(open(t, file), { code: 'damaged', message: /write-ahead log .* "\.open"/ });
  rmSync(`${file}.open`);
  await (await open(t, file)).counts(0);
});

test('a database that was deleted after a crash is not made anew', async (t) => {
  const file = await killedInFlight(t);
  rmSync(file);
  await assert.rejects(open(t, file), { code: 'damaged' });
  assert.equal(existsSync(file), false);
});

test('a deleted shared-memory file is no loss', async (t) => {
  const file = await killedInFlight(t);
  rmSync(`${file}-shm`);
  const store = await open(t, file);
  assert.ok((await store.counts(0)).sessions >= 5);
});

test('a migration keeps a copy of the file before it', async (t) => {
  const file = await filled(t);
  const store = await open(t, file, { migrationsDir: migrationsAnd(t, 'CREATE TABLE extra (id TEXT) STRICT;') });
  assert.equal((await store.inbound('m3'))?.id, 'm3');
  const copy = `${file}.schema-${schema}.bak`;
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  const old = await open(t, copy);
  assert.equal((await old.inbound('m3'))?.id, 'm3');
});

test('a database of the version before jobs and tasks takes them up, and loses nothing', async (t) => {
  const before = path.join(folder(t), 'migrations');
  mkdirSync(before);
  for (const name of readdirSync(migrationsDir).filter((file) => file < '0014' && file.endsWith('.sql')))
    copyFileSync(path.join(migrationsDir, name), path.join(before, name));
  const file = path.join(folder(t), 'store.db');
  const old = await open(t, file, { migrationsDir: before });
  for (let i = 0; i < 3; i++) await answered(old, `m${i}`);
  await old.close();
  const store = await open(t, file);
  assert.equal((await store.listMessages('api:owner:main', { limit: 9 })).items.length, 6);
  await fire(store, await addJob(store, 'j'), [fired(noon)], null);
  assert.notEqual(await store.finishTask(finished(await begun(store))), null);
  assert.ok(existsSync(`${file}.schema-13.bak`));
  assert.deepEqual(await store.quickCheck(), []);
});

test('a migration that fails half way leaves the database as it was', async (t) => {
  const file = await filled(t);
  const broken = migrationsAnd(t, 'DELETE FROM messages; CREATE TABLE extra (id TEXT) STRICT; SELECT * FROM nowhere;');
  await assert.rejects(open(t, file, { migrationsDir: broken }), { code: 'migration_failed' });
  const store = await open(t, file);
  assert.equal((await store.listMessages('api:owner:main', { limit: 100 })).items.length, 40);
});

test('a migration that is killed half way leaves the database as it was', async (t) => {
  const file = await filled(t);
  const endless = migrationsAnd(
    t,
    `DELETE FROM messages;
     CREATE TABLE extra AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT SUM(i) FROM n;`,
  );
  const started = new Promise<void>((resolve) => {
    const watcher = watch(path.dirname(file), (_, name) => {
      if (name !== `store.db.schema-${schema}.bak`) return;
      watcher.close();
      resolve();
    });
  });
  const script = `
    const { Owner } = await import(${JSON.stringify(path.resolve(import.meta.dirname, '../../../../src/adapters/store/sqlite/owner.ts'))});
    new Owner(${JSON.stringify(file)}, ${JSON.stringify(endless)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  await started;
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await open(t, file);
  assert.equal((await store.listMessages('api:owner:main', { limit: 100 })).items.length, 40);
});

test('migrations with a hole in their numbers are refused before anything is touched', async (t) => {
  const dir = migrationsAnd(t, 'SELECT 1;');
  const file = path.join(folder(t), 'store.db');
  rmSync(path.join(dir, '0001_first.sql'));
  await assert.rejects(open(t, file, { migrationsDir: dir }), { kind: 'storage' });
});

test('a check of the whole file does not hold up the queue', async (t) => {
  const store = await openEmpty(t);
  const check = store.quickCheck();
  const same = store.quickCheck();
  await store.commitInbound([inboundRow('a')]);
  assert.deepEqual(await Promise.all([check, same]), [[], []]);
});

for (const [name, at] of [
  ['at its head', 0],
  ['in its first pages', 32 + 24 + 100],
] as const) {
  test(`a log that is damaged ${name} is refused, and what it still holds stays`, async (t) => {
    const file = await killedInFlight(t);
    writeFileSync(`${file}.open`, String(generationOf(file)));
    const wal = openSync(`${file}-wal`, 'r+');
    writeSync(wal, Buffer.alloc(200, 7), 0, 200, at);
    closeSync(wal);
    const before = readFileSync(`${file}-wal`);
    await assert.rejects(open(t, file), { code: 'damaged', message: /write-ahead log .* damaged.* "\.open"/ });
    assert.deepEqual(readFileSync(`${file}-wal`), before);
    rmSync(`${file}.open`);
    await (await open(t, file)).close();
  });
}

/** What a gateway that ran for a second noted beside the database; read from a copy, as closing brings the log home. */
function generationOf(file: string): number {
  const copy = `${file}.copy`;
  for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
  const db = new DatabaseSync(copy);
  const row = db.prepare('SELECT n FROM generation').get();
  db.close();
  return Number(row?.['n']);
}

test('a folder in the place of the database is said to be one', async (t) => {
  const file = path.join(folder(t), 'store.db');
  mkdirSync(file);
  await assert.rejects(open(t, file), { code: 'not_ours', message: /folder/ });
});
