import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { noNotice } from '../../../src/core/ports/schedule-store.ts';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import type { JobsDeps } from '../../../src/app/schedule/asker.ts';
import { Jobs } from '../../../src/app/schedule/jobs.ts';
import type { Calendar } from '../../../src/core/ports/calendar.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { addJob, begun, fire, fired, jobOf, minute, newTask, taskOf } from '../../adapters/store/schedule-rows.ts';
import { noon } from '../../adapters/store/rows.ts';
import { freshStore } from '../../support/store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const owner: Principal = { kind: 'token', id: 'operator', person: 'owner', scope: 'admin', name: 'owner' };

/** The service over a real store; nothing is due by itself. What happens just before a removal, and just after it. */
async function service(
  t: TestContext,
  {
    before,
    after,
    calendar = createCalendar(),
  }: { before?: () => unknown; after?: () => unknown; calendar?: Calendar } = {},
) {
  const store = await freshStore(t);
  const clock = new VirtualClock();
  await store.ensurePerson({ id: 'owner', name: 'owner', role: 'owner', language: 'en', createdAt: 0 });
  const watched = new Proxy(store, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (name !== 'removeJob') return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      return async (...given: Parameters<typeof store.removeJob>) => {
        await before?.();
        const removed = await store.removeJob(...given);
        await after?.();
        return removed;
      };
    },
  });
  const jobs = new Jobs({
    store: watched,
    clock,
    bus: { publish: () => undefined },
    calendar,
    mintId: () => 'job_new',
    audit: { record: () => Promise.resolve() },
    scheduler: { wake: () => undefined, settle: () => Promise.resolve() },
    runner: { wake: () => undefined, cancel: () => undefined },
    kinds: () => Promise.resolve(null),
    delivery: () => Promise.resolve({ to: 'nowhere' }),
    readWords: () => Promise.reject(new Error('nobody says words here')),
    settings: () => ({
      zone: 'UTC',
      maxJobs: 9,
      minIntervalMs: minute,
      maxLatenessMs: minute,
      maxOpen: 9,
      retries: 3,
    }),
  } as unknown as JobsDeps);
  return { store, clock, jobs };
}

test('an interval of the gateway itself is told on the clock of its owner, as everything else is; a cron time on its own', async (t) => {
  const { store, clock, jobs } = await service(t);
  const nextAt = Math.ceil(clock.now() / 86_400_000) * 86_400_000;
  const payload = { kind: 'chore', chore: 'backup' } as const;
  const daily = { type: 'every', everyMs: 86_400_000, from: nextAt } as const;
  const nightly = { type: 'cron', expression: '30 3 * * *' } as const;
  await addJob(store, 'chore-backup', { payload, schedule: daily, except: [], zone: 'UTC', nextAt });
  await addJob(store, 'chore-caches', { payload, schedule: nightly, except: [], zone: 'Asia/Tokyo', nextAt });
  const told = async (): Promise<string[]> =>
    (await jobs.jobs(owner, { limit: 9 })).items.map(
      ({ job, next }) => `${job.id} ${job.zone} ${next[0]?.local.slice(-5) ?? ''}`,
    );
  assert.deepEqual(await told(), ['chore-backup UTC 00:00', 'chore-caches Asia/Tokyo 09:00']);
  await store.setPreferences('owner', { timeZone: 'Asia/Kolkata' }, 9);
  assert.deepEqual(await told(), ['chore-backup Asia/Kolkata 05:30', 'chore-caches Asia/Tokyo 09:00']);
  assert.equal((await jobs.job(owner, 'chore-backup')).job.zone, 'Asia/Kolkata');
});

test('others have their turn between the jobs of a list whose days off have to be reckoned', async (t) => {
  const real = createCalendar();
  await real.load([{ schedule: { type: 'cron', expression: '0 9 * * *' }, except: ['holidays:DE'] }]);
  let turn = 0;
  const reckonedIn: number[] = [];
  const calendar: Calendar = { ...real, upcoming: (...of) => (reckonedIn.push(turn), real.upcoming(...of)) };
  const { store, clock, jobs } = await service(t, { calendar });
  for (const id of ['a', 'b', 'c', 'd'])
    await addJob(store, id, { except: ['holidays:DE'], nextAt: clock.now() + minute });
  let over = false;
  const count = (): void => {
    turn += 1;
    if (!over) setImmediate(count);
  };
  count();
  await jobs.jobs(owner, { limit: 9 });
  over = true;
  assert.equal(new Set(reckonedIn).size, 4, `in the turns ${reckonedIn.join()}`);
});

test('a job whose days off are known no more is listed, and does not hide the others', async (t) => {
  const { store, clock, jobs } = await service(t);
  const nextAt = clock.now() + minute;
  await addJob(store, 'lost', { except: ['holidays:XX'], nextAt });
  await addJob(store, 'elsewhere', { zone: 'Mars/X', except: [], nextAt });
  await addJob(store, 'fine', { except: [], nextAt });
  const { items } = await jobs.jobs(owner, { limit: 9 });
  assert.deepEqual(
    items.map(({ job, next }) => [job.id, next.length]),
    [
      ['lost', 0],
      ['elsewhere', 0],
      ['fine', 3],
    ],
  );
  await jobs.pauseJob(owner, 'lost');
  await assert.rejects(jobs.resumeJob(owner, 'lost'), { kind: 'conflict', message: /no holidays of "XX"/ });
});

test('a job that ran as often as it may is not made due again without more runs', async (t) => {
  const { store, clock, jobs } = await service(t);
  await fire(store, await addJob(store, 'j', { except: [], maxRuns: 1 }), [fired(noon)], null);
  await assert.rejects(jobs.editJob(owner, 'j', { every: '1h' }), { kind: 'conflict', code: 'finished' });
  assert.equal((await jobOf(store, 'j')).state, 'finished');
  const { job } = await jobs.editJob(owner, 'j', { every: '1h', max_runs: 2 });
  assert.deepEqual([job.state, job.runs, job.nextAt], ['active', 1, clock.now() + 60 * minute]);
});

test('a task that is queued again while its job is removed does not outlive it', async (t) => {
  const error = { kind: 'network', code: 'unreachable', message: 'no', retryable: true } as const;
  const after = () =>
    store.failTask({ id: 'of j', fence: 1, error, retryAt: noon + minute, notice: noNotice, at: noon });
  const { store, jobs } = await service(t, { after });
  await addJob(store, 'j');
  await store.addTask(newTask('of j', { jobId: 'j' }), 9);
  await begun(store);
  await jobs.removeJob(owner, 'j');
  assert.equal((await taskOf(store, 'of j')).state, 'cancelled');
});

test('a task that is begun while its job is removed does not outlive it', async (t) => {
  const { store, jobs } = await service(t, { before: () => begun(store) });
  await addJob(store, 'j');
  await store.addTask(newTask('of j', { jobId: 'j' }), 9);
  await jobs.removeJob(owner, 'j');
  assert.equal((await taskOf(store, 'of j')).state, 'cancelled');
});

test('a job that is run with a key is run once by it, and the key stands for no other job', async (t) => {
  const { store, jobs } = await service(t);
  for (const id of ['a', 'b']) await addJob(store, id);
  const first = await jobs.runJob(owner, 'a', 'key');
  assert.equal((await jobs.runJob(owner, 'a', 'key')).id, first.id);
  await assert.rejects(jobs.runJob(owner, 'b', 'key'), { code: 'idempotency_conflict' });
});
