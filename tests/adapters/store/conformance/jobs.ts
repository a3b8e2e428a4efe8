import assert from 'node:assert/strict';
import test from 'node:test';
import { noNotice, type JobFilter, type JobRow } from '../../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import { jobTransitions, type JobState } from '../../../../src/core/schedule.ts';
import type { OpenEmpty } from '../conformance.ts';
import { noon } from '../rows.ts';
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
  newJob,
  newTask,
  taskOf,
} from '../schedule-rows.ts';

const states = Object.keys(jobTransitions) as JobState[];

async function jobIn(store: Store, state: JobState): Promise<JobRow> {
  const job = await addJob(store, state);
  if (state === 'active') return job;
  const change = { state, nextAt: state === 'finished' ? null : job.nextAt, at: noon };
  return (await store.changeJob(state, job.revision, change)) ?? job;
}

/** All pages of a list, two of a page. */
async function ids(store: Store, filter: Partial<JobFilter> = {}): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await store.listJobs(
      { owner: null, ...filter },
      { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
    );
    seen.push(...page.items.map(({ id }) => id));
    if (page.nextCursor === null) return seen;
    cursor = page.nextCursor;
  }
}

export function jobsConformance(engine: string, openEmpty: OpenEmpty): void {
  const it = (title: string, run: (store: Store) => Promise<void>): void =>
    void test(`${engine}: ${title}`, async (t) => run(await openEmpty(t)));

  it('a job comes back as it was made, to its owner only', async (store) => {
    const made = await addJob(store, 'a');
    assert.deepEqual(made, {
      ...newJob('a'),
      state: 'active',
      reason: null,
      revision: 1,
      runs: 0,
      missedRuns: 0,
      lastFiredAt: null,
      decidedAt: noon - minute,
      memory: null,
      updatedAt: noon - minute,
    });
    assert.deepEqual(await store.job('a', 'owner'), made);
    assert.equal(await store.job('a', 'other'), null);
    assert.deepEqual(await addJob(store, 'a', { name: 'other' }), made, 'said twice it is the same one');
  });

  it('a job that is never due is over from the start', async (store) => {
    const { state, reason } = await addJob(store, 'a', { nextAt: null });
    assert.deepEqual([state, reason], ['finished', 'over']);
  });

  it('a person has so many jobs and no more; what is over and the chores of the gateway do not count', async (store) => {
    await store.addJob(newJob('chore-1', { payload: { kind: 'chore', chore: 'one' } }), 0);
    assert.equal(await store.addJob(newJob('chore-1', { payload: { kind: 'chore', chore: 'one' } }), 9), null);
    const first = await store.addJob(newJob('a'), 2);
    await store.addJob(newJob('b'), 2);
    assert.equal(await store.addJob(newJob('c'), 2), null);
    assert.equal(await store.job('c', null), null);
    assert.notEqual(await store.addJob(newJob('other', { owner: 'other' }), 2), null);
    assert.notEqual(await store.addJob(newJob('a'), 2), null, 'one that is there is told');
    await fire(store, first ?? newJobRow(), [fired(noon)], null);
    assert.notEqual(await store.addJob(newJob('c'), 2), null);
  });

  it('jobs are listed soonest first, page by page, those without a time last', async (store) => {
    await addJob(store, 'late', { nextAt: noon + 9 });
    await addJob(store, 'never', { nextAt: null });
    await addJob(store, 'soon', { nextAt: noon + 1 });
    await addJob(store, 'also-soon', { nextAt: noon + 1 });
    await addJob(store, 'chore-x', { nextAt: noon + 5, payload: { kind: 'chore', chore: 'x' } });
    const { revision } = await addJob(store, 'paused', { nextAt: noon + 3 });
    await store.changeJob('paused', revision, { state: 'paused', at: noon });
    await addJob(store, 'theirs', { owner: 'other', nextAt: noon + 2 });
    assert.deepEqual(await ids(store), ['soon', 'also-soon', 'theirs', 'paused', 'chore-x', 'late', 'never']);
    assert.deepEqual(await ids(store, { owner: 'owner', chores: 'without' }), [
      'soon',
      'also-soon',
      'paused',
      'late',
      'never',
    ]);
    assert.deepEqual(await ids(store, { chores: 'only' }), ['chore-x']);
    assert.deepEqual(await ids(store, { owner: 'other' }), ['theirs']);
    assert.deepEqual(await ids(store, { state: 'paused' }), ['paused']);
    assert.deepEqual(await ids(store, { state: 'finished', owner: 'owner' }), ['never']);
    assert.deepEqual(await ids(store, { dueFrom: noon + 2, dueTo: noon + 9 }), ['theirs', 'paused', 'chore-x']);
    assert.deepEqual(await ids(store, { dueFrom: noon + 5 }), ['chore-x', 'late']);
    assert.deepEqual(await ids(store, { dueTo: noon + 2 }), ['soon', 'also-soon']);
  });

  it('what a job remembers is told of it alone', async (store) => {
    const job = await addJob(store, 'a');
    await fire(store, job, [fired(noon)], noon + minute);
    const task = await begun(store);
    await store.finishTask(finished(task, { memory: { page: 'x' } }));
    assert.deepEqual((await jobOf(store, 'a')).memory, { page: 'x' });
    assert.equal((await store.listJobs({ owner: null }, { limit: 9 })).items[0]?.memory, null);
    assert.equal((await store.dueJobs(noon + minute, 9))[0]?.memory, null);
    await fire(store, await jobOf(store, 'a'), [fired(noon + minute)], null);
    await store.finishTask(finished(await begun(store, { now: noon + minute })));
    assert.deepEqual((await jobOf(store, 'a')).memory, { page: 'x' }, 'it stays when nothing is said of it');
  });

  it('a change counts the revision up, and one that was made of an older job changes nothing', async (store) => {
    const job = await addJob(store, 'a');
    const settings = { name: 'new', payload: { kind: 'ask', prompt: 'what?' } as const, endAt: noon + 9 };
    const changed = await store.changeJob('a', 1, { settings, at: noon });
    assert.deepEqual(changed, { ...job, ...settings, revision: 2, updatedAt: noon });
    assert.equal(await store.changeJob('a', 1, { settings: { name: 'late' }, at: noon }), null);
    assert.equal(await store.changeJob('b', 1, { at: noon }), null);
    assert.deepEqual(await jobOf(store, 'a'), changed);
    const moved = await store.changeJob('a', 2, { nextAt: noon + 5, at: noon + 1 });
    assert.deepEqual([moved?.nextAt, moved?.decidedAt], [noon + 5, noon + 1]);
    const origin = { ...job.origin, role: 'member', tainted: 'web page' } as const;
    await store.changeJob('a', 3, { origin, at: noon });
    assert.deepEqual(
      (await store.changeJob('a', 4, { at: noon }))?.origin,
      origin,
      'it stays when nothing is said of it',
    );
  });

  it('a reason goes with the state that it was given for', async (store) => {
    await addJob(store, 'a');
    await store.changeJob('a', 1, { state: 'paused', reason: 'by hand', nextAt: null, at: noon });
    assert.equal((await store.changeJob('a', 2, { settings: { name: 'x' }, at: noon }))?.reason, 'by hand');
    assert.equal((await store.changeJob('a', 3, { state: 'active', nextAt: noon, at: noon }))?.reason, null);
  });

  it('a job that is to run and has no time to is over', async (store) => {
    await addJob(store, 'a');
    const changed = await store.changeJob('a', 1, { state: 'active', nextAt: null, at: noon });
    assert.deepEqual([changed?.state, changed?.reason], ['finished', 'over']);
    assert.equal(await store.nextDue(), null);
  });

  for (const from of states) {
    for (const to of states.filter((state) => state !== from)) {
      const allowed = jobTransitions[from].includes(to);
      it(`a job goes ${allowed ? '' : 'never '}from ${from} to ${to}`, async (store) => {
        const job = await jobIn(store, from);
        const nextAt = to === 'finished' ? null : noon;
        const changed = await store.changeJob(from, job.revision, { state: to, nextAt, at: noon });
        assert.equal(changed?.state ?? null, allowed ? to : null);
        assert.deepEqual(await jobOf(store, from), allowed ? changed : job);
      });
    }
  }

  it('what is due is told, the longest due first, and when the next one is', async (store) => {
    assert.equal(await store.nextDue(), null);
    await addJob(store, 'b', { nextAt: noon + 2 });
    await addJob(store, 'a', { nextAt: noon + 1 });
    await addJob(store, 'later', { nextAt: noon + 9 });
    await addJob(store, 'paused', { nextAt: noon });
    await store.changeJob('paused', 1, { state: 'paused', at: noon });
    const due = async (now: number, limit = 9) => (await store.dueJobs(now, limit)).map(({ id }) => id);
    assert.deepEqual(await due(noon + 2), ['a', 'b']);
    assert.deepEqual(await due(noon + 2, 1), ['a']);
    assert.deepEqual(await due(noon), []);
    assert.equal(await store.nextDue(), noon + 1);
  });

  it('jobs that were planned ahead of a clock that was set back are found', async (store) => {
    const job = await addJob(store, 'a', { createdAt: noon });
    await addJob(store, 'b', { createdAt: noon - 9 });
    await addJob(store, 'paused', { createdAt: noon });
    await store.changeJob('paused', 1, { state: 'paused', at: noon });
    const ahead = async (now: number) => (await store.aheadJobs(now, 9)).map(({ id }) => id);
    assert.deepEqual([await ahead(noon), await ahead(noon - 1)], [[], ['a']]);
    await store.changeJob('a', job.revision, { settings: { name: 'x' }, at: noon - 5 });
    assert.deepEqual(await ahead(noon - 1), ['a'], 'its time was not decided anew');
    await store.changeJob('a', job.revision + 1, { nextAt: noon, at: noon - 5 });
    assert.deepEqual(await ahead(noon - 1), []);
    await fire(store, await jobOf(store, 'a'), [fired(noon)], noon + minute, noon);
    assert.deepEqual(await ahead(noon - 1), ['a']);
  });

  it('a firing stores its slots, the tasks of those that fired, and what comes next, together', async (store) => {
    const job = await addJob(store, 'a', { nextAt: noon });
    const slots = [missed(noon, noon + minute, 2), fired(noon + 2 * minute)];
    const done = await fire(store, job, slots, noon + 3 * minute, noon + 150_000);
    assert.deepEqual(
      done?.slots.map(({ due, count, state, taskId }) => [due, count, state, taskId]),
      [
        [noon, 2, 'missed', null],
        [noon + 2 * minute, 1, 'fired', `a@${noon + 2 * minute}`],
      ],
    );
    const [task] = done.tasks;
    assert.deepEqual(await store.task(`a@${noon + 2 * minute}`, 'owner'), task);
    assert.deepEqual(
      [task?.state, task?.jobId, task?.due, task?.trigger, task?.kind],
      ['queued', 'a', noon + 2 * minute, 'slot', 'text'],
    );
    const { nextAt, runs, missedRuns, lastFiredAt, decidedAt, revision, state } = await jobOf(store, 'a');
    assert.deepEqual([nextAt, runs, missedRuns, state], [noon + 3 * minute, 1, 2, 'active']);
    assert.deepEqual([lastFiredAt, decidedAt, revision], [noon + 150_000, noon + 150_000, 2]);
    const first = await store.slots('a', { limit: 1 });
    assert.deepEqual(first.items, [done.slots[1]]);
    const second = await store.slots('a', { limit: 1, cursor: first.nextCursor ?? '' });
    assert.deepEqual([second.items, second.nextCursor], [[done.slots[0]], null]);
  });

  it('a firing without a next time ends the job', async (store) => {
    await fire(store, await addJob(store, 'a'), [fired(noon)], null);
    const { state, reason, nextAt } = await jobOf(store, 'a');
    assert.deepEqual([state, reason, nextAt], ['finished', 'over', null]);
  });

  it('a firing is void when the job was changed, paused, moved, removed, or fired by somebody else', async (store) => {
    const job = await addJob(store, 'a');
    const again = () => fire(store, job, [fired(noon)], noon + minute);
    const outcomes = await Promise.all([again(), again(), again()]);
    assert.deepEqual(
      outcomes.map((done) => done?.tasks.length ?? null),
      [1, null, null],
    );
    const other = await addJob(store, 'b');
    assert.equal(await fire(store, { ...other, nextAt: noon + 1 }, [fired(noon)], null), null, 'another time');
    await store.changeJob('b', 1, { settings: { name: 'x' }, at: noon });
    assert.equal(await fire(store, other, [fired(noon)], null), null, 'another revision');
    const paused = await store.changeJob('b', 2, { state: 'paused', at: noon });
    assert.equal(await fire(store, paused ?? other, [fired(noon)], null), null, 'paused');
    assert.equal(await fire(store, newJobRow(), [fired(noon)], null), null, 'not there');
    assert.deepEqual((await store.slots('b', { limit: 9 })).items, []);
    assert.equal((await store.listTasks({ owner: null }, { limit: 9 })).items.length, 1);
  });

  it('a slot that fired does not fire again when the clock was set back', async (store) => {
    await fire(store, await addJob(store, 'a'), [fired(noon)], noon + minute);
    const { revision } = await jobOf(store, 'a');
    const back = await store.changeJob('a', revision, { nextAt: noon, at: noon - 9 });
    const done = await fire(store, back ?? newJobRow(), [fired(noon), fired(noon + minute)], noon + 2 * minute);
    assert.deepEqual(
      done?.slots.map(({ due }) => due),
      [noon + minute],
    );
    assert.deepEqual(
      done.tasks.map(({ id }) => id),
      [`a@${noon + minute}`],
    );
    assert.equal((await jobOf(store, 'a')).runs, 2);
  });

  it('what was missed while the clock was ahead may still fire, and is counted once', async (store) => {
    await fire(store, await addJob(store, 'a'), [missed(noon, noon + 9 * minute, 10)], noon + 10 * minute);
    const { revision, missedRuns } = await jobOf(store, 'a');
    assert.equal(missedRuns, 10);
    const back = await store.changeJob('a', revision, { nextAt: noon, at: noon - 9 });
    const done = await fire(store, back ?? newJobRow(), [fired(noon)], noon + minute);
    assert.equal(done?.tasks.length, 1);
    const job = await jobOf(store, 'a');
    assert.deepEqual([job.runs, job.missedRuns], [1, 9], 'it is not missed any more');
    await fire(store, job, [missed(noon + minute, noon + 3 * minute, 3)], noon + 4 * minute);
    const { items } = await store.slots('a', { limit: 9 });
    assert.equal(items.length, 3, 'what is known to be missed stays known');
    assert.equal((await jobOf(store, 'a')).missedRuns, 12);
  });

  it('what fired is not among what is missed later', async (store) => {
    const times = [0, 1, 2].map((n) => noon + n * minute);
    await fire(store, await addJob(store, 'a'), times.map(fired), noon + 3 * minute);
    const job = await jobOf(store, 'a');
    const back = (await store.changeJob('a', job.revision, { nextAt: noon, at: noon - 9 })) ?? job;
    const done = await fire(store, back, [missed(noon, noon + 4 * minute, 5)], noon + 5 * minute);
    assert.deepEqual(
      done?.slots.map(({ due, until, count }) => [due, until, count]),
      [[noon + 1, noon + 4 * minute, 2]],
    );
    const now = await jobOf(store, 'a');
    assert.deepEqual([now.runs, now.missedRuns], [3, 2]);
    const all = (await store.changeJob('a', now.revision, { nextAt: noon, at: noon - 9 })) ?? now;
    const none = await fire(store, all, [missed(noon, noon + 2 * minute, 3)], noon + 3 * minute);
    assert.deepEqual([none?.slots, (await jobOf(store, 'a')).missedRuns], [[], 2]);
  });

  it('a removed job takes its slots along, its queued tasks are cancelled, and its id begins anew', async (store) => {
    const job = await addJob(store, 'a');
    await fire(store, job, [fired(noon), fired(noon + 1)], noon + minute);
    const running = await begun(store);
    assert.equal(await store.removeJob('a', 'other', noon), false);
    assert.equal(await store.removeJob('a', 'owner', noon + 5), true);
    assert.equal(await store.removeJob('a', 'owner', noon + 5), false);
    assert.deepEqual((await store.slots('a', { limit: 9 })).items, []);
    const cancelled = await taskOf(store, `a@${noon + 1}`);
    assert.deepEqual([cancelled.state, cancelled.finishedAt], ['cancelled', noon + 5]);
    assert.equal((await store.taskEvents(cancelled.id)).at(-1)?.kind, 'cancelled');
    assert.equal(await claimTask(store), null);
    assert.notEqual(await store.finishTask(finished(running, { memory: { x: 1 } })), null, 'what runs may end');
    const again = await addJob(store, 'a');
    assert.deepEqual([again.revision, again.runs, again.memory], [1, 0, null]);
    assert.deepEqual((await store.slots('a', { limit: 9 })).items, []);
    assert.equal((await fire(store, again, [fired(noon)], null))?.slots.length, 1);
  });

  it('counts tell how much there is', async (store) => {
    await addJob(store, 'a');
    await addJob(store, 'over', { nextAt: null });
    for (const id of ['t1', 't2', 't3']) await store.addTask(newTask(id), 9);
    const task = await begun(store);
    const error = { kind: 'network', code: 'x', message: 'x', retryable: false } as const;
    await store.failTask({ id: task.id, fence: task.fence, error, retryAt: null, notice: noNotice, at: noon });
    await begun(store);
    assert.deepEqual(await store.taskCounts(), { jobs: 1, queued: 1, running: 1, failed: 1 });
  });
}

/** A job that no store has. */
const newJobRow = (): JobRow => ({
  ...newJob('nobody'),
  state: 'active',
  reason: null,
  revision: 1,
  runs: 0,
  missedRuns: 0,
  lastFiredAt: null,
  decidedAt: noon,
  memory: null,
  updatedAt: noon,
});
