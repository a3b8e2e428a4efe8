import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { Database } from '../../../../src/adapters/store/sqlite/database.ts';
import { deadLetters } from '../../../../src/adapters/store/sqlite/dead.ts';
import { addJob, changeJob, job, listJobs, removeJob } from '../../../../src/adapters/store/sqlite/jobs.ts';
import { Owner } from '../../../../src/adapters/store/sqlite/owner.ts';
import { counts } from '../../../../src/adapters/store/sqlite/overview.ts';
import { aheadJobs, dueJobs, fire, nextDue, slots } from '../../../../src/adapters/store/sqlite/schedule.ts';
import {
  beatTasks,
  claimTask,
  cutTasks,
  failTask,
  finishTask,
  nextTaskAt,
  recoverTask,
  releaseTasks,
  saveTaskStep,
  taskSteps,
} from '../../../../src/adapters/store/sqlite/task-work.ts';
import {
  addTask,
  cancelTask,
  listTasks,
  retryTask,
  task,
  taskCounts,
  taskEvents,
} from '../../../../src/adapters/store/sqlite/tasks.ts';
import { forgetTasks } from '../../../../src/adapters/store/sqlite/forget-tasks.ts';
import { noNotice, type JobFilter, type TaskFilter } from '../../../../src/core/ports/schedule-store.ts';
import type { Listed, ListOptions } from '../../../../src/core/ports/listed.ts';
import { folder, migrationsDir } from '../open.ts';
import { noon } from '../rows.ts';
import { finished, fired, minute, missed, newJob, newTask } from '../schedule-rows.ts';
import { ExplainingDatabase } from './explaining.ts';

/** The partial indexes hold what is due, open or dead now. */
const bad =
  /^SCAN (jobs|job_slots|tasks|task_events|task_steps)\b(?!.*INDEX (jobs_due|tasks_due|tasks_ready|tasks_lease|tasks_dead)\b)/;
const many = 100_000;

const numbers = (count: number): string =>
  `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
const texts = `'{}', '{"kind":"token"}', '{"kind":"text","text":"x"}'`;

/** 100,000 jobs of 100 people, due one after the other, and as many tasks that ended; a person, `busy`, has 20,000 due. */
function filled(t: TestContext): string {
  const file = path.join(folder(t), 'store.db');
  new Owner(file, migrationsDir).close();
  const db = new Database(file);
  db.script(`PRAGMA synchronous = OFF; BEGIN;
    ${numbers(many)} INSERT INTO jobs (id, owner, name, kind, chore, state, next_at, revision, decided_at, jitter_ms,
        max_attempts, created_at, updated_at, timing, missed, deliver, origin, payload)
      SELECT 'j' || i, 'p' || (i % 100), 'name', 'text', 0, 'active', ${noon} + i * 1000, 1, ${noon} - 1, 0, 3, ${noon},
        ${noon}, '{}', '{}', ${texts} FROM n;
    ${numbers(many)} INSERT INTO tasks (id, owner, job_id, cause, name, kind, chore, state, run_at, max_attempts, created_at,
        finished_at, updated_at, deliver, origin, payload)
      SELECT 't' || i, 'p' || (i % 100), 'j' || (i % 1000), 'slot', 'name', 'text', 0,
        CASE WHEN i % 100 = 7 THEN 'failed' ELSE 'completed' END, ${noon} - i, 3, ${noon} - i, ${noon} - i, ${noon},
        ${texts} FROM n;
    ${numbers(20_000)} INSERT INTO tasks (id, owner, cause, name, kind, chore, state, ready, run_at, max_attempts, created_at,
        updated_at, deliver, origin, payload)
      SELECT 'q' || i, 'busy', 'request', 'name', CASE i % 3 WHEN 0 THEN 'ask' ELSE 'text' END, 0, 'queued', 1,
        ${noon} - 100000 + i, 3, ${noon}, ${noon}, ${texts} FROM n;
    ${numbers(10_000)} INSERT INTO job_slots (job, due, owner, until, count, state, at)
      SELECT 1, i, 'p0', i, 1, 'missed', ${noon} + i FROM n;
    COMMIT`);
  db.close();
  return file;
}

function pages<F, T>(db: Database, list: (db: Database, filter: F, options: ListOptions) => Listed<T>, filter: F): T[] {
  const first = list(db, filter, { limit: 20 });
  assert.notEqual(first.nextCursor, null, JSON.stringify(filter));
  const second = list(db, filter, { limit: 20, cursor: first.nextCursor ?? '' });
  return [...first.items, ...second.items];
}

test('among 100,000 jobs and as many tasks everything is found by an index', (t) => {
  const db = new ExplainingDatabase(filled(t), bad);
  t.after(() => db.close());
  const wait = { node: 'n', leaseUntil: noon + minute, busyOwners: ['busy'], busyKinds: ['fetch'] } as const;
  const error = { kind: 'network', code: 'x', message: 'x', retryable: true } as const;

  assert.deepEqual(
    dueJobs(db, noon + 5000, 3).map(({ id }) => id),
    ['j0', 'j1', 'j2'],
  );
  assert.equal(nextDue(db), noon);
  assert.deepEqual(aheadJobs(db, noon, 9), []);
  const decided = [missed(noon, noon + 1, 2), fired(noon + 2)];
  const prepared = [newTask('new', { owner: 'p0', jobId: 'j0', runAt: noon })];
  const firing = {
    jobId: 'j0',
    revision: 1,
    dueAt: noon,
    slots: decided,
    tasks: prepared,
    nextAt: noon + minute,
    maxWaiting: 100,
    at: noon,
  };
  assert.equal(fire(db, firing)?.tasks.length, 1);
  assert.equal(slots(db, 'j0', { limit: 20 }).items.length, 20);

  assert.equal(nextTaskAt(db, ['busy'], []), noon);
  const claimed = claimTask(db, { ...wait, now: noon });
  assert.equal(claimed?.id, 'new', 'whatever waits of whom is busy');
  beatTasks(db, 'n', noon, [{ id: 'new', fence: 1, progress: null }]);
  saveTaskStep(db, 'new', 1, { id: 's', state: 'done', result: null, error: null, at: noon });
  finishTask(db, finished({ id: 'new', fence: 1 }, { memory: {} }));
  assert.equal(claimTask(db, { ...wait, now: noon, busyOwners: [] })?.id, 'q0');
  failTask(db, { id: 'q0', fence: 1, error, retryAt: null, notice: noNotice, at: noon });
  claimTask(db, { ...wait, now: noon, busyOwners: [] });
  releaseTasks(db, 'n', noon);
  claimTask(db, { ...wait, now: noon, busyOwners: [] });
  for (const { id, fence } of cutTasks(db, 'm', noon))
    recoverTask(db, { id, fence, node: 'm', error: null, notice: noNotice, at: noon });
  retryTask(db, 'q0', null, noon);
  cancelTask(db, 'q5', null, 'x', noon);

  addJob(db, newJob('mine'), 100);
  addTask(db, newTask('mine'), 100);
  job(db, 'mine', 'owner');
  task(db, 'mine', 'owner');
  taskEvents(db, 'mine');
  taskSteps(db, 'mine');
  changeJob(db, 'mine', 1, { nextAt: noon + 9, at: noon });
  removeJob(db, 'j1', null, noon);
  for (const owner of [null, 'p7']) {
    for (const chores of ['with', 'without'] as const) {
      const jobs: JobFilter[] = [
        { owner, chores },
        { owner, chores, state: 'active' },
        { owner, chores, dueFrom: noon + minute, dueTo: noon + 60 * minute * 24 },
      ];
      const tasks: TaskFilter[] = [
        { owner, chores },
        { owner, chores, state: 'failed' },
        { owner, chores, from: noon - 60_000, to: noon - 1000 },
        { owner, chores, jobId: 'j7' },
        { owner, chores, jobId: 'j7', state: 'failed' },
      ];
      for (const filter of jobs) assert.equal(pages(db, listJobs, filter).length, 40, JSON.stringify(filter));
      for (const filter of tasks) assert.equal(pages(db, listTasks, filter).length, 40, JSON.stringify(filter));
    }
  }
  assert.equal(deadLetters(db, null, { limit: 20 }).items.length, 20);
  assert.equal(forgetTasks(db, noon, noon, 100), true);
  taskCounts(db);
  counts(db, noon);
  assert.deepEqual([...db.scans], []);
  assert.ok(db.looked > 200);
});
