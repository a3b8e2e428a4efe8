/** Due times that came while the built gateway was frozen or away: each policy makes up for what it says, and nothing twice. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobsAccounts, ScheduleBook } from './proofs/jobs-accounts.ts';
import { chats, JobsRig, type JobsRigOptions } from './proofs/jobs-rig.ts';

const to = (place: number): string => `telegram:main:${chats[place]}`;
const day = 86_400_000;
const fiveMinutes = 300_000;

async function withRig(options: JobsRigOptions, work: (rig: JobsRig) => Promise<void>): Promise<void> {
  const rig = await JobsRig.open(options);
  try {
    await rig.start();
    await work(rig);
  } finally {
    await rig.close();
  }
}

/** What came of jobs that have been paused by now. */
async function bookOf(rig: JobsRig): Promise<ScheduleBook> {
  assert.deepEqual([...(await rig.settle()), ...(await rig.stopped())], []);
  return new ScheduleBook(rig.databaseFile);
}

/** As if the gateway had gone down that long before it did. */
function wasDownFor(file: string, ms: number): void {
  const database = new DatabaseSync(file);
  database.exec(`UPDATE jobs SET next_at = next_at - ${ms}, decided_at = decided_at - ${ms},
    timing = CASE WHEN timing ->> '$.schedule.at' IS NULL THEN timing
      ELSE json_set(timing, '$.schedule.at', (timing ->> '$.schedule.at') - ${ms}) END WHERE chore = 0`);
  database.close();
}

describe('due times that nobody attended', { timeout: 240_000 }, () => {
  it('while the process was frozen, with a task at work: made up by policy, and the task is not begun again', async () => {
    const release = Promise.withResolvers<void>();
    const thinking = (): Promise<void> => release.promise;
    // A lease that runs out meanwhile.
    const options = { scheduler: 'grace = "1s"\npoll_interval = "1s"', tasks: 'lease = "3s"', thinking };
    await withRig(options, async (rig) => {
      const ids = new Map<string, string>();
      const every = { every: '1s' } as const;
      const text = (what: string) => ({ kind: 'text', text: what }) as const;
      ids.set(
        'skip',
        await rig.add({ ...every, payload: text('skipped'), missed: { policy: 'skip' }, deliver: to(0) }),
      );
      ids.set('once', await rig.add({ ...every, payload: text('one of'), missed: { policy: 'once' }, deliver: to(1) }));
      const three = { policy: 'all', max: 3 } as const;
      ids.set('all', await rig.add({ ...every, payload: text('three of'), missed: three, deliver: to(2) }));
      const asked = await rig.add({ after: '1s', payload: { kind: 'ask', prompt: 'answer me' }, deliver: to(3) });
      while (rig.model.requests.length === 0) await sleep(20);

      rig.daemon.signal('SIGSTOP');
      await sleep(6000);
      rig.daemon.signal('SIGCONT');
      await rig.pauseRecurring([...ids.values()]);
      release.resolve();

      const book = await bookOf(rig);
      for (const [policy, most] of [
        ['once', 1],
        ['all', 3],
      ] as const) {
        const { times, fired, newest } = book.caughtUp(ids.get(policy) ?? '');
        assert.ok(times > 3, `${policy}: ${times} due times came meanwhile`);
        assert.equal(fired.length, most, policy);
        assert.equal(fired.at(-1), newest, policy);
      }
      const skipped = book.caughtUp(ids.get('skip') ?? '');
      assert.ok(skipped.times > 3);
      assert.deepEqual(skipped.fired, skipped.at - skipped.newest <= 1000 ? [skipped.newest] : []);
      const task = book.tasks.find(({ job_id: job }) => job === asked);
      assert.deepEqual([task?.state, task?.attempts, task?.crashes], ['completed', 1, 0]);
      assert.equal(rig.model.requests.length, 1);
      const reminders = [{ id: asked, text: 'answer' }];
      assert.deepEqual(jobsAccounts(rig, { ids, reminders }).violations, []);
    });
  });

  it('while the gateway was down for days: once is one, late; skip is none; all is as many as it says', async () => {
    await withRig({ scheduler: 'grace = "0s"' }, async (rig) => {
      const add = (text: string, job: object, place: number): Promise<string> =>
        rig.add({ payload: { kind: 'text', text }, deliver: to(place), time_zone: 'UTC', ...job });
      // No time of theirs comes while this runs.
      const now = new Date();
      const often = { cron: `${(now.getUTCMinutes() + 2) % 5}-59/5 * * * *` };
      const skip = await add('skipped', { ...often, missed: { policy: 'skip' } }, 0);
      const once = await add('one of many', { ...often, missed: { policy: 'once' } }, 1);
      const all = await add('three of many', { ...often, missed: { policy: 'all', max: 3 } }, 2);
      const daily = await add('good morning', { cron: `0 ${(now.getUTCHours() + 12) % 24} * * *` }, 3);
      const single = await add('tea', { after: '1h' }, 4);
      const soon = await add('too late for tea', { after: '1h', missed: { policy: 'once', max_lateness: '1h' } }, 5);
      await rig.stop();
      wasDownFor(rig.databaseFile, 3 * day);
      await rig.start();
      await rig.pauseRecurring([skip, once, all, daily]);

      const book = await bookOf(rig);
      const fate = (id: string): { missed: number; fired: number } => {
        const sum = { missed: 0, fired: 0 };
        for (const { state, count } of book.slotsOf(id)) sum[state] += count;
        return sum;
      };
      const [first, last] = [book.slotsOf(skip)[0], book.slotsOf(skip).at(-1)];
      const times = ((last?.until ?? 0) - (first?.due ?? 0)) / fiveMinutes + 1;
      assert.ok(times >= (3 * day) / fiveMinutes);
      assert.deepEqual(fate(skip), { missed: times, fired: 0 });
      assert.deepEqual(fate(once), { missed: times - 1, fired: 1 });
      assert.deepEqual(fate(all), { missed: times - 3, fired: 3 });
      assert.deepEqual(fate(daily), { missed: 2, fired: 1 });
      assert.deepEqual(
        [fate(single), fate(soon)],
        [
          { missed: 0, fired: 1 },
          { missed: 1, fired: 0 },
        ],
      );
      const shown = (place: number): string[] => rig.telegram.messages(chats[place]).map(({ text }) => text);
      assert.deepEqual(
        [0, 1, 2, 3, 4, 5].map((place) => shown(place).length),
        [0, 1, 3, 1, 1, 0],
      );
      assert.match(shown(4)[0] ?? '', /^\(This was due on .*\)\s+tea$/);
      assert.match(shown(3)[0] ?? '', /^\(This was due on .*\)\s+good morning$/);
    });
  });
});
