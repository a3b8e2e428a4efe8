import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MemoryBus } from '../../../src/adapters/bus/memory.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { keepBackup } from '../../../src/app/chores/keep.ts';
import { choreKindOf, type ChoreParts } from '../../../src/compose/chores.ts';
import { choreNames } from '../../../src/core/chores.ts';
import type { JsonObject } from '../../../src/core/message.ts';
import type { ChannelStatus } from '../../../src/core/ports/gateway.ts';
import type { BackupStorage } from '../../../src/core/ports/maintenance-gateway.ts';
import type { TaskOutcome, TaskWork } from '../../../src/core/ports/task-kind.ts';
import { finish, inboundRow } from '../../adapters/store/rows.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { freshStore } from '../../support/store.ts';

const day = 86_400_000;

async function rig(t: TestContext, more: Partial<ChoreParts> = {}) {
  const store = await freshStore(t);
  let now = systemClock.now();
  const clock = { ...systemClock, now: () => now, sleep: () => Promise.resolve() };
  const bus = new MemoryBus(clock, new CountedMetrics());
  const told: { problems: string[] }[] = [];
  bus.subscribe('test', {}).forward((event) => {
    if (event.type === 'health.changed') told.push({ problems: event.problems });
  });
  const disk = { free: 1e12, database: 1e6 };
  const log = new KeptLog();
  const channels: ChannelStatus[] = [];
  const kept: string[] = [];
  const backups = {
    space: () => Promise.resolve(disk),
    writeKept: () => {
      kept.push('one');
      return Promise.reject(new Error('not here'));
    },
  } as unknown as BackupStorage;
  const kind = await choreKindOf({
    store,
    clock,
    log,
    bus,
    backups,
    files: { list: async function* none() {}, remove: () => Promise.resolve() },
    channels: () => channels,
    providers: () => [],
    retention: () => ({ sessionMaxAgeMs: day, maxHistoryMessages: null }),
    channelRetention: () => ({ default: null, channels: {} }),
    keepTasksMs: () => day,
    plan: () => Promise.resolve(),
    ...more,
  });
  const signal = new AbortController().signal;
  const run = (chore: string, memory: JsonObject | null = null): Promise<TaskOutcome> =>
    kind.run({ payload: { kind: 'chore', chore }, signal, memory } as unknown as TaskWork);
  return { store, kind, run, told, disk, log, channels, kept, pass: (ms: number) => (now += ms), now: () => now };
}

test('each chore has its work; one with nothing to do says nothing, and one of another version fails', async (t) => {
  const { run, kind } = await rig(t);
  assert.equal(kind.repeatable, true);
  for (const name of choreNames.filter((name) => name !== 'backup')) assert.equal((await run(name)).text, '', name);
  await assert.rejects(run('of-before'), { code: 'no_such_chore' });
});

test('idle sessions begin anew, and it is said how many', async (t) => {
  const { store, run, now } = await rig(t);
  for (const [n, age] of [2, 3, 0].entries()) {
    const sessionKey = `telegram:main:${n}`;
    const receivedAt = now() - age * day - 1;
    await store.commitInbound([inboundRow(`m${n}`, { channel: 'telegram', sessionKey, receivedAt })]);
    const claimed = await store.claimRun({
      sessionKey,
      mode: 'followup',
      maxStarts: 5,
      historyTurns: 1,
      historyLimit: 10,
      at: receivedAt,
    });
    await store.finishRun(finish(claimed?.run.id ?? '', { at: receivedAt }));
  }
  assert.equal((await run('sessions')).text, '2 idle sessions begin anew');
  assert.equal((await run('sessions')).text, '');
});

test('rests of models that ended long ago are forgotten, those that hold are not', async (t) => {
  const { store, run, now } = await rig(t);
  const row = { provider: 'openai', kind: 'overloaded', failures: 1 };
  await store.saveCooldown({ ...row, model: 'old', until: now() - 2 * day });
  await store.saveCooldown({ ...row, model: 'rests', until: now() + day });
  assert.equal((await run('caches')).text, '1 rests of models forgotten');
  assert.deepEqual(
    (await store.cooldowns()).map(({ model }) => model),
    ['rests'],
  );
});

test('no backup is written when the disk has less than twice the database, and the reason is told', async (t) => {
  const { run, disk, kept, log } = await rig(t);
  Object.assign(disk, { free: 1_500_000, database: 1_000_000 });
  assert.match((await run('backup')).text, /^No backup: 1.5 MB are free/);
  assert.deepEqual(kept, []);
  assert.ok(log.lines.some(({ level }) => level === 'warn'));
  const manifest = { database: { tables: { inbox: 3 } }, files: { count: 2 } };
  const backups = {
    space: () => Promise.resolve({ free: 10, database: 5 }),
    writeKept: () => Promise.resolve({ path: '/b/1', manifest, removed: 1 }),
  } as unknown as BackupStorage;
  const deps = { store: { vacuum: () => Promise.reject(new Error()) }, backups, log };
  assert.equal(await keepBackup(deps, new AbortController().signal), '/b/1: 3 rows, 2 files; 1 older removed');
});

test('a small database with much free space is rewritten, any other is left alone', async (t) => {
  const { store, run } = await rig(t);
  const text = 'x'.repeat(10_000);
  for (let n = 0; n < 10; n++)
    await store.commitInbound(
      Array.from({ length: 50 }, (_, i) => inboundRow(`m${n}-${i}`, { text, state: 'handled', receivedAt: 1000 })),
    );
  assert.equal((await run('vacuum')).text, '');
  assert.match((await run('upkeep')).text, /^\d+ steps/);
  const { bytes, free, done } = await store.vacuum(1000, 0.2);
  assert.ok(!done && free > bytes / 2, 'too large to be rewritten');
  assert.match((await run('vacuum')).text, /MB given back$/);
  assert.equal((await run('vacuum')).text, '');
  assert.equal((await store.vacuum(1e9, 0)).bytes < bytes / 2, true);
});

test('what is wrong is told when it begins and when it is over, not each time in between', async (t) => {
  const { run, told, disk, channels, log } = await rig(t);
  let memory = (await run('health')).memory ?? null;
  assert.equal(told.length, 0);
  disk.free = 1000;
  channels.push({
    id: 'telegram:main',
    type: 'telegram',
    account: 'main',
    paused: false,
    health: { state: 'fatal', detail: 'wrong token', lastReceiveAt: null, lastEventAt: null, identity: null },
  });
  const sick = await run('health', memory);
  assert.equal(sick.text, 'The disk is almost full. The channel telegram:main is fatal: wrong token');
  memory = sick.memory ?? null;
  memory = (await run('health', memory)).memory ?? null;
  disk.free = 1e12;
  channels.pop();
  assert.equal((await run('health', memory)).text, '');
  assert.deepEqual(
    told.map(({ problems }) => problems.length),
    [2, 0],
  );
  assert.equal(log.lines.filter(({ message }) => message.includes('well')).length, 2);
});
