import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { SqliteStore } from '../../../../src/adapters/store/sqlite/index.ts';
import { folder, open } from '../open.ts';
import { idsOf, kills, needsTrace, runHammer, type Told } from './hammering.ts';

const run = (file: string, count: number, parallel: number, how: Parameters<typeof runHammer>[2] = {}): Promise<Told> =>
  runHammer('hammer', [file, count, parallel], how);

/** All that was acknowledged is there, and nothing is there by half. */
async function requireWhole(store: SqliteStore, lines: string[]): Promise<void> {
  for (const id of idsOf(lines, 'inbound')) {
    const story = await store.trace(id);
    assert.ok(story !== null, `${id} was acknowledged and is lost`);
    const { items } = await store.listMessages(`session-${id}`, { limit: 10 });
    const shape = [
      story.inbox.state,
      story.run?.state ?? null,
      items.map((message) => message.role),
      story.outbox.length,
    ];
    const whole = [
      ['queued', null, [], 0],
      ['running', 'running', ['user'], 0],
      ['done', 'finished', ['user', 'assistant'], 1],
    ];
    assert.ok(
      whole.some((one) => JSON.stringify(one) === JSON.stringify(shape)),
      `${id} is half: ${JSON.stringify(shape)}`,
    );
  }
  for (const id of idsOf(lines, 'sent'))
    assert.equal((await store.outbound(`out-${id}`))?.state, 'sent', `${id} is lost`);
  for (const id of idsOf(lines, 'finished'))
    assert.equal((await store.inbound(id))?.state, 'done', `the end of ${id} is lost`);
}

test('a process that is killed in full flight loses nothing that it acknowledged and leaves nothing by half', async (t) => {
  const dir = folder(t);
  for (let kill = 0; kill < kills; kill++) {
    const file = path.join(dir, `store-${kill}.db`);
    const { lines } = await run(file, 100_000, 20, { killAfter: 30 + 47 * kill });
    const store = await open(t, file);
    await requireWhole(store, lines);
    assert.deepEqual(await store.quickCheck(), []);
    const running = (await store.counts(0)).inboxRunning;
    assert.equal(await store.recoverRuns(), running);
    await store.close();
  }
});

/** A store whose schema is there: what fails next is the work, however many migrations there are. */
async function made(t: TestContext, file: string): Promise<string> {
  await (await open(t, file)).close();
  return file;
}

const failingFsyncs = (when: string): string[] => [
  '-o',
  '/dev/null',
  '-e',
  'trace=fsync,fdatasync',
  '-e',
  `inject=fsync,fdatasync:error=EIO:when=${when}`,
];

async function healthyAfter(t: TestContext, file: string, told: Told, code: string): Promise<void> {
  assert.equal(told.code, 0, told.lines.slice(-3).join(' | '));
  assert.equal(told.lines.at(-1), 'closed', 'the process went on by itself');
  assert.ok(idsOf(told.lines, 'error').includes(code), `no ${code} was met`);
  const store = await open(t, file);
  await requireWhole(store, told.lines);
  const { inboxQueued, inboxRunning, outboxPending } = await store.counts(0);
  assert.deepEqual([inboxQueued, inboxRunning, outboxPending], [0, 0, 0], 'no claim is stuck');
  assert.deepEqual(await store.quickCheck(), []);
  await store.close();
}

test('failing fsyncs are never acknowledged, strand no claim, and the store goes on', needsTrace(), async (t) => {
  const file = await made(t, path.join(folder(t), 'store.db'));
  await healthyAfter(t, file, await run(file, 10, 4, { strace: failingFsyncs('10..90+7') }), 'storage_io');
});

test('a claim whose commit failed and came back from the log is taken back', needsTrace(), async (t) => {
  const dir = folder(t);
  // A turn is five commits: one of five starts in a row hits each kind of claim.
  for (let first = 12; first < 17; first++) {
    const file = await made(t, path.join(dir, `store-${first}.db`));
    const told = await run(file, 10, 1, { strace: failingFsyncs(`${first}..${first + 6}`) });
    await healthyAfter(t, file, told, 'storage_io');
  }
});

test('failing writes are never acknowledged, strand no claim, and the store goes on', needsTrace(), async (t) => {
  const file = await made(t, path.join(folder(t), 'store.db'));
  const strace = ['-o', '/dev/null', '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:error=EIO:when=100..3000+151'];
  await healthyAfter(t, file, await run(file, 15, 4, { strace }), 'storage_io');
});

test('a disk without space refuses, and the store goes on when there is space again', needsTrace(), async (t) => {
  const file = await made(t, path.join(folder(t), 'store.db'));
  const strace = ['-o', '/dev/null', '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:error=ENOSPC:when=100..160'];
  await healthyAfter(t, file, await run(file, 15, 4, { strace }), 'storage_full');
});

test('every acknowledgement comes after an fsync of the log that came after its write', needsTrace(), async (t) => {
  const dir = folder(t);
  const log = path.join(dir, 'trace.txt');
  const strace = ['-o', log, '-y', '-s', '64', '-e', 'trace=pwrite64,fdatasync,fsync,write'];
  const { code } = await run(path.join(dir, 'store.db'), 10, 1, { strace });
  assert.equal(code, 0);
  let acknowledged = 0;
  let unsynced = false;
  const syncing = new Set<string>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const thread = line.split(' ', 1)[0] ?? '';
    if (/pwrite64\(\d+<[^>]*-wal>/.test(line)) unsynced = true;
    else if (/(fdatasync|fsync)\(\d+<[^>]*-wal>.*= 0/.test(line)) unsynced = false;
    else if (/(fdatasync|fsync)\(\d+<[^>]*-wal> <unfinished/.test(line)) syncing.add(thread);
    else if (/<\.\.\. (fdatasync|fsync) resumed>.*= 0/.test(line) && syncing.delete(thread)) unsynced = false;
    else if (/write\(1<[^>]*>, "(inbound|finished|sent) /.test(line)) {
      acknowledged++;
      assert.equal(unsynced, false, `acknowledged before the fsync: ${line}`);
    }
  }
  assert.equal(acknowledged, 30);
});
