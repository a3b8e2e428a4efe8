import assert from 'node:assert/strict';
import test from 'node:test';
import { noNotice, type TaskFilter, type TaskRow } from '../../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import { taskStates, taskTransitions, type TaskState } from '../../../../src/core/task.ts';
import type { OpenEmpty } from '../conformance.ts';
import { chat, claim, finish, inboundRow, noon, outboundRow } from '../rows.ts';
import {
  addJob,
  begun,
  claimTask,
  finished,
  fire,
  fired,
  jobOf,
  minute,
  missed,
  newTask,
  recover,
  result,
  taskOf,
} from '../schedule-rows.ts';

const broken = { kind: 'network', code: 'unreachable', message: 'It cannot be reached.', retryable: true } as const;

/** All pages of a list, two of a page. */
async function ids(store: Store, filter: Partial<TaskFilter> = {}): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await store.listTasks(
      { owner: null, ...filter },
      { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
    );
    seen.push(...page.items.map(({ id }) => id));
    if (page.nextCursor === null) return seen;
    cursor = page.nextCursor;
  }
}

const fail = (store: Store, { id, fence }: TaskRow, at = noon) =>
  store.failTask({ id, fence, error: broken, retryAt: null, notice: noNotice, at });

async function taskIn(store: Store, id: string, state: TaskState): Promise<TaskRow> {
  await store.addTask(newTask(id), 9);
  if (state === 'cancelled') await store.cancelTask(id, null, 'by hand', noon);
  if (state === 'queued' || state === 'cancelled') return taskOf(store, id);
  const task = await begun(store);
  if (state === 'completed') await store.finishTask(finished(task));
  if (state === 'failed') await fail(store, task);
  return taskOf(store, id);
}

/** Everything that may move a task, said with the fence that it has. */
const moves: Readonly<Record<string, (store: Store, task: TaskRow) => Promise<unknown>>> = {
  claimTask: (store) => claimTask(store),
  finishTask: (store, task) => store.finishTask(finished(task)),
  'failTask for good': (store, task) => fail(store, task),
  'failTask for another attempt': (store, { id, fence }) =>
    store.failTask({ id, fence, error: broken, retryAt: noon + 5, notice: noNotice, at: noon }),
  cancelTask: (store, { id }) => store.cancelTask(id, null, 'by hand', noon),
  retryTask: (store, { id }) => store.retryTask(id, null, noon),
  releaseTasks: (store) => store.releaseTasks('node-1', noon),
  'recoverTasks before the last crash': (store) => recover(store, 'node-2', noon),
  'recoverTasks at the last crash': (store) => recover(store, 'node-2', noon, { crashes: 1 }),
  clearDead: (store, { id }) => store.clearDead(null, id),
};

export function tasksConformance(engine: string, openEmpty: OpenEmpty): void {
  const it = (title: string, run: (store: Store) => Promise<void>): void =>
    void test(`${engine}: ${title}`, async (t) => run(await openEmpty(t)));

  it('a task comes back as it was made, once, to its owner only, with the beginning of its story', async (store) => {
    const made = await store.addTask(newTask('a', { due: noon, trigger: 'hand' }), 1);
    assert.deepEqual(made, {
      ...newTask('a', { due: noon, trigger: 'hand' }),
      seq: 1,
      kind: 'text',
      state: 'queued',
      attempts: 0,
      crashes: 0,
      node: null,
      leaseUntil: null,
      fence: 0,
      progress: null,
      result: null,
      error: null,
      startedAt: null,
      finishedAt: null,
      updatedAt: noon,
    });
    assert.deepEqual(await store.task('a', 'owner'), made);
    assert.equal(await store.task('a', 'other'), null);
    assert.deepEqual(await store.addTask(newTask('a', { name: 'other' }), 0), made);
    assert.deepEqual(await store.taskEvents('a'), [{ n: 1, at: noon, kind: 'queued', detail: 'hand' }]);
    assert.deepEqual(await store.taskEvents('nobody'), []);
  });

  it('a person has so many tasks that wait or run, and no more', async (store) => {
    await store.addTask(newTask('a'), 2);
    await store.addTask(newTask('b'), 2);
    await begun(store);
    assert.equal(await store.addTask(newTask('c'), 2), null);
    assert.equal(await store.task('c', null), null);
    assert.notEqual(await store.addTask(newTask('other', { owner: 'other' }), 2), null);
    assert.notEqual(await store.addTask(newTask('chore', { payload: { kind: 'chore', chore: 'x' } }), 2), null);
    await store.cancelTask('a', null, 'by hand', noon);
    assert.notEqual(await store.addTask(newTask('c'), 2), null);
  });

  it('tasks are listed newest first, page by page, by owner, state, job, window, and with or without chores', async (store) => {
    await fire(store, await addJob(store, 'j'), [fired(noon), fired(noon + 1)], null, noon + 1);
    const add = (id: string, at: number, more: Parameters<typeof newTask>[1] = {}) =>
      store.addTask(newTask(id, { createdAt: noon + at, runAt: noon + 50, ...more }), 99);
    await add('a', 5);
    await add('b', 5);
    await add('theirs', 7, { owner: 'other' });
    await add('chore', 6, { payload: { kind: 'chore', chore: 'x' } });
    await store.cancelTask('a', null, 'by hand', noon + 9);
    const [j0, j1] = [`j@${noon}`, `j@${noon + 1}`];
    assert.deepEqual(await ids(store), ['theirs', 'chore', 'b', 'a', j1, j0]);
    assert.deepEqual(await ids(store, { owner: 'owner' }), ['chore', 'b', 'a', j1, j0]);
    assert.deepEqual(await ids(store, { owner: 'owner', chores: 'without' }), ['b', 'a', j1, j0]);
    assert.deepEqual(await ids(store, { chores: 'only' }), ['chore']);
    assert.deepEqual(await ids(store, { state: 'cancelled' }), ['a']);
    assert.deepEqual(await ids(store, { state: 'queued', owner: 'owner', chores: 'without' }), ['b', j1, j0]);
    assert.deepEqual(await ids(store, { jobId: 'j' }), [j1, j0]);
    assert.deepEqual(await ids(store, { jobId: 'j', state: 'queued', owner: 'owner', chores: 'without' }), [j1, j0]);
    assert.deepEqual(await ids(store, { jobId: 'j', owner: 'other' }), []);
    assert.deepEqual(await ids(store, { jobId: 'j', chores: 'only' }), []);
    assert.deepEqual(await ids(store, { from: noon + 5, to: noon + 7 }), ['chore', 'b', 'a']);
    assert.deepEqual(await ids(store, { jobId: 'j', from: noon + 2 }), []);
    await assert.rejects(store.listTasks({ owner: null }, { limit: 2, cursor: 'made up' }), { code: 'bad_cursor' });
  });

  for (const state of taskStates) {
    it(`a ${state} task goes where it may go, whatever is asked of it, or stays as it is`, async (store) => {
      for (const [name, move] of Object.entries(moves)) {
        const before = await taskIn(store, name, state);
        await move(store, before);
        const after = await taskOf(store, name);
        if (after.state === state) assert.deepEqual(after, before, name);
        else assert.ok(taskTransitions[state].includes(after.state), `${state} → ${after.state} by ${name}`);
        assert.equal(after.finishedAt === null, ['queued', 'running'].includes(after.state), name);
        await store.cancelTask(name, null, 'the next one', noon);
      }
    });
  }

  it('a cancelled task is over for whoever is at work on it, and only its owner cancels it', async (store) => {
    await store.addTask(newTask('a'), 9);
    const task = await begun(store);
    assert.equal(await store.cancelTask('a', 'other', 'x', noon), null);
    const cancelled = await store.cancelTask('a', 'owner', 'by hand', noon + 5);
    assert.deepEqual(
      [cancelled?.state, cancelled?.finishedAt, cancelled?.node, cancelled?.leaseUntil],
      ['cancelled', noon + 5, null, null],
    );
    assert.equal(await store.finishTask(finished(task)), null);
    assert.equal(await store.cancelTask('a', 'owner', 'x', noon), null, 'it is over already');
    const { kind, detail } = (await store.taskEvents('a')).at(-1) ?? {};
    assert.deepEqual([kind, detail], ['cancelled', 'by hand']);
  });

  it('a task that is tried again by hand begins anew, and nothing of before counts', async (store) => {
    await store.addTask(newTask('a', { maxAttempts: 1 }), 9);
    const task = await begun(store);
    await store.beatTasks('node-1', noon + 5, [{ id: 'a', fence: task.fence, progress: { done: 0.5, text: 'half' } }]);
    await fail(store, task);
    assert.equal(await store.retryTask('a', 'other', noon), null);
    const again = await store.retryTask('a', 'owner', noon + 5);
    assert.deepEqual(
      [again?.state, again?.attempts, again?.crashes, again?.error, again?.progress, again?.finishedAt, again?.runAt],
      ['queued', 0, 0, null, null, null, noon + 5],
    );
    assert.equal(await store.finishTask(finished(task)), null, 'who was at work before has no say');
    assert.equal(await store.retryTask('a', 'owner', noon), null);
    assert.equal((await begun(store, { now: noon + 5 })).fence, task.fence + 1);
  });

  it('of the steps of a workflow that is tried again what failed or was undone is forgotten', async (store) => {
    await store.addTask(newTask('a'), 9);
    const task = await begun(store);
    const states = ['started', 'done', 'failed', 'undoing', 'undone', 'not_undone'] as const;
    for (const state of states) {
      const step = {
        id: `s_${state}`,
        state,
        result: result(state),
        error: state === 'done' ? null : broken,
        at: noon,
      };
      assert.equal(await store.saveTaskStep('a', task.fence, step), true);
    }
    assert.deepEqual(
      (await store.taskSteps('a')).map(({ id, state }) => [id, state]),
      states.map((state) => [`s_${state}`, state]),
    );
    await fail(store, task);
    await store.retryTask('a', null, noon);
    assert.deepEqual(
      (await store.taskSteps('a')).map(({ id, state, error }) => [id, state, error]),
      [
        ['s_started', 'started', broken],
        ['s_done', 'done', null],
        ['s_undoing', 'started', null],
        ['s_not_undone', 'done', null],
      ],
    );
    const next = await begun(store);
    await store.saveTaskStep('a', next.fence, { id: 'new', state: 'started', result: null, error: null, at: noon });
    assert.equal((await store.taskSteps('a')).at(-1)?.id, 'new');
  });

  it('the story of a task keeps its newest chapters', async (store) => {
    await store.addTask(newTask('a'), 9);
    for (let n = 0; n < 300; n++) {
      await claimTask(store);
      await store.releaseTasks('node-1', noon + n);
    }
    const events = await store.taskEvents('a');
    assert.deepEqual([events.length, events.at(-1)?.n, events.at(-1)?.at], [500, 601, noon + 299]);
  });

  it('tasks that failed are dead letters until they are tried again or cleared, in one list with the others', async (store) => {
    const dead = async (id: string, at: number, owner = 'owner') => {
      await store.addTask(newTask(id, { owner }), 9);
      await fail(store, await begun(store), at);
    };
    await dead('a', noon + 1);
    await store.planOutbound([outboundRow('o')]);
    await store.claimSend(chat('1'), noon);
    await store.recordSend('o', { state: 'dead', at: noon + 2, error: 'blocked' });
    await dead('b', noon + 3, 'other');
    await store.commitInbound([inboundRow('m')]);
    await claim(store);
    await store.finishRun(finish('run-m', { state: 'dead', inbox: 'dead', messages: [], replyId: null, at: noon + 4 }));
    await dead('c', noon + 5);
    assert.equal((await store.counts(0)).dead, 5);
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await store.deadLetters(null, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ kind, row }) => `${kind} ${row.id}`));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    assert.deepEqual(seen, ['task c', 'inbox m', 'task b', 'outbox o', 'task a']);
    assert.equal((await store.deadLetters('other', { limit: 9 })).items.length, 1);
    const letter = await store.deadLetter('owner', 'a');
    assert.deepEqual(letter, { kind: 'task', row: await taskOf(store, 'a') });
    assert.equal(await store.deadLetter('other', 'a'), null);
    assert.equal(await store.clearDead('other', 'a'), 0);
    assert.equal(await store.retryDead('a', noon + 9, noon + 99), true);
    assert.equal(await store.retryDead('a', noon + 9, noon + 99), false);
    assert.equal((await taskOf(store, 'a')).state, 'queued');
    assert.equal(await store.clearDead('owner', 'c'), 1);
    assert.equal(await store.deadLetter(null, 'c'), null);
    assert.equal(await store.retryDead('c', noon, noon), false, 'it is no dead letter any more');
    assert.deepEqual(await ids(store, { state: 'failed' }), ['c', 'b'], 'and a failed task like before');
    assert.equal(await store.clearDead(null), 3);
    assert.equal((await store.counts(0)).dead, 0);
    await store.retryTask('c', null, noon);
    await fail(store, await begun(store), noon + 20);
    assert.equal((await store.deadLetter(null, 'c'))?.kind, 'task', 'it failed anew');
  });

  it('what ended long ago is forgotten in bounded steps, and old slots with it', async (store) => {
    const slots = Array.from({ length: 7 }, (_, n) => (n % 2 === 0 ? fired(noon + n) : missed(noon + n)));
    await fire(store, await addJob(store, 'j'), slots, noon + minute, noon + 6);
    await store.addTask(newTask('ends'), 99);
    await store.addTask(newTask('open', { runAt: noon + 1e9, createdAt: noon - 1e9 }), 99);
    for (let n = 0; n < 5; n++) {
      const task = await begun(store, { now: noon + minute });
      await store.saveTaskStep(task.id, task.fence, { id: 's', state: 'done', result: null, error: null, at: noon });
      await store.finishTask(finished(task, { at: noon + 10 + n }));
    }
    const left = async () => (await store.listTasks({ owner: null }, { limit: 99 })).items.map(({ id }) => id);
    assert.equal((await left()).length, 6);
    assert.equal(await store.forgetTasks(noon + 6, noon, 3), false, 'nothing is as old as that');
    assert.deepEqual([(await left()).length, (await store.slots('j', { limit: 99 })).items.length], [6, 7]);
    const more: boolean[] = [];
    do more.push(await store.forgetTasks(noon + 12, noon, 2));
    while (more.at(-1) === true);
    assert.ok(more.length >= 3, 'it takes its time');
    assert.equal((await left()).length, 4);
    assert.deepEqual((await store.slots('j', { limit: 99 })).items, []);
    await store.forgetTasks(noon + minute, noon, 99);
    assert.deepEqual(await left(), ['open']);
    assert.deepEqual([await store.taskSteps('ends'), await store.taskEvents('ends')], [[], []]);
  });

  it('jobs that are over are forgotten like their tasks, and those with work left are not', async (store) => {
    for (const id of ['over', 'goes on', 'waits']) {
      const job = await addJob(store, id);
      await fire(store, job, [fired(noon)], id === 'goes on' ? noon + minute : null);
      if (id !== 'waits') await store.finishTask(finished(await begun(store)));
    }
    const left = async () => (await store.listJobs({ owner: null }, { limit: 9 })).items.map(({ id }) => id);
    await store.forgetTasks(noon, noon, 9);
    assert.equal((await left()).length, 3, 'not before their time');
    while (await store.forgetTasks(noon + 2 * minute, noon, 1));
    assert.deepEqual(await left(), ['goes on', 'waits']);
    await store.finishTask(finished(await begun(store)));
    while (await store.forgetTasks(noon + 2 * minute, noon, 1));
    assert.deepEqual(await left(), ['goes on']);
  });

  it('what a job or task asked the agent goes with the last that is known of it, and not before', async (store) => {
    const keys = ['job:owner:alone', 'job:owner:gone', 'job:owner:over', 'job:owner:stays', 'api:owner:main'];
    const session = { owner: 'owner', conversation: null, title: null, agent: null, model: null, messageCount: 0 };
    for (const key of keys)
      await store.importSession(
        { ...session, key, channel: 'job', account: 'owner', createdAt: 1, lastActiveAt: 1 },
        [],
      );
    await store.addTask(newTask('alone'), 9);
    for (const id of ['gone', 'over', 'stays'])
      await fire(store, await addJob(store, id), [fired(noon)], id === 'over' ? null : noon + minute);
    await store.addTask(newTask('gone later', { jobId: 'gone', trigger: 'hand' }), 9);
    for (let n = 0; n < 5; n++) {
      const task = await begun(store, { now: noon + 5 });
      await store.finishTask(finished(task, { at: task.id === 'gone later' ? noon + 2 * minute : noon + 5 }));
    }
    await store.removeJob('gone', null, noon + 5);
    const left = async () => (await store.listSessions(null, { limit: 9 })).items.map(({ key }) => key).sort();
    while (await store.forgetTasks(noon + minute, noon, 9));
    assert.deepEqual(await left(), ['api:owner:main', 'job:owner:gone', 'job:owner:stays']);
    while (await store.forgetTasks(noon + 3 * minute, noon, 9));
    assert.deepEqual(await left(), ['api:owner:main', 'job:owner:stays']);
  });

  it('chores that had nothing to tell are forgotten sooner, with their slots, and nothing else is', async (store) => {
    const payload = { kind: 'chore', chore: 'health' } as const;
    const chore = await addJob(store, 'chore-health', { payload });
    const text = await addJob(store, 'j');
    for (const [job, words] of [
      [chore, ''],
      [chore, 'not all is well'],
      [text, ''],
    ] as const) {
      const { nextAt } = await jobOf(store, job.id);
      const due = nextAt ?? 0;
      await store.fire({
        jobId: job.id,
        revision: (await jobOf(store, job.id)).revision,
        dueAt: due,
        slots: [fired(due)],
        tasks: [
          newTask(`${job.id}@${due}`, { jobId: job.id, due, trigger: 'slot', payload: job.payload, createdAt: noon }),
        ],
        nextAt: due + minute,
        maxWaiting: 100,
        at: noon,
      });
      await store.finishTask(finished(await begun(store), { result: result(words), at: noon + 1 }));
    }
    const left = async () => (await store.listTasks({ owner: null }, { limit: 9 })).items.map(({ id }) => id).sort();
    const slots = async (id: string) => (await store.slots(id, { limit: 9 })).items.map(({ due }) => due);
    await store.forgetTasks(noon - minute, noon, 9);
    assert.equal((await left()).length, 3, 'not before their time');
    while (await store.forgetTasks(noon - minute, noon + 1, 1));
    assert.deepEqual(await left(), [`chore-health@${noon + minute}`, `j@${noon}`]);
    assert.deepEqual([await slots('chore-health'), await slots('j')], [[noon + minute], [noon]]);
  });
}
