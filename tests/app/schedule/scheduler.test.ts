import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MemoryBus } from '../../../src/adapters/bus/memory.ts';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { systemClock, systemRandom } from '../../../src/adapters/system/index.ts';
import { Scheduler } from '../../../src/app/schedule/scheduler.ts';
import { idMint } from '../../../src/core/ids.ts';
import type { NewJob } from '../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { Schedule } from '../../../src/core/schedule.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { JumpClock } from '../../support/jump-clock.ts';
import { freshStore } from '../../support/store.ts';

const noon = Date.UTC(2026, 10, 25, 12);
const minute = 60_000;
const hour = 60 * minute;
const year = 365 * 24 * hour;
const pollMs = 60_000;

const jobOf = (id: string, schedule: Schedule, more: Partial<NewJob> = {}): NewJob => ({
  id,
  owner: 'owner',
  name: id,
  schedule,
  zone: 'UTC',
  except: [],
  endAt: null,
  maxRuns: null,
  payload: { kind: 'text', text: 'x' },
  deliver: { to: 'nowhere' },
  missed: { policy: 'once', max: 1, maxLatenessMs: 24 * hour },
  jitterMs: 0,
  maxAttempts: 1,
  origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
  nextAt: schedule.type === 'at' ? schedule.at : schedule.type === 'every' ? schedule.from : null,
  createdAt: noon,
  ...more,
});

async function running(t: TestContext, settings: { enabled: boolean } = { enabled: true }) {
  const store = await freshStore(t);
  await store.ensurePerson({ id: 'owner', name: 'owner', role: 'owner', language: null, createdAt: 0 });
  const clock = new JumpClock(noon);
  const log = new KeptLog();
  const bus = new MemoryBus(clock, new CountedMetrics());
  let looks = 0;
  const counted: Store = new Proxy(store, {
    get: (target, name) => {
      if (name === 'dueJobs') looks += 1;
      const found: unknown = Reflect.get(target, name, target);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });
  const scheduler = new Scheduler({
    store: counted,
    clock,
    log,
    bus,
    metrics: new CountedMetrics(),
    calendar: createCalendar(),
    mintId: idMint(systemClock, systemRandom),
    crash: () => undefined,
    tasks: { wake: () => undefined },
    settings: () => ({ ...settings, graceMs: 10_000, pollMs, maxWaiting: 3 }),
  });
  const stop = new AbortController();
  const over = scheduler.run(stop.signal);
  t.after(async () => {
    stop.abort(new Error('over'));
    await over;
  });
  await clock.idle(over);
  const fired = async (id: string): Promise<number[]> =>
    (await store.slots(id, { limit: 200 })).items
      .filter(({ state }) => state === 'fired')
      .map(({ due }) => due)
      .toReversed();
  const pass = (ms: number): Promise<void> => clock.pass(ms, over);
  const wake = async (): Promise<void> => {
    scheduler.wake();
    await clock.pass(0, over);
    await clock.idle(over);
  };
  return { store, clock, log, settings, scheduler, fired, pass, wake, looks: () => looks };
}

describe('the scheduler', () => {
  it('fires a job that was made after it went to sleep, in its moment', async (t) => {
    const { store, fired, pass, wake } = await running(t);
    await store.addJob(jobOf('soon', { type: 'at', at: noon + 5000 }), 9);
    await wake();
    await pass(4999);
    assert.deepEqual(await fired('soon'), []);
    await pass(1);
    assert.deepEqual(await fired('soon'), [noon + 5000]);
    assert.equal((await store.job('soon', null))?.state, 'finished');
  });

  it('asks the store for nothing while nothing is due', async (t) => {
    const { store, pass, wake, looks } = await running(t);
    await store.addJob(jobOf('far', { type: 'at', at: noon + year }), 9);
    await wake();
    const before = looks();
    await pass(24 * hour);
    assert.equal(looks(), before);
  });

  it('notices within a poll that the clock was set ahead, and handles what was jumped over by its policy', async (t) => {
    const { store, clock, fired, pass, wake } = await running(t);
    const schedule: Schedule = { type: 'every', everyMs: hour, from: noon + hour };
    await store.addJob(jobOf('hourly', schedule), 9);
    await wake();
    clock.jump(3 * hour + minute);
    await pass(pollMs);
    assert.deepEqual(await fired('hourly'), [noon + 3 * hour]);
    assert.equal((await store.job('hourly', null))?.missedRuns, 2);
  });

  it('a clock that was years ahead for a while silences nobody for years', async (t) => {
    const { store, clock, fired, pass, wake } = await running(t);
    await store.addJob(jobOf('hourly', { type: 'every', everyMs: hour, from: noon + hour }), 9);
    await wake();
    clock.jump(9 * year);
    await pass(pollMs);
    const ahead = await fired('hourly');
    clock.jump(-9 * year);
    await pass(2 * hour);
    assert.deepEqual(
      (await fired('hourly')).filter((due) => !ahead.includes(due)),
      [1, 2].map((n) => noon + n * hour),
    );
  });

  it('a clock that is put back by seconds fires nothing twice', async (t) => {
    const { store, clock, fired, pass, wake } = await running(t);
    await store.addJob(jobOf('hourly', { type: 'every', everyMs: hour, from: noon + hour }), 9);
    await wake();
    await pass(hour);
    clock.jump(-5000);
    await pass(minute);
    assert.deepEqual(await fired('hourly'), [noon + hour]);
    assert.equal((await store.listTasks({ owner: null, jobId: 'hourly' }, { limit: 9 })).items.length, 1);
  });

  it('does nothing where jobs are switched off, and catches up once they are on', async (t) => {
    const { store, settings, fired, pass, wake } = await running(t, { enabled: false });
    await store.addJob(jobOf('soon', { type: 'at', at: noon + 5000 }), 9);
    await wake();
    await pass(hour);
    assert.deepEqual(await fired('soon'), []);
    settings.enabled = true;
    await wake();
    assert.deepEqual(await fired('soon'), [noon + 5000]);
  });

  it('a job whose times cannot be told any more is paused, and stands in nobody’s way', async (t) => {
    const { store, fired, pass, wake, log } = await running(t);
    await store.addJob(jobOf('lost', { type: 'cron', expression: 'no' }, { nextAt: noon + 1000 }), 9);
    await store.addJob(jobOf('soon', { type: 'at', at: noon + 1000 }), 9);
    await wake();
    await pass(minute);
    assert.deepEqual(await fired('soon'), [noon + 1000]);
    const { state, reason } = (await store.job('lost', null)) ?? {};
    assert.deepEqual([state, reason], ['paused', 'broken']);
    assert.ok(log.lines.some(({ message }) => message.includes('cannot be planned')));
  });

  it('such a job does not keep the others from being planned anew when the clock is set back', async (t) => {
    const { store, clock, fired, pass } = await running(t);
    const ahead = noon + year;
    const lost = jobOf('lost', { type: 'cron', expression: 'no' }, { nextAt: ahead + hour, createdAt: ahead });
    const hourly = { type: 'every', everyMs: hour, from: noon + hour } as const;
    clock.jump(year);
    await pass(minute);
    await store.addJob(lost, 9);
    await store.addJob(jobOf('hourly', hourly, { nextAt: ahead + hour, createdAt: ahead }), 9);
    clock.jump(-year);
    await pass(2 * hour);
    assert.equal((await store.job('lost', null))?.reason, 'broken');
    assert.deepEqual(await fired('hourly'), [noon + hour, noon + 2 * hour]);
  });

  it('what comes quicker than it is done does not pile up: with so many waiting, further runs are missed', async (t) => {
    const { store, fired, pass, wake } = await running(t);
    await store.addJob(jobOf('quick', { type: 'every', everyMs: minute, from: noon + minute }), 9);
    await wake();
    await pass(10 * minute);
    assert.deepEqual((await fired('quick')).length, 3);
    assert.deepEqual((await store.job('quick', null))?.missedRuns, 7);
    const [waiting] = (await store.listTasks({ owner: null, jobId: 'quick' }, { limit: 9 })).items;
    await store.cancelTask(waiting?.id ?? '', null, 'by hand', noon);
    await pass(minute);
    assert.deepEqual((await fired('quick')).at(-1), noon + 11 * minute);
  });

  it('a slot begins later by the same jitter, however often it is decided about', async (t) => {
    const { store, pass, wake } = await running(t);
    const jitterMs = 30_000;
    await store.addJob(jobOf('a', { type: 'every', everyMs: hour, from: noon + hour }, { jitterMs }), 9);
    await store.addJob(jobOf('b', { type: 'every', everyMs: hour, from: noon + hour }, { jitterMs }), 9);
    await wake();
    await pass(3 * hour);
    const { items } = await store.listTasks({ owner: null }, { limit: 20 });
    const later = items.map(({ due, runAt }) => runAt - (due ?? 0));
    assert.equal(items.length, 6);
    assert.ok(later.every((ms) => ms >= 0 && ms <= jitterMs));
    assert.ok(new Set(later).size > 3, 'not all at the same moment');
  });
});

it('others have their turn between jobs that are due at once and whose days off have to be reckoned', async (t) => {
  const store = await freshStore(t);
  const clock = new JumpClock(noon);
  const days = { except: ['holidays:DE'], nextAt: noon };
  for (const id of ['a', 'b', 'c', 'd'])
    await store.addJob(jobOf(id, { type: 'every', everyMs: hour, from: noon }, days), 9);
  const real = createCalendar();
  await real.load([{ schedule: { type: 'at', at: noon }, except: days.except }]);
  let turn = 0;
  const decidedIn = new Set<number>();
  const scheduler = new Scheduler({
    store,
    clock,
    log: new KeptLog(),
    bus: new MemoryBus(clock, new CountedMetrics()),
    metrics: new CountedMetrics(),
    calendar: { ...real, next: (...of) => (decidedIn.add(turn), real.next(...of)) },
    mintId: idMint(systemClock, systemRandom),
    crash: () => undefined,
    tasks: { wake: () => undefined },
    settings: () => ({ enabled: true, graceMs: 10_000, pollMs, maxWaiting: 3 }),
  });
  let over = false;
  const count = (): void => {
    turn += 1;
    if (!over) setImmediate(count);
  };
  count();
  await scheduler.attend();
  over = true;
  assert.equal(decidedIn.size, 4);
});
