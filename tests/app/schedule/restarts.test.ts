/**
 * Jobs whose gateway dies and begins again around their due times, over and over: at every named step, before and after
 * operations of the store, and in between. In the end every due time must have been attended as its policy says, and what
 * fired must have been handed over, once. `RUNS`: how many restarts; `SEED`: to see the same once more.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { jobCrashSteps } from '../../../src/app/lifecycle/crash-points.ts';
import type { NewJob } from '../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import { ownerPerson } from '../../../src/core/principal.ts';
import { nextPlain, type MissedPolicy, type Schedule } from '../../../src/core/schedule.ts';
import { maxTaskCrashes } from '../../../src/core/task.ts';
import { graceMs, ScheduleLife, type Death } from '../../support/schedule-life.ts';
import { StoreClock } from '../../support/store-clock.ts';
import { freshDatabase } from '../../support/store.ts';

const restarts = Number(process.env['RUNS'] ?? 100);
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const minute = 60_000;

/** Numbers from 0 to 1 that are the same for the same seed (xorshift). */
function dice(from: number): () => number {
  let state = (from * 2_654_435_761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
const roll = dice(seed);
const upTo = (most: number): number => Math.floor(roll() * (most + 1));
const oneOf = <T>(of: readonly T[]): T => of[Math.floor(roll() * of.length)] as T;

interface Planned {
  id: string;
  schedule: Schedule;
  missed: MissedPolicy;
  jitterMs?: number;
}

const jobOf = ({ id, schedule, missed, jitterMs = 0 }: Planned, now: number): NewJob => ({
  id,
  owner: ownerPerson,
  name: id,
  schedule,
  zone: 'UTC',
  except: [],
  endAt: null,
  maxRuns: null,
  payload: { kind: 'text', text: `the text of ${id}` },
  deliver: {
    to: 'conversation',
    conversation: { channel: 'scripted', account: 'main', native: '7' },
    chatType: 'direct',
    sessionKey: 'scripted:main:7',
  },
  missed,
  jitterMs,
  maxAttempts: 3,
  origin: { kind: 'token', id: 'tok_1', role: 'owner', tainted: null },
  nextAt: nextOf(schedule, now),
  createdAt: now,
});

/** Of cron only what fits into a minute is used, so that it is arithmetic here. */
function nextOf(schedule: Schedule, after: number): number | null {
  if (schedule.type !== 'cron') return nextPlain(schedule, after);
  return (Math.floor(after / 20_000) + 1) * 20_000;
}

const policies: Record<MissedPolicy['policy'], MissedPolicy> = {
  skip: { policy: 'skip', max: 1, maxLatenessMs: 10 * minute },
  once: { policy: 'once', max: 1, maxLatenessMs: 2 * minute },
  all: { policy: 'all', max: 3, maxLatenessMs: null },
};

/** No task dies as often as makes it a dead letter: that is shown elsewhere. */
async function mayDie(store: Store): Promise<boolean> {
  for (const state of ['queued', 'running'] as const) {
    const { items } = await store.listTasks({ owner: null, state }, { limit: 200 });
    // The death in which it is running counts with the next start.
    const dying = state === 'running' ? 1 : 0;
    if (items.some(({ crashes }) => crashes + dying >= maxTaskCrashes - 1)) return false;
  }
  return true;
}

const aDeath = (n: number): Death | null => {
  const step = jobCrashSteps[n % (jobCrashSteps.length + 3)];
  if (step !== undefined) return { step, nth: 1 + upTo(2) };
  const operation = oneOf(['asked', 'done', null] as const);
  return operation === null ? null : { operation, nth: 1 + upTo(25) };
};

test('a gateway that dies around due times over and over fires and hands over each of them once', async (t) => {
  const { store, file } = await freshDatabase(t);
  const clock = new StoreClock();
  await store.ensurePerson({ id: ownerPerson, name: 'owner', role: 'owner', language: null, createdAt: 0 });
  const begun = clock.now();
  const planned: Planned[] = [
    { id: 'minutely', schedule: { type: 'every', everyMs: minute, from: begun + minute }, missed: policies.once },
    { id: 'skipping', schedule: { type: 'every', everyMs: 45_000, from: begun + 45_000 }, missed: policies.skip },
    { id: 'of cron', schedule: { type: 'cron', expression: '*/20 * * * * *' }, missed: policies.all },
    {
      id: 'jittered',
      schedule: { type: 'every', everyMs: minute, from: begun + minute },
      missed: policies.all,
      jitterMs: 1500,
    },
  ];
  for (const job of planned) await store.addJob(jobOf(job, begun), 10_000);
  const died = new Map<string, number>();
  for (let n = 0; n < restarts; n++) {
    const at = clock.now() + 1 + upTo(2 * minute);
    const once: Planned = { id: `once ${n}`, schedule: { type: 'at', at }, missed: policies.all };
    planned.push(once);
    await store.addJob(jobOf(once, clock.now()), 10_000);

    // Down for a moment, or for so long that several times are due at once; then up around one of them.
    const next = (await store.nextDue()) ?? clock.now();
    const up = roll() < 0.1 ? clock.now() + upTo(5 * minute) : next - 1500 + upTo(3000);
    await clock.advance(Math.max(0, up - clock.now()));
    const death = (await mayDie(store)) ? aDeath(n) : null;
    const name = death === null ? 'between' : 'step' in death ? death.step : `store ${death.operation}`;
    const life = new ScheduleLife(store, clock, `node ${n}`, death);
    await life.start();
    await clock.advance(upTo(4000));
    if (roll() < 0.3) await life.stop();
    if (life.dead) died.set(name, (died.get(name) ?? 0) + 1);
    await life.kill();
  }
  const last = new ScheduleLife(store, clock, 'node last');
  await last.start();
  // It ends half a minute past the jittered one's due times, when no task of it still waits out its jitter.
  await clock.advance(4.5 * minute - ((clock.now() - begun) % minute));
  await last.stop();

  const found = account(file, planned, clock.now());
  const deaths = [...died].map(([name, times]) => `${name} ${times}`).join(', ');
  t.diagnostic(`seed ${seed}; ${restarts} restarts; died at: ${deaths}; ${JSON.stringify(found.figures)}`);
  assert.deepEqual(found.faults, []);
  if (restarts >= 1000) for (const step of jobCrashSteps) assert.ok(died.has(step), `nothing died at ${step}`);
});

interface SlotRecord {
  due: number;
  until: number;
  count: number;
  state: string;
  task_id: string | null;
  at: number;
}

/** Holds what the database has against arithmetic; one line for each thing that must not be. */
function account(file: string, planned: readonly Planned[], now: number) {
  const db = new DatabaseSync(file, { readOnly: true });
  const all = <T>(sql: string, ...values: string[]): T[] => db.prepare(sql).all(...values) as T[];
  const faults: string[] = [];
  const figures = { slots: 0, fired: 0, missed: 0, cut: 0 };
  const fired = new Map<string, string>();
  for (const { id, schedule, missed } of planned) {
    const slots = all<SlotRecord>(
      'SELECT s.* FROM job_slots s JOIN jobs j ON j.seq = s.job WHERE j.id = ? ORDER BY s.due',
      id,
    );
    const wrong = (due: number | null, what: string): void =>
      void faults.push(`${id}, ${due === null ? 'in the end' : new Date(due).toISOString()}: ${what}`);
    let due = nextOf(
      schedule,
      schedule.type === 'every' ? schedule.from - 1 : slots[0] === undefined ? 0 : slots[0].due - 1,
    );
    for (const slot of slots) {
      if (slot.due !== due) wrong(due, `the next slot is of ${new Date(slot.due).toISOString()}`);
      figures.slots += slot.count;
      figures[slot.state === 'fired' ? 'fired' : 'missed'] += slot.count;
      if (slot.state === 'fired') fired.set(slot.task_id ?? '', id);
      for (let n = 1; n < slot.count; n++) due = nextOf(schedule, due ?? 0);
      if (slot.until !== due) wrong(due, 'its row ends elsewhere');
      if (slot.until > slot.at) wrong(due, 'it was decided about before it came');
      due = nextOf(schedule, slot.until);
    }
    if (due !== null && due <= now) wrong(due, 'it was passed over');
    if (schedule.type === 'at' && slots.length !== 1) wrong(null, `a single time has ${slots.length} slots`);
    for (const together of Map.groupBy(slots, ({ at }) => at).values()) {
      const times = together.flatMap((slot) =>
        Array.from({ length: slot.count }, (_, n) => ({ due: n === 0 ? slot.due : slot.until, state: slot.state })),
      );
      const wanted = missed.policy === 'all' ? missed.max : 1;
      const latest = missed.policy === 'skip' ? graceMs : (missed.maxLatenessMs ?? Infinity);
      const [at = 0] = together.map((slot) => slot.at);
      for (const [n, time] of times.entries()) {
        const fires = n >= times.length - wanted && at - time.due <= latest;
        if ((time.state === 'fired') !== fires) wrong(time.due, `it is ${time.state}, which its policy does not say`);
      }
    }
  }
  const tasks = all<{ id: string; job_id: string; state: string; crashes: number; due: number }>('SELECT * FROM tasks');
  const rows = all<{ idempotency_key: string; body: string }>('SELECT idempotency_key, body FROM outbox');
  db.close();
  const keys = Map.groupBy(rows, (row) => row.idempotency_key);
  for (const { id, job_id: job, state, crashes } of tasks) {
    figures.cut += crashes;
    if (fired.get(id) !== job) faults.push(`${id} of ${job} has no slot`);
    if (state !== 'completed') faults.push(`${id} of ${job} is ${state}`);
    const handed = keys.get(`task:${id}:0`) ?? [];
    if (handed.length !== 1) faults.push(`${id} of ${job} was handed over ${handed.length} times`);
    if (handed.some(({ body }) => !body.includes(`the text of ${job}`))) faults.push(`${id} of ${job}: another text`);
  }
  if (tasks.length !== fired.size) faults.push(`${fired.size} slots fired, and there are ${tasks.length} tasks`);
  if (rows.length !== tasks.length) faults.push(`${tasks.length} tasks put ${rows.length} messages into the outbox`);
  return { faults, figures };
}
