/** Who holds a task: leases, fences and places, with runners that freeze, die, lose their store and take over. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PayloadKind } from '../../../src/core/payload.ts';
import type { TaskRow } from '../../../src/core/ports/schedule-store.ts';
import { StoreClock } from '../../support/store-clock.ts';
import { away, minute, RunnerRig, type RigRunner } from './runner-rig.ts';
import { done } from './workflow-rig.ts';

const numRuns = Number(process.env['RUNS'] ?? 10);
const manyTasks = 1000;
const post = { kind: 'webhook', name: 'x' } as const;

describe('a task that is held', () => {
  it('stays with who is at work on it as long as that gives signs of life', async (t) => {
    const rig = await RunnerRig.open(t);
    const [first, second] = [rig.runner('n1', { timeoutMs: 60 * minute }), rig.runner('n2')];
    let begun = 0;
    rig.play = async () => {
      begun += 1;
      await rig.clock.sleep(3 * minute);
      return done();
    };
    const id = await rig.add();
    await first.runner.start();
    await rig.until(id, 'running');
    second.runner.wake();
    const { attempts, crashes } = await rig.until(id, 'completed');
    assert.deepEqual([begun, attempts, crashes], [1, 1, 0]);
  });

  it('goes to another when who held it is frozen, whose late end changes nothing', async (t) => {
    const rig = await RunnerRig.open(t);
    const frozen = rig.runner('frozen', {}, new StoreClock(rig.asked));
    const other = rig.runner('other');
    const thaw = Promise.withResolvers<void>();
    rig.play = async (work, node) => {
      if (node === 'frozen') await thaw.promise;
      return done(`by ${node}, again: ${work.again}`);
    };
    let handedOver = 0;
    rig.handOver = (task, _, now) => {
      handedOver += 1;
      const follows = task.name === 'follower' ? [] : [rig.task(undefined, { name: 'follower', runAt: now + 1e9 })];
      return Promise.resolve({ outbox: [], note: null, follows });
    };
    const [ask, webhook] = [await rig.add(), await rig.add(post)];
    await frozen.runner.start();
    await rig.until(webhook, 'running');
    other.runner.wake();
    await rig.clock.advance(2 * minute);
    thaw.resolve();
    await rig.clock.settle();
    assert.equal((await rig.row(ask)).result?.text, 'by other, again: true');
    assert.equal((await rig.row(webhook)).error?.code, 'outcome_unknown');
    assert.deepEqual([rig.ends('completed'), rig.ends('lost'), handedOver], [1, 2, 3]);
    const { items } = await rig.store.listTasks({ owner: null, state: 'queued' }, { limit: 10 });
    assert.equal(items.length, 1, 'what follows from it follows once');
  });

  it('is not claimed from the process that holds it when the clock on the wall is moved', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1', { timeoutMs: 60 * minute });
    let begun = 0;
    rig.play = async () => {
      begun += 1;
      await rig.clock.sleep(3 * minute);
      return done();
    };
    const id = await rig.add();
    await runner.start();
    await rig.until(id, 'running');
    for (const jump of [24 * 60 * minute, -48 * 60 * minute, 12 * 60 * minute]) {
      rig.clock.movedMs += jump;
      runner.wake();
      await rig.clock.advance(40_000);
    }
    const { attempts, crashes } = await rig.until(id, 'completed');
    assert.deepEqual([begun, attempts, crashes], [1, 1, 0]);
  });

  it('tried again by hand while its cancelled attempt still ends is begun behind it', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    const times: string[] = [];
    rig.play = async (work) => {
      times.push('begins');
      if (times.length === 1) await new Promise((resolve) => work.signal.addEventListener('abort', resolve));
      await rig.clock.sleep(2000);
      times.push('ends');
      return done();
    };
    const id = await rig.add();
    await runner.start();
    await rig.until(id, 'running');
    await rig.clock.settle();
    await rig.store.cancelTask(id, null, 'by hand', rig.clock.now());
    runner.cancel(id);
    await rig.store.retryTask(id, null, rig.clock.now());
    runner.wake();
    await rig.until(id, 'completed');
    assert.deepEqual(times, ['begins', 'ends', 'begins', 'ends']);
  });
});

describe('places', () => {
  it('no more at once than in all, for a person, and of a kind, with a thousand tasks, and nobody is forgotten', async (t) => {
    const rig = await RunnerRig.open(t);
    const kinds = { ask: 4, fetch: 2 };
    const { runner } = rig.runner('n1', { concurrency: 6, perPerson: 2, kinds });
    const now = new Map<string, number>();
    const most = new Map<string, number>();
    const count = (key: string, by: number): void => {
      const value = (now.get(key) ?? 0) + by;
      now.set(key, value);
      most.set(key, Math.max(most.get(key) ?? 0, value));
    };
    const begun = new Map<string, number>();
    rig.play = async ({ task }) => {
      const keys = task.kind === 'text' ? ['text'] : ['all', task.owner, task.kind];
      for (const key of keys) count(key, 1);
      begun.set(task.id, (begun.get(task.id) ?? 0) + 1);
      // Until nothing more can be claimed.
      await rig.clock.settle();
      for (const key of keys) count(key, -1);
      return done();
    };
    await Promise.all(
      Array.from({ length: manyTasks }, (_, n) =>
        rig.add(
          n % 3 === 0
            ? { kind: 'ask', prompt: 'x' }
            : n % 3 === 1
              ? { kind: 'fetch', url: 'http://h/' }
              : { kind: 'text', text: 'x' },
          { owner: `p${n % 7}` },
        ),
      ),
    );
    await runner.start();
    while (rig.ends('completed') < manyTasks) await rig.clock.advance(1000);
    assert.equal(begun.size, manyTasks);
    assert.ok([...begun.values()].every((times) => times === 1));
    assert.deepEqual(
      ['all', 'ask', 'fetch', 'text'].map((key) => most.get(key)),
      [6, 4, 2, 4],
    );
    for (let n = 0; n < 7; n++) assert.ok((most.get(`p${n}`) ?? 0) <= 2);
  });

  it('long work in all places holds up no reminder, not even of the same person, and no chore; nor do these hold up work', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1', { concurrency: 1, perPerson: 1, timeoutMs: 600 * minute });
    const release = Promise.withResolvers<void>();
    rig.play = async ({ task }) => {
      if (task.kind === 'ask' || (task.kind === 'chore' && task.id === slowChore)) await release.promise;
      return done();
    };
    const slowChore = await rig.add({ kind: 'chore', chore: 'backup' });
    await runner.start();
    await rig.until(slowChore, 'running');
    const slow = await rig.add({ kind: 'ask', prompt: 'x' });
    const next = await rig.add({ kind: 'ask', prompt: 'y' });
    const chore = await rig.add({ kind: 'chore', chore: 'health' });
    runner.wake();
    await rig.until(slow, 'running');
    const reminder = await rig.add({ kind: 'text', text: 'tea' });
    runner.wake();
    await rig.until(reminder, 'completed');
    for (const id of [next, chore]) assert.equal((await rig.row(id)).state, 'queued');
    release.resolve();
    for (const id of [slowChore, slow, next, chore]) await rig.until(id, 'completed');
  });
});

type Step =
  | { do: 'add'; kind: PayloadKind; forMs: number }
  | { do: 'pass'; ms: number }
  | { do: 'store'; which: number; works: boolean }
  | { do: 'kill' | 'stop'; which: number }
  | { do: 'cancel' | 'retry' | 'wake'; which: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        kind: fc.constantFrom('ask' as const, 'webhook' as const),
        forMs: fc.constantFrom(0, 5000, 50_000, 200_000),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(100, 5000, 30_000, 90_000) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('store' as const), which: fc.nat(1), works: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'stop' as const), which: fc.nat(1) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('cancel' as const, 'retry' as const, 'wake' as const),
        which: fc.nat(5),
      }),
    },
  ),
  { minLength: 5, maxLength: 25 },
);

describe('two runners in any order of things', () => {
  it('never work on one task at the same time, and every task comes to its end', async (t) => {
    const rig = await RunnerRig.open(t);
    const atWork = new Map<string, string>();
    const dead = new Set<string>();
    let overlaps = 0;
    rig.play = async ({ task, signal }, node) => {
      const holder = atWork.get(task.id);
      if (holder !== undefined && !dead.has(holder)) overlaps += 1;
      atWork.set(task.id, node);
      try {
        await rig.clock.sleep(Number(task.name), signal);
        if (dead.has(node)) await new Promise(() => undefined);
        return done(node);
      } finally {
        if (!dead.has(node) && atWork.get(task.id) === node) atWork.delete(task.id);
      }
    };
    let nodes = 0;
    const join = (): RigRunner & { node: string } => {
      const node = `n${++nodes}`;
      return Object.assign(rig.runner(node, { pollMs: 2 * minute }), { node });
    };
    await fc.assert(
      fc.asyncProperty(steps, async (life) => {
        const runners = [join(), join()];
        const ids: string[] = [];
        for (const step of life) {
          const runner = 'which' in step ? runners[step.which % 2] : runners[0];
          const id = 'which' in step ? ids[step.which] : undefined;
          assert.ok(runner);
          if (step.do === 'add') {
            const payload = step.kind === 'ask' ? ({ kind: 'ask', prompt: 'x' } as const) : post;
            ids.push(await rig.add(payload, { name: String(step.forMs), maxAttempts: 3 }));
            for (const one of runners) one.runner.wake();
          } else if (step.do === 'pass') await rig.clock.advance(step.ms);
          else if (step.do === 'wake') runner.runner.wake();
          else if (step.do === 'store')
            runner.fault = () => {
              if (!step.works) throw away();
            };
          else if (step.do === 'cancel' && id !== undefined) {
            await rig.store.cancelTask(id, null, 'by hand', rig.clock.now());
            for (const one of runners) one.runner.cancel(id);
          } else if (step.do === 'retry' && id !== undefined) await rig.store.retryTask(id, null, rig.clock.now());
          else if (step.do === 'kill' || step.do === 'stop') {
            if (step.do === 'stop') await rig.clock.until(runner.runner.stop(1000));
            runner.dead = true;
            if (step.do === 'kill') dead.add(runner.node);
            runners[step.which % 2] = join();
            runners[step.which % 2]?.runner.wake();
          }
        }
        for (const one of runners) one.fault = () => undefined;
        for (const one of runners) one.runner.wake();
        await rig.clock.advance(15 * minute);
        const rows: TaskRow[] = await Promise.all(ids.map((id) => rig.row(id)));
        assert.deepEqual(
          rows.filter(({ state }) => state === 'queued' || state === 'running'),
          [],
        );
        for (const { state, result } of rows) assert.equal(state === 'completed', result !== null);
        assert.equal(overlaps, 0, 'two at once');
        for (const one of runners) {
          await rig.clock.until(one.runner.stop(0));
          one.dead = true;
        }
      }),
      { numRuns },
    );
  });
});
