import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../../../src/adapters/store/sqlite/index.ts';
import { Owner } from '../../../../src/adapters/store/sqlite/owner.ts';
import type { Request } from '../../../../src/adapters/store/sqlite/protocol.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { folder, keptMetrics, migrationsDir, open, quietLog } from '../open.ts';
import { attempt, claim, finish, inboundRow } from '../rows.ts';

const commit = (id: number, text = 'x'): Request => ({
  id,
  operation: 'commitInbound',
  args: [[inboundRow(`m${id}`, { text, sessionKey: `s${id}` })]],
});

test('one failing operation among many fails alone, and they share commits', async (t) => {
  const metrics = keptMetrics();
  const store = await open(t, path.join(folder(t), 'store.db'), { metrics });
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) =>
      store.commitInbound([
        inboundRow(`m${i}`),
        inboundRow(`n${i}`, i === 41 ? { owner: null as unknown as string } : {}),
      ]),
    ),
  );
  assert.deepEqual(
    results.flatMap((result, i) => (result.status === 'rejected' ? [i] : [])),
    [41],
  );
  assert.equal(await store.inbound('m41'), null, 'what the failing operation did before is undone');
  assert.equal((await store.counts(0)).inboxQueued, 198);
  const sizes = metrics.seen.get('store_batch_operations') ?? [];
  assert.ok(sizes.length < 50, `${sizes.length} commits for 100 operations`);
  assert.equal(metrics.seen.get('store_commit_seconds')?.length, sizes.length);
});

test('reads see what was written before them and cost no commit', async (t) => {
  const metrics = keptMetrics();
  const store = await open(t, path.join(folder(t), 'store.db'), { metrics });
  const [, row] = await Promise.all([store.commitInbound([inboundRow('a')]), store.inbound('a')]);
  assert.equal(row?.id, 'a');
  const commits = metrics.seen.get('store_commit_seconds') ?? [];
  const before = commits.length;
  await Promise.all([store.inbound('a'), store.counts(0)]);
  assert.equal(commits.length, before);
});

test('a write that nobody waits for shares the commit of the next one, and has its own when none comes', async (t) => {
  const metrics = keptMetrics();
  const file = path.join(folder(t), 'store.db');
  const store = await open(t, file, { metrics });
  await store.commitInbound([inboundRow('a')]);
  await claim(store);
  const commits = metrics.seen.get('store_commit_seconds') ?? [];
  const before = commits.length;
  const saved = store.saveAttempts([attempt('run-a', 1)]);
  await store.commitInbound([inboundRow('b')]);
  await saved;
  assert.equal(commits.length, before + 1);
  await store.saveAttempts([attempt('run-a', 2)]);
  assert.equal(commits.length, before + 2);
  const last = store.saveAttempts([attempt('run-a', 3)]);
  await store.close();
  await last;
});

test('the end of a run waits a moment for company while the store is busy, and only then', async (t) => {
  const metrics = keptMetrics();
  const store = await open(t, path.join(folder(t), 'store.db'), { metrics });
  const ids = ['a', 'b', 'c'];
  await store.commitInbound(ids.map((id) => inboundRow(id, { sessionKey: id })));
  for (const sessionKey of ids) await claim(store, { sessionKey });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await store.finishRun(finish('run-a'));

  for (let n = 0; n < 40; n++) {
    void store.person('nobody');
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.person('nobody');
  const commits = metrics.seen.get('store_commit_seconds') ?? [];
  const before = commits.length;
  let ended = false;
  const ending = store.finishRun(finish('run-b')).then(() => (ended = true));
  for (let n = 0; n < 2000; n++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended, false, 'it waits');
  await Promise.all([ending, store.setSessionModel('b', 'x/y')]);
  assert.equal(commits.length, before + 1, 'and shares the commit of what is asked next');

  const alone = store.finishRun(finish('run-c'));
  t.mock.timers.tick(3);
  await alone;
});

test('what cannot wait any more is refused as busy, and what waited is done', async (t) => {
  const metrics = keptMetrics();
  const store = await open(t, path.join(folder(t), 'store.db'), { metrics });
  const calls = Array.from({ length: 4200 }, () => store.person('nobody'));
  assert.equal(metrics.gauges.get('store_queue_depth')?.(), 4096);
  const results = await Promise.allSettled(calls);
  const refused = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as { code: string; retryable: boolean }] : [],
  );
  assert.equal(refused.length, 4200 - 4096);
  assert.deepEqual([refused[0]?.code, refused[0]?.retryable], ['storage_busy', true]);
});

test('closing does what was asked before, then refuses', async (t) => {
  const file = path.join(folder(t), 'store.db');
  const store = await open(t, file);
  const last = store.commitInbound([inboundRow('last')]);
  await Promise.all([store.close(), store.close(), last]);
  assert.equal(store.health().open, false);
  await assert.rejects(store.inbound('last'), { code: 'storage_closed' });
  assert.equal((await (await open(t, file)).inbound('last'))?.id, 'last');
});

test('a commit waits for the disk', (t) => {
  const owner = new Owner(path.join(folder(t), 'store.db'), migrationsDir);
  t.after(() => owner.close());
  const full = 2; // https://sqlite.org/pragma.html#pragma_synchronous
  assert.equal(owner.connection?.pragma('synchronous'), full);
});

test('a full disk fails the whole batch, loses nothing and heals by itself', (t) => {
  const owner = new Owner(path.join(folder(t), 'store.db'), migrationsDir);
  t.after(() => owner.close());
  assert.equal(owner.execute([commit(1)]).failure, null);
  const pages = owner.connection?.pragma<number>('page_count') ?? 0;
  owner.connection?.script(`PRAGMA max_page_count = ${pages + 5}`);
  const { replies, failure } = owner.execute([commit(2), commit(3, 'x'.repeat(200_000)), commit(4)]);
  assert.equal(failure?.code, 'storage_full');
  assert.deepEqual(
    replies.map((reply) => [reply.id, reply.error?.code, reply.error?.retryable]),
    [
      [2, 'storage_full', true],
      [3, 'storage_full', true],
      [4, 'storage_full', true],
    ],
  );
  assert.equal(owner.trouble?.code, 'storage_full');
  owner.connection?.script('PRAGMA max_page_count = 1000000');
  owner.probe();
  assert.equal(owner.trouble, null, 'it notices by itself that there is space again');
  const again = owner.execute([commit(2), commit(3, 'x'.repeat(200_000)), commit(4)]);
  assert.deepEqual(
    again.replies.map((reply) => (reply.value as unknown[]).map((place) => typeof place)),
    [['number'], ['number'], ['number']],
  );
});

test('nothing is acknowledged into a file that was moved away, and it heals when the file is back', (t) => {
  const file = path.join(folder(t), 'store.db');
  const owner = new Owner(file, migrationsDir);
  t.after(() => owner.close());
  renameSync(file, `${file}.away`);
  assert.equal(owner.execute([commit(1)]).replies[0]?.error?.code, 'storage_closed');
  assert.match(owner.trouble?.message ?? '', /removed or replaced/);
  renameSync(`${file}.away`, file);
  assert.equal(owner.execute([commit(1)]).failure, null);
  assert.equal(owner.trouble, null);
});

test('what changes no row is no reason to write anything: a disk may sleep while somebody only asks', (t) => {
  const file = path.join(folder(t), 'store.db');
  const owner = new Owner(file, migrationsDir);
  t.after(() => owner.close());
  const state = (): string[] =>
    [file, `${file}-wal`, `${file}.open`].map((name) => {
      const { size, mtimeNs } = statSync(name, { bigint: true });
      return `${size} ${mtimeNs} ${name.endsWith('.open') ? readFileSync(name, 'utf8') : ''}`;
    });
  assert.notEqual(owner.execute([commit(1)]).commitSeconds, null);
  const written = state();
  owner.probe();
  assert.notDeepEqual(state(), written, 'a new generation');
  const before = state();
  const nothing: Request[] = [
    { id: 2, operation: 'cancelTask', args: ['none', null, 'x', 1] },
    { id: 3, operation: 'cursors', args: ['telegram', 'main'] },
  ];
  assert.deepEqual(
    owner.execute(nothing).replies.map(({ error }) => error),
    [undefined, undefined],
  );
  owner.probe();
  assert.deepEqual(state(), before);
});

test('a file that is taken away is noticed without traffic', async (t) => {
  const file = path.join(folder(t), 'store.db');
  const store = await open(t, file);
  rmSync(file);
  while (store.health().open) await sleep(50);
  assert.match(store.health().detail, /removed or replaced/);
});

test('a store thread that dies fails what waits, and a new one takes over', async (t) => {
  const store = await openStore({
    path: path.join(folder(t), 'store.db'),
    migrationsDir,
    workerUrl: new URL('./dying-worker.ts', import.meta.url),
    log: quietLog,
    metrics: keptMetrics(),
    clock: systemClock,
  });
  t.after(() => store.close());
  await store.commitInbound([inboundRow('a')]);
  await assert.rejects(store.person('die'), { code: 'storage_closed', retryable: true });
  await assert.rejects(store.person('anybody'), { code: 'storage_closed' });
  assert.equal(store.health().open, false);
  while (!store.health().open) await sleep(20);
  assert.equal((await store.inbound('a'))?.id, 'a');
});
