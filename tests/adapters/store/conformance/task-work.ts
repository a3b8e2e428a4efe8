import assert from 'node:assert/strict';
import test from 'node:test';
import type { PayloadKind } from '../../../../src/core/payload.ts';
import { noNotice, type NewTask, type TaskRow } from '../../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import { maxTaskCrashes, type TaskEventKind } from '../../../../src/core/task.ts';
import type { OpenEmpty } from '../conformance.ts';
import { answered, claim, finish, inboundRow, noon, outboundRow, reply } from '../rows.ts';
import {
  addJob,
  begun,
  claimTask,
  finished,
  fire,
  fired,
  jobOf,
  minute,
  newTask,
  recover,
  result,
  taskOf,
} from '../schedule-rows.ts';

const broken = { kind: 'network', code: 'unreachable', message: 'It cannot be reached.', retryable: true } as const;
const ask = { kind: 'ask', prompt: 'what?' } as const;
const sessionKey = 'api:owner:main';

const told = async (store: Store, id: string): Promise<TaskEventKind[]> =>
  (await store.taskEvents(id)).map(({ kind }) => kind);

/** The same numbers for the same seed, 0 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

export function taskWorkConformance(engine: string, openEmpty: OpenEmpty): void {
  const it = (title: string, run: (store: Store) => Promise<void>): void =>
    void test(`${engine}: ${title}`, async (t) => run(await openEmpty(t)));
  const add = async (store: Store, id: string, more: Partial<NewTask> = {}): Promise<TaskRow> =>
    (await store.addTask(newTask(id, more), 999)) ?? assert.fail(`${id} was not added`);

  it('the longest due task is claimed, its attempt counted before the work', async (store) => {
    await add(store, 'later', { runAt: noon + 1 });
    await add(store, 'b', { runAt: noon - 1 });
    await add(store, 'a', { runAt: noon - 2 });
    const task = await begun(store, { node: 'n7', leaseUntil: noon + 5 });
    assert.deepEqual(
      [task.id, task.state, task.attempts, task.fence, task.node, task.leaseUntil, task.startedAt],
      ['a', 'running', 1, 1, 'n7', noon + 5, noon],
    );
    assert.deepEqual(await taskOf(store, 'a'), task);
    assert.equal((await begun(store)).id, 'b');
    assert.equal(await claimTask(store), null, 'the third is not due');
    assert.deepEqual(await told(store, 'a'), ['queued', 'started']);
  });

  it('nobody claims what another one claims at the same time', async (store) => {
    for (let n = 0; n < 5; n++) await add(store, `t${n}`);
    const claims = await Promise.all(Array.from({ length: 9 }, () => claimTask(store)));
    assert.deepEqual(claims.flatMap((task) => task?.id ?? []).sort(), ['t0', 't1', 't2', 't3', 't4']);
  });

  it('who or what is busy is passed over, and does not say when the next one begins', async (store) => {
    await add(store, 'a', { owner: 'ada', runAt: noon - 9 });
    await add(store, 'b', { owner: 'bob', runAt: noon - 5, payload: ask });
    await add(store, 'c', { owner: 'bob', runAt: noon + 5 });
    const busy = { busyOwners: ['ada'], busyKinds: [] as PayloadKind[] };
    assert.equal(await store.nextTaskAt([], []), noon - 9);
    assert.equal(await store.nextTaskAt(['ada'], []), noon - 5);
    assert.equal(await store.nextTaskAt(['ada'], ['ask']), noon + 5);
    assert.equal(await store.nextTaskAt(['ada', 'bob'], []), null);
    assert.equal(await claimTask(store, { ...busy, busyKinds: ['ask'] }), null);
    assert.equal((await begun(store, busy)).id, 'b');
    assert.equal((await begun(store)).id, 'a');
  });

  it('one task of a job runs at a time, the others wait in their line by the time they are due', async (store) => {
    await fire(store, await addJob(store, 'j'), [fired(noon), fired(noon + 1), fired(noon + 2)], null);
    const at = { now: noon + minute, leaseUntil: noon + 2 * minute };
    const first = await begun(store, at);
    assert.equal(first.due, noon);
    assert.equal(await claimTask(store, at), null);
    assert.equal(await store.nextTaskAt([], []), at.leaseUntil, 'nothing but its lease');
    await store.failTask({
      id: first.id,
      fence: first.fence,
      error: broken,
      retryAt: noon + 3,
      notice: noNotice,
      at: at.now,
    });
    const second = await begun(store, at);
    assert.equal(second.due, noon + 1, 'an attempt that comes later does not hold up the line');
    await add(store, 'by-hand', { jobId: 'j', trigger: 'hand', runAt: noon - 5 });
    assert.equal(await claimTask(store, at), null);
    await store.finishTask(finished(second));
    assert.equal((await begun(store, at)).id, 'by-hand');
    await store.cancelTask('by-hand', null, 'x', noon);
    assert.equal((await begun(store, at)).due, noon + 2);
  });

  it('claims are those of a plain look at all tasks, in 300 random lives', async (store) => {
    const next = numbers(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const owners = ['ada', 'bob', 'cyd'];
    for (const id of ['j1', 'j2', 'j3']) await addJob(store, id, { nextAt: noon + 1e9 });
    let made = 0;
    for (let n = 0; n < 300; n++) {
      const all = (await store.listTasks({ owner: null }, { limit: 999 })).items;
      const running = all.filter(({ state }) => state === 'running');
      const move = next();
      const some = running.length === 0 ? undefined : pick(running);
      if (move < 0.4) {
        const jobId = pick([null, null, 'j1', 'j2', 'j3']);
        const payload = pick([ask, { kind: 'text', text: 'x' } as const]);
        const runAt = noon + Math.floor(next() * 50);
        // A task of a job is of the job's owner.
        await add(store, `t${made++}`, { owner: jobId === null ? pick(owners) : 'ada', jobId, payload, runAt });
      } else if (move < 0.5 && some !== undefined) await store.finishTask(finished(some));
      else if (move < 0.6 && some !== undefined)
        await store.failTask({
          id: some.id,
          fence: some.fence,
          error: broken,
          retryAt: next() < 0.5 ? null : noon + Math.floor(next() * 50),
          notice: noNotice,
          at: noon,
        });
      else if (move < 0.65 && all.length > 0) await store.cancelTask(pick(all).id, null, 'x', noon);
      else if (move < 0.7 && all.length > 0) await store.retryTask(pick(all).id, null, noon + Math.floor(next() * 50));
      else {
        const busyOwners = owners.filter(() => next() < 0.3);
        const busyKinds = (['ask', 'text'] as const).filter(() => next() < 0.2);
        const now = noon + Math.floor(next() * 60);
        const queued = all
          .filter(({ state }) => state === 'queued')
          .sort((a, b) => a.runAt - b.runAt || a.seq - b.seq)
          .filter(({ jobId }, at, list) => jobId === null || list.findIndex((task) => task.jobId === jobId) === at)
          .filter(({ jobId }) => jobId === null || running.every((task) => task.jobId !== jobId))
          .filter(({ owner, kind }) => !busyOwners.includes(owner) && !busyKinds.some((busy) => busy === kind));
        const waits = running
          .filter(({ owner, kind }) => !busyOwners.includes(owner) && !busyKinds.some((busy) => busy === kind))
          .map(({ leaseUntil }) => leaseUntil ?? 0);
        const times = [...queued.map(({ runAt }) => runAt), ...waits];
        assert.equal(await store.nextTaskAt(busyOwners, busyKinds), times.length === 0 ? null : Math.min(...times));
        const claimed = await claimTask(store, { now, busyOwners, busyKinds, leaseUntil: noon + 1e9 });
        assert.equal(claimed?.id, queued.find(({ runAt }) => runAt <= now)?.id);
      }
    }
  });

  it('a lease that ran out is taken over as a crash, and the one before has no say any more', async (store) => {
    await add(store, 'a');
    const first = await begun(store, { leaseUntil: noon + 5 });
    assert.equal(await store.nextTaskAt([], []), noon + 5);
    assert.equal(await claimTask(store, { now: noon + 4, node: 'node-2' }), null);
    assert.equal(await claimTask(store, { now: noon + 5, node: 'node-2' }), null, 'it is seen to first');
    assert.deepEqual(await recover(store, null, noon + 4), [], 'somebody is at work on it');
    const again = { id: 'a', fence: first.fence, node: null, error: null, notice: noNotice };
    assert.equal(await store.recoverTask({ ...again, at: noon + 4 }), null);
    assert.deepEqual(
      (await recover(store, null, noon + 5)).map(({ state, crashes }) => [state, crashes]),
      [['queued', 1]],
    );
    assert.equal(await store.recoverTask({ ...again, at: noon + 5 }), null, 'once');
    const second = await begun(store, { now: noon + 5, node: 'node-2' });
    assert.deepEqual([second.id, second.attempts, second.crashes, second.fence], ['a', 2, 1, first.fence + 1]);
    const late = { id: 'a', fence: first.fence };
    assert.deepEqual(await store.beatTasks('node-1', noon + 99, [{ ...late, progress: null }]), ['a']);
    assert.equal(await store.finishTask(finished(late, { outbox: [outboundRow('o')] })), null);
    assert.equal(await store.failTask({ ...late, error: broken, retryAt: null, notice: noNotice, at: noon }), null);
    const step = { id: 's', state: 'done', result: null, error: null, at: noon } as const;
    assert.equal(await store.saveTaskStep('a', first.fence, step), false);
    assert.deepEqual(await taskOf(store, 'a'), second);
    assert.equal(await store.outbound('o'), null);
    assert.deepEqual(await store.taskSteps('a'), []);
    assert.deepEqual(await told(store, 'a'), ['queued', 'started', 'crashed', 'started']);
  });

  it('a task whose lease runs out again and again ends, and its job rests', async (store) => {
    await fire(store, await addJob(store, 'j'), [fired(noon)], noon + minute);
    await add(store, 'other', { runAt: noon + 1 });
    for (let crash = 0; crash < maxTaskCrashes; crash++) {
      assert.equal((await begun(store, { now: noon + crash * 10, leaseUntil: 0 })).id, `j@${noon}`);
      await recover(store, null, noon + crash * 10);
    }
    assert.equal((await begun(store, { now: noon + minute })).id, 'other', 'the next one is claimed instead');
    const { state, error, crashes } = await taskOf(store, `j@${noon}`);
    assert.deepEqual([state, error?.code, crashes], ['failed', 'crashed', maxTaskCrashes]);
    const job = await jobOf(store, 'j');
    assert.deepEqual([job.state, job.reason], ['paused', 'crashed']);
  });

  it('a job that ends the process ends it no more by what waits in its line; results on their way still arrive', async (store) => {
    await fire(store, await addJob(store, 'j'), [fired(noon), fired(noon + 1)], null);
    await add(store, 'by hand', { jobId: 'j', trigger: 'hand', runAt: noon + 2 });
    await add(store, 'result', { jobId: 'j', trigger: 'task', runAt: noon + 3 });
    for (let crash = 1; crash <= maxTaskCrashes; crash++) {
      assert.equal((await begun(store, { now: noon + 9, node: `n${crash}` })).id, `j@${noon}`);
      await recover(store, 'next', noon + 9);
    }
    assert.equal((await begun(store, { now: noon + 9 })).id, 'result');
    for (const id of [`j@${noon + 1}`, 'by hand']) {
      assert.equal((await taskOf(store, id)).state, 'cancelled');
      assert.deepEqual(await told(store, id), ['queued', 'cancelled']);
    }
    assert.equal((await store.retryTask('by hand', null, noon + 10))?.state, 'queued', 'a person may want it');
  });

  it('signs of life extend the lease and tell of progress; who does not hold a task any more hears of it', async (store) => {
    await add(store, 'a');
    await add(store, 'b');
    await add(store, 'c');
    const [a, b, c] = [await begun(store), await begun(store), await begun(store)];
    await store.cancelTask('b', null, 'x', noon);
    await store.finishTask(finished(c));
    const progress = { done: 0.5, text: 'half' };
    const beats = [a, b, c].map(({ id, fence }) => ({ id, fence, progress }));
    const alone = [{ id: 'a', fence: a.fence, progress: null }];
    assert.deepEqual(await store.beatTasks('node-1', noon + 99, beats), ['b', 'c']);
    assert.deepEqual(await store.beatTasks('node-2', noon + 199, alone), ['a']);
    assert.deepEqual(await store.beatTasks('node-1', noon + 100, alone), []);
    const task = await taskOf(store, 'a');
    assert.deepEqual([task.leaseUntil, task.progress], [noon + 100, progress], 'what was told stays');
  });

  it('a task ends with its messages, its note, what its job keeps and what follows, together', async (store) => {
    await answered(store, 'hello');
    await fire(store, await addJob(store, 'j'), [fired(noon)], noon + minute);
    const task = await begun(store);
    const note = { ...reply('note-1', 'A reminder was delivered.'), role: 'system', author: null } as const;
    const done = await store.finishTask(
      finished(task, {
        memory: { seen: 1 },
        outbox: [outboundRow('o', { idempotencyKey: `task:${task.id}` })],
        note: { sessionKey, message: note },
        follows: [newTask('follow-up', { trigger: 'task', runAt: noon + minute })],
      }),
    );
    assert.deepEqual(done?.task, await taskOf(store, task.id));
    const { state, result: kept, finishedAt, node, leaseUntil, attempts } = done.task;
    assert.deepEqual([state, kept, finishedAt], ['completed', result(`result of ${task.id}`), noon + 1000]);
    assert.deepEqual([node, leaseUntil, attempts], [null, null, 1]);
    assert.deepEqual(done.outbox, [await store.outbound('o')]);
    assert.deepEqual((await jobOf(store, 'j')).memory, { seen: 1 });
    assert.equal((await taskOf(store, 'follow-up')).state, 'queued');
    const { items } = await store.listMessages(sessionKey, { limit: 9 });
    assert.deepEqual([items.at(-1)?.role, items.at(-1)?.id, items.at(-1)?.seq], ['system', 'note-1', 3]);
    assert.equal((await store.session(sessionKey, null))?.messageCount, 3);
    assert.deepEqual(await store.queuedSessions(9), [], 'a note begins no run');
    assert.deepEqual(await told(store, task.id), ['queued', 'started', 'completed', 'delivered']);
    assert.equal((await store.taskEvents(task.id)).at(-1)?.detail, 'to telegram:main');
    assert.equal(await store.finishTask(finished(task)), null, 'once');
  });

  it('a note while a run is at work stands before its answer, and both stay', async (store) => {
    await store.commitInbound([inboundRow('a')]);
    await claim(store);
    await add(store, 't');
    const note = { ...reply('note-1'), role: 'system' } as const;
    await store.finishTask(finished(await begun(store), { note: { sessionKey, message: note } }));
    await store.finishRun(finish('run-a'));
    const { items } = await store.listMessages(sessionKey, { limit: 9 });
    assert.deepEqual(
      items.map(({ id, seq }) => [id, seq]),
      [
        ['a', 1],
        ['note-1', 2],
        ['reply-run-a', 3],
      ],
    );
    await store.commitInbound([inboundRow('b')]);
    assert.equal((await claim(store))?.history.length, 4);
  });

  it('a note for a history that is not there is left out, and begins none', async (store) => {
    await add(store, 't');
    const done = await store.finishTask(
      finished(await begun(store), { note: { sessionKey: 'telegram:main:1', message: reply('n') } }),
    );
    assert.equal(done?.task.state, 'completed');
    assert.equal(await store.session('telegram:main:1', null), null);
  });

  it('what is handed over twice under one key goes out once', async (store) => {
    await add(store, 't');
    const first = await begun(store, { leaseUntil: noon + 1 });
    const [earlier] = await store.planOutbound([outboundRow('o1', { idempotencyKey: 'task:t' })]);
    const follows = [newTask('f')];
    await add(store, 'f', { name: 'as it was' });
    const outbox = [outboundRow('o2', { idempotencyKey: 'task:t' })];
    const done = await store.finishTask(finished(first, { outbox, follows }));
    assert.deepEqual(done?.outbox, [earlier]);
    assert.equal((await taskOf(store, 'f')).name, 'as it was');
  });

  it('a task that failed waits for its next attempt, and has failed without one left', async (store) => {
    await add(store, 'a', { maxAttempts: 2 });
    const first = await begun(store);
    const waits = await store.failTask({
      id: 'a',
      fence: first.fence,
      error: broken,
      retryAt: noon + 50,
      notice: noNotice,
      at: noon + 1,
    });
    assert.deepEqual(
      [waits?.state, waits?.runAt, waits?.error, waits?.finishedAt, waits?.node, waits?.updatedAt],
      ['queued', noon + 50, broken, null, null, noon + 1],
    );
    assert.equal(await claimTask(store, { now: noon + 49 }), null);
    const second = await begun(store, { now: noon + 50 });
    assert.equal(second.attempts, 2);
    const over = await store.failTask({
      id: 'a',
      fence: second.fence,
      error: broken,
      retryAt: noon + 99,
      notice: noNotice,
      at: noon + 60,
    });
    assert.deepEqual([over?.state, over?.runAt, over?.finishedAt], ['failed', noon + 50, noon + 60]);
    assert.deepEqual(await told(store, 'a'), ['queued', 'started', 'retrying', 'started', 'failed']);
    assert.equal((await store.taskEvents('a')).at(-1)?.detail, 'unreachable');
    await add(store, 'b');
    const { id, fence } = await begun(store);
    assert.equal(
      (await store.failTask({ id, fence, error: broken, retryAt: null, notice: noNotice, at: noon }))?.state,
      'failed',
    );
  });

  it('what tells of a failure is stored with it, once, and with no other end of the attempt', async (store) => {
    await add(store, 'a', { maxAttempts: 2 });
    const notice = (id: string) => ({
      outbox: [outboundRow(`o${id}`, { idempotencyKey: `task:a:failed:${id}` })],
      follows: [newTask(`f${id}`, { trigger: 'task', runAt: noon + minute })],
    });
    const fail = ({ fence }: TaskRow, retryAt: number | null) =>
      store.failTask({ id: 'a', fence, error: broken, retryAt, notice: notice(String(fence)), at: noon });
    const first = await begun(store);
    await fail(first, noon);
    assert.deepEqual([await store.outbound('o1'), await store.task('f1', null)], [null, null], 'it goes on');
    const second = await begun(store);
    assert.equal(await fail(first, null), null, 'nobody holds it under this fence');
    assert.equal(await store.outbound('o1'), null);
    assert.equal((await fail(second, null))?.state, 'failed');
    assert.equal((await store.outbound('o2'))?.state, 'planned');
    assert.equal((await taskOf(store, 'f2')).state, 'queued');
    assert.equal(await fail(second, null), null, 'once');
    assert.deepEqual((await told(store, 'a')).slice(-2), ['failed', 'delivered']);
  });

  it('what need not wait any more is cancelled with the end that makes it so, and not without it', async (store) => {
    await add(store, 'old', { runAt: noon + minute });
    await add(store, 'a');
    const task = await begun(store);
    await store.finishTask(finished({ id: 'a', fence: task.fence + 1 }, { supersedes: ['old'] }));
    assert.equal((await taskOf(store, 'old')).state, 'queued', 'that end was void');
    await store.finishTask(finished(task, { supersedes: ['old', 'gone'] }));
    assert.equal((await taskOf(store, 'old')).state, 'cancelled');
  });

  it('a stop gives back what this process holds, and the attempt does not count', async (store) => {
    await fire(store, await addJob(store, 'j'), [fired(noon)], noon + minute);
    await add(store, 'theirs', { runAt: noon + 1 });
    const task = await begun(store);
    await begun(store, { now: noon + 1, node: 'node-2' });
    assert.equal(await store.releaseTasks('node-1', noon + 5), 1);
    const { state, attempts, node, crashes } = await taskOf(store, task.id);
    assert.deepEqual([state, attempts, node, crashes], ['queued', 0, null, 0]);
    assert.equal((await taskOf(store, 'theirs')).state, 'running');
    assert.equal((await begun(store, { node: 'node-3' })).id, task.id);
    assert.deepEqual(await told(store, task.id), ['queued', 'started', 'released', 'started']);
  });

  it('after a crash what ran is queued again, its crash counted, and one that crashes too often ends with its job paused', async (store) => {
    await fire(store, await addJob(store, 'j'), [fired(noon)], noon + minute);
    await add(store, 'mine', { runAt: noon + 1 });
    const task = await begun(store, { node: 'dead' });
    const mine = await begun(store, { now: noon + 1, node: 'alive' });
    const first = await recover(store, 'alive', noon + 5, { crashes: 2 });
    assert.deepEqual(
      first.map(({ id, state, crashes, attempts }) => [id, state, crashes, attempts]),
      [[task.id, 'queued', 1, 1]],
    );
    assert.deepEqual(await taskOf(store, 'mine'), mine);
    await begun(store, { now: noon + 6, node: 'dead-2' });
    const notice = {
      outbox: [outboundRow('o', { idempotencyKey: `task:${task.id}:failed:2` })],
      follows: [newTask('later', { trigger: 'task', runAt: noon + minute })],
    };
    const second = await recover(store, 'alive', noon + 7, { crashes: 2, notice });
    assert.deepEqual(second, [await taskOf(store, task.id)]);
    assert.deepEqual(
      [second[0]?.state, second[0]?.error?.code, second[0]?.finishedAt],
      ['failed', 'crashed', noon + 7],
    );
    assert.equal((await store.outbound('o'))?.state, 'planned');
    assert.equal((await taskOf(store, 'later')).state, 'queued');
    const { state, reason, revision } = await jobOf(store, 'j');
    assert.deepEqual([state, reason, revision], ['paused', 'crashed', 3]);
    assert.deepEqual((await told(store, task.id)).slice(-4), ['started', 'crashed', 'failed', 'delivered']);
    assert.equal((await store.deadLetter(null, task.id))?.kind, 'task');
    assert.equal(await store.nextDue(), null);
  });

  it('steps are kept as they go, and a cancelled workflow still tells of its own', async (store) => {
    await add(store, 'a');
    const { fence } = await begun(store);
    const save = (state: 'started' | 'done' | 'undoing' | 'undone', more = {}) =>
      store.saveTaskStep('a', fence, { id: 'one', state, result: null, error: null, at: noon, ...more });
    await save('started');
    await save('done', { result: { ...result('r'), memory: { x: 1 } }, at: noon + 2 });
    assert.deepEqual(await store.taskSteps('a'), [
      { id: 'one', state: 'done', result: { ...result('r'), memory: { x: 1 } }, error: null, at: noon + 2 },
    ]);
    await store.cancelTask('a', null, 'by hand', noon + 3);
    assert.equal(await save('undoing'), true);
    assert.equal(await save('undone', { error: broken }), true);
    assert.deepEqual(
      (await store.taskSteps('a')).map(({ state, error }) => [state, error]),
      [['undone', broken]],
    );
    assert.equal(await save('done', { id: 'two' }), true, 'what was under way when it was cancelled');
    const { kind, detail } = (await store.taskEvents('a')).at(-1) ?? {};
    assert.deepEqual([kind, detail], ['step', 'two: done']);
    assert.deepEqual(await store.taskSteps('nobody'), []);
    await store.retryTask('a', null, noon);
    await begun(store);
    assert.equal(await save('started'), false, 'somebody else is at work on it');
  });
}
