import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { runBatch } from '../../../../src/adapters/store/sqlite/batch.ts';
import { Database } from '../../../../src/adapters/store/sqlite/database.ts';
import type { SqliteStore } from '../../../../src/adapters/store/sqlite/index.ts';
import { Owner } from '../../../../src/adapters/store/sqlite/owner.ts';
import { undo } from '../../../../src/adapters/store/sqlite/operations.ts';
import type { OperationName, Request } from '../../../../src/adapters/store/sqlite/protocol.ts';
import type { Firing, TaskRow } from '../../../../src/core/ports/schedule-store.ts';
import { folder, migrationsDir, open } from '../open.ts';
import { inboundRow, noon, outboundRow, reply } from '../rows.ts';
import { finished, fired, minute, missed, newJob, newTask, recover } from '../schedule-rows.ts';
import { idsOf, kills, needsTrace, runHammer } from './hammering.ts';

/** A connection on which the `failing`-th statement of an operation that works on rows fails, whenever it is tried. */
class FailingDatabase extends Database {
  failing = 0;
  failed = false;
  #seen = 0;

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as in Database
  override get<T>(sql: string, ...values: SQLInputValue[]): T | null {
    this.#fail(sql);
    return super.get<T>(sql, ...values);
  }

  override all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    this.#fail(sql);
    return super.all<T>(sql, ...values);
  }

  override run(sql: string, ...values: SQLInputValue[]): number {
    this.#fail(sql);
    return super.run(sql, ...values);
  }

  #fail(sql: string): void {
    if (/^(BEGIN|SAVEPOINT)/.test(sql)) this.#seen = 0;
    if (!/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/.test(sql) || ++this.#seen !== this.failing) return;
    this.failed = true;
    throw new Error('a statement failed');
  }
}

/** All rows of all tables. */
function rowsOf(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all();
  const rows = tables.map(({ name }) => [name, db.prepare(`SELECT * FROM "${String(name)}"`).all()]);
  db.close();
  return JSON.stringify(rows);
}

function opened(t: TestContext): {
  db: FailingDatabase;
  file: string;
  ask: (name: OperationName, ...args: unknown[]) => unknown;
} {
  const file = path.join(folder(t), 'store.db');
  new Owner(file, migrationsDir).close();
  const db = new FailingDatabase(file);
  t.after(() => db.close());
  const ask = (operation: OperationName, ...args: unknown[]): unknown => {
    const { replies } = runBatch(db, [{ id: 1, operation, args } satisfies Request], () => undefined);
    return replies[0]?.error ?? replies[0]?.value;
  };
  return { db, file, ask };
}

/** Fails at the first statement, the second, and so on until it succeeds; every time before, nothing has changed. */
function allOrNothing(
  { db, file, ask }: ReturnType<typeof opened>,
  operation: OperationName,
  argument: unknown,
): number {
  const before = rowsOf(file);
  for (let nth = 1; nth < 200; nth++) {
    db.failing = nth;
    db.failed = false;
    const answer = ask(operation, argument) as { code?: string } | null;
    if (!db.failed) {
      db.failing = 0;
      assert.notEqual(rowsOf(file), before, 'it succeeded');
      return nth - 1;
    }
    assert.equal(answer?.code, 'internal', `at statement ${nth}`);
    assert.equal(rowsOf(file), before, `at statement ${nth}`);
  }
  return assert.fail('it never succeeds');
}

test('a firing that fails at any of its statements leaves nothing behind, and succeeds when it is repeated', (t) => {
  const store = opened(t);
  store.ask('addJob', newJob('j'), 9);
  const firing: Firing = {
    jobId: 'j',
    revision: 1,
    dueAt: noon,
    slots: [missed(noon, noon + 1, 2), fired(noon + 2), fired(noon + 3)],
    tasks: [newTask('a', { jobId: 'j' }), newTask('b', { jobId: 'j' })],
    nextAt: noon + minute,
    maxWaiting: 100,
    at: noon,
  };
  assert.ok(allOrNothing(store, 'fire', firing) > 10);
  assert.equal(store.ask('fire', firing), null, 'once');
});

test('the end of a task that fails at any of its statements leaves nothing behind, and succeeds when it is repeated', (t) => {
  const store = opened(t);
  store.ask('commitInbound', [inboundRow('hello')]);
  store.ask('addJob', newJob('j'), 9);
  store.ask('addTask', newTask('a', { jobId: 'j' }), 9);
  store.ask('addTask', newTask('b', { jobId: 'j' }), 9);
  const claim = { now: noon, node: 'n', leaseUntil: noon + minute, busyOwners: [], busyKinds: [] };
  const task = store.ask('claimTask', claim) as TaskRow;
  const finish = finished(task, {
    memory: { x: 1 },
    outbox: [outboundRow('o1'), outboundRow('o2')],
    note: { sessionKey: 'api:owner:main', message: reply('note') },
    follows: [newTask('c')],
  });
  assert.ok(allOrNothing(store, 'finishTask', finish) > 10);
  assert.equal(store.ask('finishTask', finish), null, 'once');
});

test('a claim that nobody heard of is taken back, as if it had not been', (t) => {
  const { db, ask } = opened(t);
  ask('addJob', newJob('j'), 9);
  ask('addTask', newTask('a', { jobId: 'j' }), 9);
  const before = { task: ask('task', 'a', null), events: ask('taskEvents', 'a') };
  const claim = { now: noon, node: 'n', leaseUntil: noon + minute, busyOwners: [], busyKinds: [] };
  const task = ask('claimTask', claim) as TaskRow;
  assert.equal(ask('claimTask', claim), null);
  undo.claimTask?.(db, task);
  const { fence, startedAt } = task;
  assert.deepEqual(
    { task: ask('task', 'a', null), events: ask('taskEvents', 'a') },
    { ...before, task: { ...(before.task as TaskRow), fence, startedAt } },
  );
  assert.equal((ask('claimTask', claim) as TaskRow).fence, fence + 1);
  undo.claimTask?.(db, task);
  assert.equal((ask('task', 'a', null) as TaskRow).state, 'running', 'that of somebody else stays');
});

/** All that was acknowledged is there; every slot that fired has its task, and every task that ended what it handed over. */
async function requireWhole(store: SqliteStore, lines: string[]): Promise<void> {
  const seen = new Set<string>();
  for (const { id } of (await store.listJobs({ owner: null }, { limit: 1000 })).items) {
    const slots = (await store.slots(id, { limit: 1000 })).items;
    const tasks = (await store.listTasks({ owner: null, jobId: id }, { limit: 1000 })).items;
    assert.deepEqual(
      tasks.map((task) => task.id).sort(),
      slots.map(({ taskId }) => taskId ?? '').sort(),
      `the slots of ${id}`,
    );
    assert.equal((await store.job(id, null))?.runs, slots.length);
    for (const task of tasks) {
      seen.add(task.id);
      const sent = await store.outbound(`out-${task.id}`);
      assert.equal(sent !== null, task.state === 'completed', `${task.id} is half`);
      const story = (await store.taskEvents(task.id)).map(({ kind }) => kind);
      assert.equal(story.includes('completed'), task.state === 'completed', `${task.id} is half told`);
    }
  }
  for (const id of idsOf(lines, 'fired')) assert.ok(seen.has(id), `${id} was acknowledged and is lost`);
  for (const id of idsOf(lines, 'finished')) assert.equal((await store.task(id, null))?.state, 'completed', id);
  assert.deepEqual(await store.quickCheck(), []);
}

test('a process that is killed while it fires and finishes has no slot without a task and no task half finished', async (t) => {
  const dir = folder(t);
  for (let kill = 0; kill < kills; kill++) {
    const file = path.join(dir, `store-${kill}.db`);
    const { lines } = await runHammer('task-hammer', [file, 100_000], { killAfter: 10 + 23 * kill });
    const store = await open(t, file);
    await requireWhole(store, lines);
    const { running } = await store.taskCounts();
    const recovered = await recover(store, 'after', noon);
    assert.deepEqual([recovered.length, (await store.taskCounts()).running], [running, 0]);
    await store.close();
  }
});

for (const [what, call, code, when] of [
  ['fsyncs', 'fsync,fdatasync', 'EIO', '10..90+7'],
  ['writes', 'pwrite64', 'EIO', '100..3000+151'],
  ['writes on a full disk', 'pwrite64', 'ENOSPC', '100..160'],
] as const) {
  test(
    `failing ${what} leave no slot without a task, no task half finished and no claim stuck`,
    needsTrace(),
    async (t) => {
      const file = path.join(folder(t), 'store.db');
      await (await open(t, file)).close();
      const strace = ['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:error=${code}:when=${when}`];
      const told = await runHammer('task-hammer', [file, 15], { strace });
      assert.equal(told.lines.at(-1), 'closed', told.lines.slice(-3).join(' | '));
      assert.ok(
        told.lines.some((line) => line.startsWith('error storage_')),
        'nothing failed',
      );
      const store = await open(t, file);
      await requireWhole(store, told.lines);
      const { queued, running } = await store.taskCounts();
      assert.deepEqual([queued, running], [0, 0]);
      await store.close();
    },
  );
}
