/**
 * The scheduler against a model: random lives of jobs, in which the gateway is stopped, killed between any two steps and
 * started, the clock on the wall is moved either way, and jobs are changed. In the end every due time must be attended,
 * fired at most once, and missed only where the job's own policy says so.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { MemoryBus } from '../../../src/adapters/bus/memory.ts';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { systemClock, systemRandom } from '../../../src/adapters/system/index.ts';
import { Jobs } from '../../../src/app/schedule/jobs.ts';
import { Scheduler } from '../../../src/app/schedule/scheduler.ts';
import { idMint } from '../../../src/core/ids.ts';
import type { WrittenJob } from '../../../src/core/ports/schedule-gateway.ts';
import type { SlotRow, TaskRow } from '../../../src/core/ports/schedule-store.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { JumpClock } from '../../support/jump-clock.ts';
import { freshStore } from '../../support/store.ts';

const numRuns = Number(process.env['RUNS'] ?? 50);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** A Wednesday, at noon in Greenwich. */
const begin = Date.UTC(2026, 10, 25, 12);
const pollMs = 30_000;
const graceMs = 10_000;

const me: Principal = { kind: 'token', id: 'tok_1', person: 'owner', scope: 'admin', name: 'owner' };

/** Due times as arithmetic, so that what is expected is not computed by what is tested. */
interface Beat {
  written: Partial<WrittenJob>;
  /** Milliseconds; null: a single time. */
  period: number | null;
  phase: number;
  /** An interval begins one period later; before, it is due only if the clock was set back, and need not be. */
  madeAt?: number;
}

const beats: fc.Arbitrary<(now: number) => Beat> = fc.oneof(
  fc
    .constantFrom<[string, number, number]>(
      ['*/15 * * * *', 15 * minute, 0],
      ['30 * * * *', hour, 30 * minute],
      ['0 9 * * *', day, 9 * hour],
      ['* * * * *', minute, 0],
      ['20 */6 * * *', 6 * hour, 20 * minute],
    )
    .map(([cron, period, phase]) => () => ({ written: { cron }, period, phase })),
  fc.integer({ min: 61, max: 30_000 }).map((seconds) => (now: number) => ({
    written: { every: `${seconds}s` },
    period: seconds * 1000,
    phase: now % (seconds * 1000),
    madeAt: now,
  })),
  fc.integer({ min: 1, max: 100_000 }).map((seconds) => (now: number) => ({
    written: { after: `${seconds}s` },
    period: null,
    phase: now + seconds * 1000,
  })),
);

const policies = fc.record({
  policy: fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
  max: fc.integer({ min: 1, max: 20 }),
  maxLatenessMs: fc.integer({ min: 60, max: 200_000 }).map((seconds) => seconds * 1000),
});
type Policy = typeof policies extends fc.Arbitrary<infer P> ? P : never;

type Step =
  | { do: 'add'; beat: (now: number) => Beat; policy: Policy; endsIn: number | null }
  | { do: 'edit' | 'pause' | 'resume'; which: number; beat: (now: number) => Beat }
  | { do: 'pass' | 'jump'; ms: number }
  | { do: 'stop' | 'start' }
  | { do: 'kill'; after: number };

const adding = fc.record({
  do: fc.constant('add' as const),
  beat: beats,
  policy: policies,
  endsIn: fc.option(fc.integer({ min: hour, max: 3 * day })),
});

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 * hour }).map((ms) => ({ do: 'pass' as const, ms })) },
  { weight: 1, arbitrary: fc.integer({ min: -2 * day, max: 2 * day }).map((ms) => ({ do: 'jump' as const, ms })) },
  { weight: 1, arbitrary: fc.integer({ min: -5000, max: 5000 }).map((ms) => ({ do: 'jump' as const, ms })) },
  { weight: 1, arbitrary: adding },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('edit' as const, 'pause' as const, 'resume' as const),
      which: fc.nat(5),
      beat: beats,
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ do: 'stop' as const }, { do: 'start' as const }) },
  { weight: 2, arbitrary: fc.nat(5).map((after) => ({ do: 'kill' as const, after })) },
);

const lives = fc
  .tuple(fc.array(adding, { minLength: 1, maxLength: 4 }), fc.array(steps, { minLength: 5, maxLength: 30 }))
  .map(([first, then]) => [...first, ...then]);

/** A time in which a job was active with one beat. */
interface Span {
  beat: Beat;
  /** On the wall, and not included. */
  from: number;
  /** Included; null: it goes on. */
  to: number | null;
}

interface Life {
  id: string;
  policy: Policy;
  endAt: number | null;
  spans: Span[];
  /** Kept while it is paused. */
  beat: Beat;
}

function timesIn({ period, phase }: Beat, after: number, until: number): number[] {
  if (period === null) return phase > after && phase <= until ? [phase] : [];
  const times: number[] = [];
  for (let time = phase + (Math.floor((after - phase) / period) + 1) * period; time <= until; time += period)
    times.push(time);
  return times;
}

class Killed extends Error {}

/** One gateway over its whole life, of which only the store survives a kill. */
class World {
  readonly clock = new JumpClock(begin);
  readonly #store: Store;
  readonly #mintId = idMint(systemClock, systemRandom);
  readonly #calendar = createCalendar();
  readonly lives: Life[] = [];
  #alive: { scheduler: Scheduler; jobs: Jobs; stop: AbortController; over: Promise<unknown> } | null = null;
  #killAfter: number | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  async start(): Promise<void> {
    if (this.#alive !== null) return;
    const { clock } = this;
    const [log, metrics, bus] = [new KeptLog(), new CountedMetrics(), new MemoryBus(clock, new CountedMetrics())];
    const ground = { store: this.#store, clock, log, metrics, bus, calendar: this.#calendar, mintId: this.#mintId };
    const runner = { wake: () => undefined, cancel: () => undefined };
    const scheduler = new Scheduler({
      ...ground,
      tasks: runner,
      settings: () => ({ enabled: true, graceMs, pollMs, maxWaiting: 1_000_000 }),
      crash: () => {
        if (this.#killAfter === null || this.#killAfter-- > 0) return;
        this.#killAfter = null;
        throw new Killed();
      },
    });
    const jobs = new Jobs({
      ...ground,
      runner,
      scheduler,
      audit: { record: () => Promise.resolve() },
      kinds: () => Promise.resolve(null),
      delivery: () => Promise.resolve({ to: 'nowhere' }),
      readWords: () => Promise.reject(new Error('no words here')),
      settings: () => ({
        zone: 'UTC',
        maxJobs: 1000,
        minIntervalMs: minute,
        maxLatenessMs: day,
        maxOpen: 1000,
        retries: 0,
      }),
    });
    const stop = new AbortController();
    const over = scheduler.run(stop.signal).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
      this.#alive = null;
    });
    this.#alive = { scheduler, jobs, stop, over };
    await clock.idle(over);
  }

  async stop(): Promise<void> {
    const alive = this.#alive;
    this.#alive = null;
    alive?.stop.abort(new Error('stopping'));
    await alive?.over;
  }

  async take(step: Step): Promise<void> {
    const { clock } = this;
    switch (step.do) {
      case 'start':
        return this.start();
      case 'stop':
        return this.stop();
      case 'kill':
        this.#killAfter = this.#alive === null ? null : step.after;
        return;
      case 'jump':
        clock.jump(step.ms);
        return;
      case 'pass':
        return clock.pass(step.ms, this.#alive?.over ?? Promise.resolve());
      default:
    }
    if (this.#alive === null) return;
    const { jobs, over } = this.#alive;
    try {
      if (step.do === 'add') await this.#add(jobs, step);
      else await this.#change(jobs, step);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      // The request died with the gateway; nobody was told that it was done.
      await this.stop();
      return;
    }
    await clock.idle(over);
  }

  async #add(jobs: Jobs, { beat: beatAt, policy, endsIn }: Extract<Step, { do: 'add' }>): Promise<void> {
    const now = this.clock.now();
    const beat = beatAt(now);
    const endAt = endsIn === null ? null : now + endsIn;
    if (timesIn(beat, now, endAt ?? now + 3 * day).length === 0) return;
    const { job } = await jobs.addJob(me, {
      ...beat.written,
      payload: { kind: 'text', text: 'x' },
      ...(endAt === null ? {} : { until: new Date(endAt).toISOString() }),
      missed: {
        policy: policy.policy,
        ...(policy.policy === 'all' ? { max: policy.max } : {}),
        max_lateness: `${policy.maxLatenessMs}ms`,
      },
    });
    this.lives.push({ id: job.id, policy, endAt, beat, spans: [{ beat, from: now, to: null }] });
  }

  async #change(jobs: Jobs, step: Extract<Step, { do: 'edit' | 'pause' | 'resume' }>): Promise<void> {
    const life = this.lives[step.which];
    if (life === undefined) return;
    const now = this.clock.now();
    const { job } = await jobs.job(me, life.id);
    const last = life.spans.at(-1);
    if (step.do === 'edit') {
      const beat = step.beat(now);
      if (timesIn(beat, now, life.endAt ?? now + 3 * day).length === 0) return;
      const paused = job.state === 'paused';
      await jobs.editJob(me, life.id, beat.written);
      life.beat = beat;
      if (paused) return;
      if (last !== undefined && last.to === null) last.to = now;
      life.spans.push({ beat, from: now, to: null });
    } else if (step.do === 'pause') {
      if (job.state !== 'active') return;
      const paused = await jobs.pauseJob(me, life.id).catch(() => null);
      if (paused !== null && last?.to === null) last.to = now;
    } else {
      if (job.state !== 'paused' || timesIn(life.beat, now, life.endAt ?? now + 3 * day).length === 0) return;
      await jobs.resumeJob(me, life.id);
      life.spans.push({ beat: life.beat, from: now, to: null });
    }
  }

  /** Starts what is down, lets it catch up, and draws up the accounts. */
  async account(): Promise<{ fired: number; missed: number }> {
    const counts = { fired: 0, missed: 0 };
    this.#killAfter = null;
    await this.start();
    await this.clock.pass(2 * pollMs, this.#alive?.over ?? Promise.resolve());
    await this.stop();
    for (const life of this.lives) {
      const slots = await all<SlotRow>((cursor) => this.#store.slots(life.id, { limit: 200, ...cursor }));
      const tasks = await all<TaskRow>((cursor) =>
        this.#store.listTasks({ owner: null, jobId: life.id }, { limit: 200, ...cursor }),
      );
      audit(life, slots, tasks, this.clock.now());
      for (const { state, count } of slots) counts[state] += count;
      await this.#store.removeJob(life.id, null, this.clock.now());
    }
    return counts;
  }
}

async function all<T>(
  page: (cursor: { cursor?: string }) => Promise<{ items: T[]; nextCursor: string | null }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const found: { items: T[]; nextCursor: string | null } = await page(cursor === null ? {} : { cursor });
    items.push(...found.items);
    cursor = found.nextCursor;
  } while (cursor !== null);
  return items;
}

function audit({ id, policy, endAt, spans }: Life, slots: SlotRow[], tasks: TaskRow[], now: number): void {
  const of = (due: number): string => `${id} due ${new Date(due).toISOString()}`;
  const fired = slots.filter(({ state }) => state === 'fired');
  assert.deepEqual(
    tasks.map(({ due }) => due).toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    fired.map(({ due }) => due).toSorted((a, b) => a - b),
    'a slot that fired has exactly one task, and there is no task without its slot',
  );
  for (const { from, to, beat } of spans)
    for (const due of timesIn(beat, Math.max(from, beat.madeAt ?? 0), Math.min(to ?? now, now, endAt ?? Infinity)))
      assert.ok(
        slots.some((slot) => slot.due <= due && due <= slot.until),
        `${of(due)} was passed over without a word`,
      );
  const wanted = policy.policy === 'all' ? policy.max : 1;
  const latest = policy.policy === 'skip' ? graceMs : policy.maxLatenessMs;
  for (const slot of slots) {
    const { due, until, state, at } = slot;
    assert.ok(until <= at, `${of(due)} was decided about before it came`);
    if (state === 'fired') assert.ok(at - due <= latest, `${of(due)} fired later than its policy allows`);
    // Before a clock that was set back several beats can have had this time; one of them must explain it.
    const had = spans
      .map(({ beat }) => beat)
      .filter((beat) => fits(timesIn(beat, slot.due - 1, slot.until), fired, slot));
    assert.ok(had.length > 0, `${of(due)} is no due time of this job`);
    if (state === 'fired') continue;
    const newer = (beat: Beat, time: number): number => timesIn(beat, time, Math.min(at, endAt ?? Infinity)).length;
    assert.ok(
      had.some((beat) =>
        timesIn(beat, due - 1, until)
          .filter((time) => !fired.some((other) => other.due === time))
          .slice(-wanted - 1)
          .every((time) => at - time > latest || newer(beat, time) >= wanted),
      ),
      `${of(due)} was missed although its policy wanted it`,
    );
  }
}

/** Whether a row can be of these times. What fired within a span that was missed need not count in it. */
function fits(times: number[], fired: SlotRow[], { due, until, count, state }: SlotRow): boolean {
  if (times.at(-1) !== until) return false;
  if (state === 'fired') return times.length === 1;
  const within = fired.filter((slot) => slot.due >= due && slot.due <= until).length;
  return times.length - within <= count && count <= times.length;
}

describe('the scheduler through stops, kills, moved clocks and changes', () => {
  it('attends every due time, fires none twice, and misses only what the policy of its job lets it miss', async (t: TestContext) => {
    const store = await freshStore(t);
    await store.ensurePerson({ id: 'owner', name: 'owner', role: 'owner', language: null, createdAt: 0 });
    const total = { jobs: 0, fired: 0, missed: 0 };
    await fc.assert(
      fc.asyncProperty(lives, async (life) => {
        const world = new World(store);
        await world.start();
        try {
          for (const step of life) await world.take(step);
          const { fired, missed } = await world.account();
          total.jobs += world.lives.length;
          total.fired += fired;
          total.missed += missed;
        } finally {
          await world.stop();
          for (const { id } of world.lives) await store.removeJob(id, null, 0);
        }
      }),
      { numRuns, endOnFailure: true },
    );
    t.diagnostic(`${numRuns} lives, ${total.jobs} jobs, ${total.fired} due times fired, ${total.missed} missed`);
  });
});
