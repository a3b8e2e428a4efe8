import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClankerError } from '../../../src/core/errors.ts';
import type { TaskWork } from '../../../src/core/ports/task-kind.ts';
import { outboundRow } from '../../adapters/store/rows.ts';
import { away, minute, RunnerRig } from './runner-rig.ts';
import { done, failing } from './workflow-rig.ts';

const post = { kind: 'webhook', name: 'x' } as const;
const untilAborted = ({ signal }: TaskWork): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('the runner at its work', () => {
  it('carries out what is stored, and hands the result over with its end', async (t) => {
    const rig = await RunnerRig.open(t);
    rig.play = ({ key, again, memory }) => done(`${key} ${again} ${JSON.stringify(memory)}`, { outside: 'web page' });
    rig.handOver = (task, { text }, now) =>
      Promise.resolve({
        outbox: [],
        note: null,
        follows:
          task.kind === 'text' ? [] : [{ ...rig.task({ kind: 'text', text }), id: `${task.id}_then`, runAt: now }],
      });
    const { runner } = rig.runner('n1');
    const id = await rig.add();
    await runner.start();
    const row = await rig.until(id, 'completed');
    assert.deepEqual(row.result, { text: `${id} false null`, files: [], outside: 'web page' });
    await rig.until(`${id}_then`, 'completed');
    assert.equal(rig.ends('completed'), 2);
    assert.deepEqual(
      rig.events.map((event) => event.type === 'task.changed' && `${event.taskId} ${event.state}`),
      [`${id} running`, `${id} completed`, `${id}_then running`, `${id}_then completed`],
    );
  });

  it('hands over, or tells of a failure, where the chat is by then', async (t) => {
    const rig = await RunnerRig.open(t);
    const place = (native: string) => ({ channel: 'telegram', account: 'main', native });
    const deliver = (native: string) => ({
      to: 'conversation' as const,
      conversation: place(native),
      chatType: 'group' as const,
      sessionKey: `telegram:main:${native}`,
    });
    const heard: unknown[] = [];
    rig.handOver = (task) => {
      heard.push(task.deliver);
      return Promise.resolve({ outbox: [], note: null, follows: [] });
    };
    rig.play = async ({ task }) => {
      await rig.store.moveConversation(place('1'), place('2'));
      if (task.name === 'bad') throw failing();
      return done();
    };
    const { runner } = rig.runner('n1');
    const good = await rig.add(undefined, { deliver: deliver('1') });
    await runner.start();
    await rig.until(good, 'completed');
    const bad = await rig.add(undefined, { name: 'bad', deliver: deliver('1') });
    runner.wake();
    await rig.until(bad, 'failed');
    assert.deepEqual([...heard, ...rig.told.map((task) => task.deliver)], [deliver('2'), deliver('2')]);
  });

  it('hands over for whom its owner is by then', async (t) => {
    const rig = await RunnerRig.open(t);
    const now = rig.clock.now();
    const person = (id: string) => ({ id, name: id, role: 'member', language: null, createdAt: now }) as const;
    const identityOf = (native: string) => ({ channel: 'telegram', account: 'main', native });
    await rig.store.ensureIdentity({ ...identityOf('1'), display: 'Ann' }, person('ann'));
    await rig.store.ensureIdentity({ ...identityOf('2'), display: 'Ann' }, person('guest'));
    const link = { hash: 'h', display: 'Ann', language: null };
    const offered = { ...link, id: 'pair_1', kind: 'link', identity: identityOf('1'), person: 'ann' } as const;
    await rig.store.offerLink({
      ...offered,
      conversation: identityOf('1'),
      createdAt: now,
      expiresAt: now + 60 * minute,
    });
    rig.play = async () => {
      const identity = identityOf('2');
      const redeemed = { hash: 'h', identity, display: 'Ann', conversation: identity, admit: false, maxWrongUses: 3 };
      await rig.store.redeemLink({ ...redeemed, at: now, tell: [] });
      return done();
    };
    const heard: string[] = [];
    rig.handOver = ({ owner }) => {
      heard.push(owner);
      return Promise.resolve({ outbox: [], note: null, follows: [] });
    };
    const id = await rig.add(undefined, { owner: 'guest' });
    await rig.runner('n1').runner.start();
    assert.equal((await rig.until(id, 'completed')).owner, 'ann');
    assert.deepEqual(heard, ['ann']);
  });

  it('wakes the delivery of what it planned, and tells what it left in a history', async (t) => {
    const rig = await RunnerRig.open(t);
    const key = 'api:owner:main';
    const at = rig.clock.now();
    await rig.store.importSession(
      {
        key,
        owner: 'owner',
        channel: 'api',
        account: 'owner',
        conversation: null,
        title: null,
        agent: null,
        model: null,
        messageCount: 0,
        createdAt: at,
        lastActiveAt: at,
      },
      [],
    );
    rig.handOver = (_, { text }, now) =>
      Promise.resolve({
        outbox: [outboundRow('out_1')],
        note: {
          sessionKey: key,
          message: { id: 'msg_1', role: 'system', parts: [{ type: 'text', text }], author: null, time: now },
        },
        follows: [],
      });
    rig.play = () => done('tea');
    const { runner } = rig.runner('n1');
    const id = await rig.add();
    await runner.start();
    await rig.until(id, 'completed');
    assert.deepEqual(rig.woken, [outboundRow('out_1').conversation.native]);
    const told = rig.events.find((event) => event.type === 'message');
    assert.deepEqual(
      [told?.sessionKey, told?.role, told?.text, told?.messageSeq, told?.person],
      [key, 'system', 'tea', 1, 'owner'],
    );
  });

  it('begins what is due later at its time, and asks the store for nothing in between but once in a while', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner, calls } = rig.runner('n1');
    const at = rig.clock.now() + 10 * minute + 7;
    const id = await rig.add(undefined, { runAt: at });
    await runner.start();
    assert.equal((await rig.until(id, 'completed')).startedAt, at);
    assert.ok((calls.get('nextTaskAt') ?? 0) <= 25, `${calls.get('nextTaskAt')} looks in 10 minutes`);
    const before = calls.get('nextTaskAt') ?? 0;
    await rig.clock.advance(10 * minute);
    assert.equal((calls.get('nextTaskAt') ?? 0) - before, 20, 'one look each poll interval');
    assert.equal(calls.get('claimTask'), 1, 'a claim is a write');
  });

  it('tries again what may pass, later each time, and waits for what asks to be waited for', async (t) => {
    const rig = await RunnerRig.open(t);
    const startedAt: number[] = [];
    const hints = [undefined, 120_000, undefined];
    rig.play = () => {
      startedAt.push(rig.clock.now());
      throw failing(true, hints[startedAt.length - 1]);
    };
    const { runner } = rig.runner('n1');
    const id = await rig.add(undefined, { maxAttempts: 3 });
    await runner.start();
    const { error, attempts } = await rig.until(id, 'failed');
    assert.deepEqual([error?.code, attempts], ['down', 3]);
    const waits = startedAt.slice(1).map((time, n) => time - (startedAt[n] ?? 0));
    assert.deepEqual(waits, [10_000, 126_000]);
    assert.deepEqual([rig.ends('retrying'), rig.ends('failed')], [2, 1]);
  });

  it('fails at once with what is not to be waited for, and with a defect, which is logged once', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    rig.play = ({ task }) => {
      if (task.name === 'defect') throw new TypeError('x is undefined');
      throw failing(true, 2 * 3_600_000);
    };
    const ofSlot = await rig.add(undefined, { maxAttempts: 5, trigger: 'slot' });
    const byHand = await rig.add(undefined, { maxAttempts: 5 });
    const defect = await rig.add(undefined, { maxAttempts: 5, name: 'defect' });
    const unknown = await rig.add({ kind: 'file', name: 'x', text: 'x' }, { maxAttempts: 5 });
    await runner.start();
    await rig.clock.settle();
    assert.equal((await rig.row(ofSlot)).state, 'failed');
    assert.equal((await rig.row(byHand)).state, 'queued');
    assert.equal((await rig.row(defect)).error?.code, 'internal');
    assert.equal((await rig.row(unknown)).error?.code, 'unknown_kind');
    const logged = rig.log.lines.filter(({ fields }) => fields['error'] instanceof TypeError);
    assert.deepEqual(
      logged.map(({ level }) => level),
      ['error'],
    );
  });

  it('a task that takes too long is aborted; it is tried again only where that is harmless', async (t) => {
    const rig = await RunnerRig.open(t);
    const again: boolean[] = [];
    rig.play = (work) => {
      again.push(work.again);
      return untilAborted(work);
    };
    const { runner } = rig.runner('n1', { timeoutMs: minute });
    const [ask, webhook] = [await rig.add(undefined, { maxAttempts: 2 }), await rig.add(post, { maxAttempts: 2 })];
    await runner.start();
    assert.equal((await rig.until(webhook, 'failed')).error?.code, 'outcome_unknown');
    const row = await rig.until(ask, 'failed');
    assert.deepEqual([row.error?.code, row.attempts], ['task_timeout', 2]);
    assert.deepEqual(again, [false, false, true]);
  });

  it('progress is told at most twice a second, the latest in the end, and is stored with the signs of life', async (t) => {
    const rig = await RunnerRig.open(t);
    rig.play = async (work) => {
      for (let n = 0; n <= 1000; n++) {
        work.progress({ done: n / 500, text: `line\n${n} ${'x'.repeat(1000)}` });
        await rig.clock.sleep(30);
      }
      await rig.clock.sleep(minute);
      return done();
    };
    const { runner } = rig.runner('n1');
    const id = await rig.add();
    await runner.start();
    await rig.clock.advance(minute);
    const told = rig.events.filter((event) => event.type === 'task.progress');
    assert.ok(told.length >= 50 && told.length <= 62, `${told.length} events in 30 s`);
    assert.match(told.at(-1)?.text ?? '', /^line 1000 x{190}$/);
    const { progress } = await rig.row(id);
    assert.equal(progress?.done, 1);
    assert.match(progress?.text ?? '', /^line 1000/);
  });
});

describe('who is told that a task failed', () => {
  it('what tells of it waits for a store that cannot be reached, and is sent once it is stored', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    rig.play = () => {
      throw failing();
    };
    let tries = 0;
    rig.notice = async (task) => {
      tries += 1;
      if (tries < 3) throw away();
      return { outbox: [outboundRow('o', { idempotencyKey: `task:${task.id}:failed` })], follows: [] };
    };
    await runner.start();
    const id = await rig.add();
    runner.wake();
    await rig.until(id, 'failed');
    await rig.clock.settle();
    assert.equal(tries, 3);
    assert.equal((await rig.store.outbound('o'))?.state, 'planned');
    assert.deepEqual(rig.woken, ['1']);
  });

  it('a task has failed also when nobody may be told', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    rig.play = () => {
      throw failing();
    };
    rig.notice = () => Promise.reject(new Error('no such place'));
    await runner.start();
    const id = await rig.add();
    runner.wake();
    await rig.until(id, 'failed');
  });

  it('the owner, of a job only at the first failure after a success, and nobody of a chore', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    rig.play = ({ task }) => {
      if (task.name === 'good') return done();
      throw failing();
    };
    await runner.start();
    const run = async (name: string, trigger: 'slot' | 'hand' | 'request', chore = false): Promise<boolean> => {
      const of = { name, trigger, jobId: trigger === 'request' ? null : 'job_1', createdAt: rig.clock.now() };
      const id = await rig.add(chore ? { kind: 'chore', chore: 'x' } : undefined, of);
      runner.wake();
      await rig.until(id, 'failed', 'completed');
      await rig.clock.advance(1000);
      return rig.told.some((task) => task.id === id);
    };
    assert.equal(await run('bad', 'slot'), true);
    assert.equal(await run('bad', 'slot'), false);
    assert.equal(await run('bad', 'hand'), true, 'who asks for a run wants to know');
    assert.equal(await run('good', 'slot'), false);
    assert.equal(await run('bad', 'slot'), true);
    assert.equal(await run('bad', 'request'), true);
    assert.equal(await run('bad', 'request', true), false);
  });
});

describe('a task that is cancelled', () => {
  it('is aborted at once, and what came of it is not kept', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    let heard = false;
    rig.play = ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          heard = true;
          resolve(done('too late'));
        });
      });
    const id = await rig.add();
    await runner.start();
    await rig.until(id, 'running');
    await rig.store.cancelTask(id, null, 'by hand', rig.clock.now());
    runner.cancel(id);
    assert.equal(heard, true);
    await rig.clock.settle();
    assert.deepEqual([(await rig.row(id)).state, (await rig.row(id)).result], ['cancelled', null]);
    assert.deepEqual([rig.ends('cancelled'), runner.active, rig.told.length], [1, 0, 0]);
  });

  it('is found by the next sign of life when nobody said so', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    rig.play = untilAborted;
    const id = await rig.add();
    await runner.start();
    await rig.until(id, 'running');
    await rig.store.cancelTask(id, null, 'by hand', rig.clock.now());
    await rig.clock.advance(21_000);
    assert.equal(rig.ends('cancelled'), 1);
  });

  it('undoes what it did as a workflow, and the journal says so', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    const played: string[] = [];
    rig.play = (work) => {
      played.push(work.key);
      return work.key.endsWith(':b') ? untilAborted(work) : done();
    };
    const id = await rig.add({
      kind: 'workflow',
      steps: [
        { id: 'a', do: post, undo: post },
        { id: 'b', needs: ['a'], do: post },
      ],
    });
    await runner.start();
    await rig.until(id, 'running');
    await rig.clock.settle();
    await rig.store.cancelTask(id, null, 'by hand', rig.clock.now());
    runner.cancel(id);
    await rig.clock.settle();
    assert.deepEqual(played, [`${id}:a`, `${id}:b`, `${id}:a:undo`]);
    const steps = await rig.store.taskSteps(id);
    assert.deepEqual(
      steps.map((step) => `${step.id} ${step.state}`),
      ['a undone', 'b failed'],
    );
    // Tried again by hand it begins anew.
    rig.play = () => done('now');
    await rig.store.retryTask(id, null, rig.clock.now());
    runner.wake();
    assert.equal((await rig.until(id, 'completed', 'failed')).result?.text, 'now');
  });
});

describe('a stop of the gateway', () => {
  it('lets tasks end for a while, and has the others begin again with their attempt not counted', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    const again: boolean[] = [];
    rig.play = async (work) => {
      again.push(work.again);
      if (work.task.name === 'quick') await rig.clock.sleep(1000);
      else if (again.length <= 3) await untilAborted(work);
      return done();
    };
    const quick = await rig.add(undefined, { name: 'quick' });
    const slow = await rig.add();
    const deaf = await rig.add(post);
    await runner.start();
    await rig.until(deaf, 'running');
    await rig.clock.until(runner.stop(3000));
    assert.equal((await rig.row(quick)).state, 'completed');
    assert.deepEqual([(await rig.row(slow)).state, (await rig.row(slow)).attempts], ['queued', 0]);
    assert.equal(rig.ends('released'), 2);

    const next = rig.runner('n2');
    await next.runner.start();
    assert.equal((await rig.until(slow, 'completed')).attempts, 1);
    await rig.clock.settle();
    // What must not be done twice is not: only a person can know, and then says so.
    assert.equal((await rig.row(deaf)).error?.code, 'outcome_unknown');
    assert.deepEqual(again, [false, false, false, true]);
    await rig.store.retryTask(deaf, null, rig.clock.now());
    next.runner.wake();
    assert.equal((await rig.until(deaf, 'completed', 'failed')).state, 'completed');
    assert.equal(again.at(-1), false);
  });

  it('is not held up by a task that does not hear it', async (t) => {
    const rig = await RunnerRig.open(t);
    const { runner } = rig.runner('n1');
    rig.play = () => new Promise(() => undefined);
    const id = await rig.add();
    await runner.start();
    await rig.until(id, 'running');
    const before = rig.clock.monotonic();
    await rig.clock.until(runner.stop(1000));
    assert.ok(rig.clock.monotonic() - before <= 2000);
    assert.equal((await rig.row(id)).state, 'queued');
  });
});

describe('deaths of the process', () => {
  it('a task in which it dies three times is a dead letter, its job is paused, and the owner is told', async (t) => {
    const rig = await RunnerRig.open(t);
    const begun: boolean[] = [];
    rig.play = (work) => {
      begun.push(work.again);
      return new Promise(() => undefined);
    };
    const now = rig.clock.now();
    await rig.store.addJob(
      {
        id: 'job_1',
        owner: 'owner',
        name: 'a job',
        schedule: { type: 'every', everyMs: minute, from: now },
        zone: 'UTC',
        except: [],
        endAt: null,
        maxRuns: null,
        payload: { kind: 'ask', prompt: 'x' },
        deliver: { to: 'nowhere' },
        missed: { policy: 'once', max: 1, maxLatenessMs: null },
        jitterMs: 0,
        maxAttempts: 1,
        origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
        nextAt: now + 100 * minute,
        createdAt: now,
      },
      10,
    );
    const id = await rig.add(undefined, { jobId: 'job_1', trigger: 'slot' });
    for (const node of ['n1', 'n2', 'n3']) {
      await rig.runner(node).runner.start();
      await rig.until(id, 'running');
      await rig.clock.settle();
    }
    await rig.runner('n4').runner.start();
    const row = await rig.row(id);
    assert.deepEqual([row.state, row.error?.code, row.crashes], ['failed', 'crashed', 3]);
    assert.deepEqual(begun, [false, true, true]);
    assert.equal((await rig.store.job('job_1', null))?.state, 'paused');
    assert.deepEqual(
      rig.told.map((task) => task.id),
      [id],
    );
    await rig.clock.advance(minute * 5);
    assert.equal(begun.length, 3, 'it stops there');
  });

  it('so is one whose lease ran out three times', async (t) => {
    const rig = await RunnerRig.open(t);
    rig.play = () => new Promise(() => undefined);
    const id = await rig.add();
    for (const node of ['n1', 'n2', 'n3']) {
      const rigged = rig.runner(node);
      rigged.runner.wake();
      await rig.until(id, 'running');
      await rig.clock.settle();
      rigged.dead = true;
      await rig.clock.advance(2 * minute);
    }
    const { runner } = rig.runner('n4');
    runner.wake();
    const { error, crashes } = await rig.until(id, 'failed');
    assert.deepEqual([error?.code, crashes], ['crashed', 3]);
    assert.deepEqual(
      rig.told.map((task) => task.id),
      [id],
    );
  });
});

describe('a store that fails for a while', () => {
  it('is asked again with growing pauses, however often somebody wakes the runner', async (t) => {
    const rig = await RunnerRig.open(t);
    const rigged = rig.runner('n1');
    await rigged.runner.start();
    await rig.clock.settle();
    const id = await rig.add();
    rigged.fault = () => {
      throw away();
    };
    rigged.calls.clear();
    for (let n = 0; n < 600; n++) {
      rigged.runner.wake();
      await rig.clock.advance(1000);
    }
    assert.ok((rigged.calls.get('claimTask') ?? 0) <= 30, `${rigged.calls.get('claimTask')} claims in 10 minutes`);
    assert.equal(rig.log.lines.filter(({ level }) => level === 'error').length, 1);
    rigged.fault = () => undefined;
    assert.equal((await rig.until(id, 'completed')).attempts, 1);
  });

  it('gets the end of a task as soon as it can take it, once', async (t) => {
    const rig = await RunnerRig.open(t);
    const rigged = rig.runner('n1');
    let played = 0;
    rig.play = () => done(String(++played));
    const failures = new Map<string, number>();
    rigged.fault = (operation) => {
      const count = (failures.get(operation) ?? 0) + 1;
      failures.set(operation, count);
      if (operation === 'finishTask' && count <= 6) throw away();
    };
    const id = await rig.add(post);
    await rigged.runner.start();
    assert.equal((await rig.until(id, 'completed')).result?.text, '1');
  });

  it('for longer than a lease: the task is given up here before anybody else can have it', async (t) => {
    const rig = await RunnerRig.open(t);
    const [first, second] = [rig.runner('n1'), rig.runner('n2')];
    const times: string[] = [];
    rig.play = async (work, node) => {
      times.push(`${node} begins`);
      if (node === 'n2') return done('by n2');
      try {
        return await untilAborted(work);
      } finally {
        times.push(`${node} ends`);
      }
    };
    const id = await rig.add(undefined, { maxAttempts: 9 });
    await first.runner.start();
    await rig.until(id, 'running');
    await rig.clock.settle();
    first.fault = () => {
      throw away();
    };
    // It does not start: that would mean that the first is dead.
    second.runner.wake();
    assert.equal((await rig.until(id, 'completed')).result?.text, 'by n2');
    assert.deepEqual(times, ['n1 begins', 'n1 ends', 'n2 begins']);
  });

  it('an end that it refuses for what it contains is a failure, and is not offered for ever', async (t) => {
    const rig = await RunnerRig.open(t);
    const rigged = rig.runner('n1');
    rigged.fault = (operation) => {
      if (operation === 'finishTask') throw new ClankerError('storage', 'internal', 'refused');
    };
    const id = await rig.add();
    await rigged.runner.start();
    assert.equal((await rig.until(id, 'failed')).error?.code, 'internal');
  });
});
