import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { keepChores } from '../../../src/app/schedule/chores.ts';
import { choreId, choreNames, choreTime, defaultChores, type ChoreName } from '../../../src/core/chores.ts';
import type { JobRow } from '../../../src/core/ports/schedule-store.ts';
import type { NextLocal } from '../../../src/core/ports/system.ts';
import { KeptLog } from '../../support/door.ts';
import { freshStore } from '../../support/store.ts';

const minute = 60_000;
const hourMs = 60 * minute;

async function rig(t: TestContext) {
  const store = await freshStore(t);
  let now = Date.UTC(2026, 2, 1, 12);
  const log = new KeptLog();
  const loaded: unknown[] = [];
  const calendar = createCalendar();
  const watched = {
    ...calendar,
    load: (timings: Parameters<typeof calendar.load>[0]) => {
      loaded.push(...timings);
      return calendar.load(timings);
    },
  };
  /** Hours that the clock of the machine is ahead of UTC. */
  let ahead = 0;
  const nextLocal: NextLocal = (hour, minuteOfHour, after) => {
    const first =
      Math.floor((after + ahead * hourMs) / (24 * hourMs)) * 24 * hourMs +
      (hour - ahead) * hourMs +
      minuteOfHour * minute;
    return first > after ? first : first + 24 * hourMs;
  };
  const keep = (times: Partial<Record<ChoreName, string>> = {}, zone: string | null = null): Promise<void> =>
    keepChores({
      store,
      calendar: watched,
      clock: { ...systemClock, now: () => now },
      log,
      times: () => ({ ...defaultChores, ...times }),
      zone: () => zone,
      machineZone: () => 'UTC',
      nextLocal,
      wake: () => undefined,
    });
  const job = async (name: string): Promise<JobRow | null> => store.job(choreId(name), null);
  return {
    store,
    log,
    loaded,
    keep,
    job,
    pass: (ms: number) => (now += ms),
    now: () => now,
    shift: (hours: number) => (ahead = hours),
  };
}

test('a fresh gateway has all chores, none of them due within its first minutes, and needs no reader of cron', async (t) => {
  const { store, keep, loaded, now } = await rig(t);
  await keep();
  const { items } = await store.listJobs({ owner: null, chores: 'only' }, { limit: 50 });
  assert.deepEqual(items.map(({ id }) => id).sort(), choreNames.map(choreId).sort());
  for (const { id, nextAt, owner } of items) {
    assert.ok(nextAt !== null && nextAt >= now() + 10 * minute, id);
    assert.equal(owner, 'owner');
  }
  assert.equal(items.find(({ id }) => id === 'chore-backup')?.nextAt, Date.UTC(2026, 2, 2, 3, 30));
  assert.deepEqual(loaded, []);
});

test('a start changes nothing of chores that are as they should be; what was missed waits a little', async (t) => {
  const { keep, job, pass, now } = await rig(t);
  await keep();
  const before = await job('upkeep');
  pass(5 * minute);
  await keep();
  assert.deepEqual(await job('upkeep'), before);
  pass(3 * 24 * hourMs);
  await keep();
  const due = await Promise.all(choreNames.map(async (name) => (await job(name))?.nextAt ?? 0));
  assert.ok(due.every((at) => at >= now() + 2 * minute));
  assert.ok(due.filter((at) => at < now() + 10 * minute).length >= 5);
});

test('who paused a chore finds it paused after a restart, also with another time', async (t) => {
  const { store, keep, job, now } = await rig(t);
  await keep();
  const made = await job('vacuum');
  assert.ok(made !== null);
  await store.changeJob(made.id, made.revision, { state: 'paused', reason: 'by hand', at: now() });
  await keep();
  assert.equal((await job('vacuum'))?.state, 'paused');
  await keep({ vacuum: '2d' });
  const changed = await job('vacuum');
  assert.equal(changed?.state, 'paused');
  assert.deepEqual(changed?.schedule, { type: 'every', everyMs: 48 * hourMs, from: now() + 48 * hourMs });
});

test('a daily chore follows the clock of the machine when that is changed', async (t) => {
  const { keep, job, shift } = await rig(t);
  await keep();
  assert.equal((await job('backup'))?.nextAt, Date.UTC(2026, 2, 2, 3, 30));
  shift(1);
  await keep();
  const moved = await job('backup');
  assert.equal(moved?.nextAt, Date.UTC(2026, 2, 2, 2, 30));
  await keep();
  assert.deepEqual(await job('backup'), moved);
});

test('the configuration decides: off removes, a new time counts, an unknown chore goes, nonsense is told', async (t) => {
  const { store, keep, job, log, now } = await rig(t);
  await keep();
  const model = await job('files');
  assert.ok(model !== null);
  await store.addJob({ ...model, id: 'chore-of-before', payload: { kind: 'chore', chore: 'of-before' } }, 100);
  await keep({ retention: 'off', backup: '15 4 * * 0', files: '2h', caches: '61 4 * * *' }, 'Europe/Berlin');
  assert.equal(await job('retention'), null);
  assert.equal(await job('of-before'), null);
  assert.equal(await job('caches'), null);
  assert.ok(log.lines.some(({ message }) => message.includes('never due')));
  assert.equal((await job('files'))?.nextAt, now() + 2 * hourMs);
  assert.equal((await job('backup'))?.nextAt, Date.UTC(2026, 2, 8, 3, 15));
  await keep({}, 'Europe/Berlin');
  assert.equal((await job('backup'))?.nextAt, Date.UTC(2026, 2, 2, 2, 30));
  assert.ok((await job('retention')) !== null);
});

test('the time of a chore is off, an interval of a minute and more, or an expression', () => {
  assert.equal(choreTime('off'), null);
  assert.deepEqual(choreTime(' 90m '), { everyMs: 90 * minute });
  assert.deepEqual(choreTime('30 3 * * *'), { cron: '30 3 * * *' });
  for (const wrong of ['', '30s', 'daily', '3 * *', '-1h']) assert.throws(() => choreTime(wrong), wrong);
});
