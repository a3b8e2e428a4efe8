import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  afterSetBack,
  decideDue,
  maxCatchUp,
  maxDueAtOnce,
  maxLookBackMs,
  nextPlain,
  type MissedPolicy,
} from '../../src/core/schedule.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 100);
const minute = 60_000;
const everyMinute = (after: number): number => (Math.floor(after / minute) + 1) * minute;
const limits = { graceMs: 10_000, runsLeft: Infinity };
const once: MissedPolicy = { policy: 'once', max: 1, maxLatenessMs: null };

/** Every due time that the decision speaks of, in order, with its fate. */
const flat = (slots: readonly { due: number; until: number; count: number; state: string }[]): [number, string][] =>
  slots.flatMap(({ due, until, count, state }) =>
    count === 1
      ? [[due, state] as [number, string]]
      : Array.from({ length: count }, (_, n): [number, string] => [due + (n * (until - due)) / (count - 1), state]),
  );

describe('what becomes of times that are due at once', () => {
  const down = (policy: MissedPolicy, given = limits) =>
    decideDue(minute, 5 * minute + 5000, everyMinute, policy, given);

  it('once runs the newest and counts the others as missed, in one row', () => {
    assert.deepEqual(down(once), {
      slots: [
        { due: minute, until: 4 * minute, count: 4, state: 'missed' },
        { due: 5 * minute, until: 5 * minute, count: 1, state: 'fired' },
      ],
      nextAt: 6 * minute,
    });
  });
  it('skip runs what is on time and nothing that is late', () => {
    const skip: MissedPolicy = { policy: 'skip', max: 1, maxLatenessMs: null };
    assert.deepEqual(flat(down(skip).slots).at(-1), [5 * minute, 'fired']);
    const late = decideDue(minute, 5 * minute + 10_001, everyMinute, skip, limits);
    assert.deepEqual(late.slots, [{ due: minute, until: 5 * minute, count: 5, state: 'missed' }]);
  });
  it('all runs the newest so many, oldest first', () => {
    const { slots } = down({ policy: 'all', max: 3, maxLatenessMs: null });
    assert.deepEqual(
      flat(slots).map(([, state]) => state),
      ['missed', 'missed', 'fired', 'fired', 'fired'],
    );
  });
  it('what is later than the most that the job allows is missed whatever the policy', () => {
    const { slots } = down({ policy: 'all', max: 10, maxLatenessMs: 2 * minute });
    assert.deepEqual(flat(slots).filter(([, state]) => state === 'fired').length, 2);
    assert.equal(down({ ...once, maxLatenessMs: 1000 }).slots[0]?.count, 5);
  });
  it('a limit of runs ends the schedule with the last of them', () => {
    const { slots, nextAt } = down({ policy: 'all', max: 10, maxLatenessMs: null }, { ...limits, runsLeft: 2 });
    assert.equal(flat(slots).filter(([, state]) => state === 'fired').length, 2);
    assert.equal(nextAt, null);
  });
  it('a job that was forgotten for months is worked off in bounded steps, and none of its times is lost', () => {
    const months = 90 * 24 * 60;
    const policy: MissedPolicy = { policy: 'all', max: maxCatchUp, maxLatenessMs: null };
    let nextAt: number | null = minute;
    const seen: [number, string][] = [];
    let steps = 0;
    while (nextAt !== null && nextAt <= months * minute) {
      const decision = decideDue(nextAt, months * minute, everyMinute, policy, limits);
      seen.push(...flat(decision.slots));
      ({ nextAt } = decision);
      steps++;
    }
    assert.equal(seen.length, months);
    assert.deepEqual([seen[0]?.[0], seen.at(-1)?.[0]], [minute, months * minute]);
    assert.equal(seen.filter(([, state]) => state === 'fired').length, maxCatchUp);
    assert.ok(steps >= months / maxDueAtOnce);
  });
  it('a clock that was years ahead costs one row, and a single time of long ago is still made up for', () => {
    const now = 10 * 366 * 86_400_000;
    const { slots, nextAt } = decideDue(minute, now, everyMinute, once, limits);
    assert.deepEqual(slots, [{ due: minute, until: now - maxLookBackMs, count: 1, state: 'missed' }]);
    assert.equal(nextAt, now - maxLookBackMs + minute);
    assert.deepEqual(decideDue(minute, now, () => null, once, limits).slots[0]?.state, 'fired');
  });

  it('each due time is decided about exactly once, in order, whatever policy, lateness and limit', () => {
    const policies = fc.record({
      policy: fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
      max: fc.integer({ min: 1, max: maxCatchUp }),
      maxLatenessMs: fc.option(fc.integer({ min: 1000, max: 10_000_000 })),
    });
    const everyMs = fc.integer({ min: 1000, max: 3_600_000 });
    fc.assert(
      fc.property(policies, everyMs, fc.nat(3_000_000_000), fc.nat(60_000), (policy, every, lateMs, graceMs) => {
        const schedule = { type: 'every', everyMs: every, from: 1_000_000 } as const;
        const now = 1_000_000 + (lateMs % Math.min(every * 3000, maxLookBackMs));
        const seen: [number, string][] = [];
        let nextAt: number | null = 1_000_000;
        while (nextAt !== null && nextAt <= now) {
          const decision = decideDue(nextAt, now, (after) => nextPlain(schedule, after), policy, {
            graceMs,
            runsLeft: Infinity,
          });
          seen.push(...flat(decision.slots));
          ({ nextAt } = decision);
        }
        assert.deepEqual(
          seen.map(([due]) => due),
          Array.from({ length: Math.floor((now - 1_000_000) / every) + 1 }, (_, n) => 1_000_000 + n * every),
        );
        const fired = seen.filter(([, state]) => state === 'fired').map(([due]) => due);
        const most = policy.policy === 'all' ? policy.max : 1;
        const latest = policy.policy === 'skip' ? graceMs : (policy.maxLatenessMs ?? Infinity);
        const wanted = seen
          .map(([due]) => due)
          .slice(-most)
          .filter((due) => now - due <= latest);
        assert.deepEqual(fired, wanted);
      }),
      { numRuns },
    );
  });
});

describe('times without a calendar', () => {
  it('an interval keeps its beat, whenever it is asked', () => {
    const schedule = { type: 'every', everyMs: 1000, from: 500 } as const;
    assert.deepEqual(
      [0, 499, 500, 1499, 1500].map((after) => nextPlain(schedule, after)),
      [500, 500, 1500, 1500, 2500],
    );
  });
  it('a single time is due once', () => {
    assert.equal(nextPlain({ type: 'at', at: 5 }, 4), 5);
    assert.equal(nextPlain({ type: 'at', at: 5 }, 5), null);
  });
});

describe('an interval whose clock was set back', () => {
  const every = (from: number) => ({ type: 'every', everyMs: 1000, from }) as const;
  it('goes on in its beat when it had begun, or would have begun with the next beat', () => {
    assert.deepEqual(afterSetBack(every(90_300), 95_000, 5000), every(5300));
    assert.deepEqual(afterSetBack(every(90_300), 89_300, 5000), every(5300));
  });
  it('keeps a beginning that somebody named and that is still to come', () => {
    assert.deepEqual(afterSetBack(every(90_300), 80_000, 5000), every(90_300));
    assert.deepEqual(afterSetBack(every(4300), 95_000, 5000), every(4300));
    assert.deepEqual(afterSetBack(every(90_300), 4000, 5000), every(90_300), 'it was not set back');
  });
});
