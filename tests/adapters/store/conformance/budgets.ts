import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { checksOf, dayOf, monthOf, nanoOf, noLimits, type Account, type Limits } from '../../../../src/core/budget.ts';
import type { Reservation } from '../../../../src/core/ports/budget-store.ts';
import type { Store } from '../../../../src/core/ports/store.ts';
import { defaultPreferences } from '../../../../src/core/preferences.ts';
import type { OpenEmpty } from '../conformance.ts';
import { attempt, claim, inboundRow, noon, usageOf } from '../rows.ts';

/** CLANKER_TEST_INTERLEAVINGS raises it for a long run. */
const interleavings = Number(process.env['CLANKER_TEST_INTERLEAVINGS'] ?? 25);

const limits = (more: Partial<Limits>): Limits => ({ ...noLimits, ...more });
const ofOwner: Account = 'person:owner';

/** A call that can come to `nano` and 100 tokens, held to limits in total and of its person. */
function reservation(
  n: number,
  nano: number | null,
  more: Partial<Reservation> & { limit?: Limits } = {},
): Reservation {
  const { limit = limits({ usdDay: 1 }), ...rest } = more;
  const { owner = 'owner', at = noon } = rest;
  return {
    runId: 'r',
    n,
    owner,
    channel: 'telegram',
    provider: 'openai',
    model: 'small',
    input: 60,
    output: 40,
    amount: { nano, tokens: 100 },
    at,
    checks: checksOf([[`person:${owner}`, limit]], at),
    ...rest,
  };
}

/** Completes the ledger row of a reservation. */
const settle = (store: Store, n: number, cost: number | null, more: Parameters<typeof attempt>[2] = {}) =>
  store.saveAttempts([attempt('r', n, { finishedAt: noon, outcome: 'ok', usage: usageOf(10, 5), cost, ...more })]);

const spent = async (store: Store, account: Account, period = dayOf(noon)) =>
  (await store.budgetStandings([{ account, period }]))[0];

export function budgetsConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: budgets`, () => {
    test('fifty that ask at once for the last cent: one gets it, and when it is settled exactly its cost is counted', async (t) => {
      const store = await openEmpty(t);
      const asked = await Promise.all(
        Array.from({ length: 50 }, (_, i) => store.reserveBudget(reservation(i + 1, nanoOf(0.6)))),
      );
      assert.deepEqual(
        asked.map((refused) => refused?.unit ?? null),
        [null, ...Array.from({ length: 49 }, () => 'usd')],
      );
      assert.deepEqual(asked[1]?.standing, {
        spent: { nano: 0, tokens: 0 },
        reserved: { nano: nanoOf(0.6), tokens: 100 },
      });
      await settle(store, 1, 0.25);
      assert.deepEqual(await spent(store, ofOwner), {
        spent: { nano: nanoOf(0.25), tokens: 16 },
        reserved: { nano: 0, tokens: 0 },
      });
      assert.equal(
        await store.reserveBudget(reservation(2, nanoOf(0.75))),
        null,
        'what is left can be had, to the last',
      );
      assert.equal((await store.reserveBudget(reservation(3, 1)))?.unit, 'usd');
    });

    test('the first of several limits that does not hold is told, and then nothing is reserved', async (t) => {
      const store = await openEmpty(t);
      const checks = checksOf(
        [
          [ofOwner, limits({ usdDay: 1, tokensMonth: 1000 })],
          ['channel:telegram', limits({ tokensDay: 99 })],
          ['total', limits({ usdMonth: 1 })],
        ],
        noon,
      );
      const refused = await store.reserveBudget(reservation(1, 1, { checks }));
      assert.deepEqual([refused?.check.account, refused?.unit], ['channel:telegram', 'tokens']);
      for (const account of [ofOwner, 'channel:telegram', 'total'] as const)
        assert.deepEqual((await spent(store, account))?.reserved, { nano: 0, tokens: 0 });
    });

    test('a price nobody knows does not fit into money, and fits into tokens', async (t) => {
      const store = await openEmpty(t);
      assert.equal((await store.reserveBudget(reservation(1, null)))?.unit, 'price');
      assert.equal(await store.reserveBudget(reservation(1, null, { limit: limits({ tokensDay: 100 }) })), null);
      await settle(store, 1, null);
      const [line] = await store.usage(noon, 'owner');
      assert.deepEqual([line?.cost, line?.unpriced], [null, 1]);
    });

    test('nobody pays for another person, another channel or another day, and the month adds up its days', async (t) => {
      const store = await openEmpty(t);
      const tomorrow = noon + 86_400_000;
      await store.reserveBudget(reservation(1, 10));
      await store.reserveBudget(reservation(2, 20, { owner: 'other', channel: 'api' }));
      await store.reserveBudget(reservation(3, 40, { at: tomorrow }));
      const reserved = async (account: Account, period: string) => (await spent(store, account, period))?.reserved.nano;
      const month = monthOf(noon);
      assert.deepEqual(
        [
          await reserved(ofOwner, dayOf(noon)),
          await reserved('person:other', dayOf(noon)),
          await reserved('channel:api', month),
          await reserved('channel:telegram', month),
          await reserved('total', dayOf(tomorrow)),
          await reserved('total', month),
          await reserved('total', monthOf(noon + 40 * 86_400_000)),
        ],
        [10, 20, 20, 50, 40, 70, 0],
      );
    });

    test('a limit that is set in the middle of a month counts what was spent before, of person and channel', async (t) => {
      const store = await openEmpty(t);
      const done = { channel: 'telegram', finishedAt: noon, outcome: 'ok', usage: usageOf(10, 5), cost: 0.5 };
      await store.saveAttempts([attempt('p', 1, done)]);
      const earlier = {
        startedAt: noon - 10 * 86_400_000,
        finishedAt: noon,
        outcome: 'ok',
        usage: usageOf(1, 1),
        cost: 2,
      };
      await store.saveAttempts([attempt('q', 1, earlier)]);
      const spentOn = async (account: Account, period: string) => (await spent(store, account, period))?.spent.nano;
      for (const round of ['summed up', 'kept']) {
        assert.equal(await spentOn(ofOwner, dayOf(noon)), nanoOf(0.5), round);
        assert.equal(await spentOn(ofOwner, monthOf(noon)), nanoOf(2.5), round);
        assert.equal(await spentOn('channel:telegram', monthOf(noon)), nanoOf(0.5), round);
        const limit = limits({ usdDay: 0.4, usdMonth: 9 });
        const checks = checksOf(
          [
            ['total', limits({ usdMonth: 9 })],
            ['channel:telegram', limits({ usdMonth: 9 })],
            [ofOwner, limit],
          ],
          noon,
        );
        assert.equal((await store.reserveBudget(reservation(1, 1, { checks })))?.check.period, dayOf(noon), round);
      }
    });

    test('a call that was made while no limit held counts as soon as one does', async (t) => {
      const store = await openEmpty(t);
      await store.reserveBudget(reservation(1, 1));
      await settle(store, 1, 0.25);
      await settle(store, 2, 0.5);
      assert.equal((await spent(store, ofOwner))?.spent.nano, nanoOf(0.75));
    });

    test('a crash between reserving and settling frees no money: the call costs what it could have cost', async (t) => {
      const store = await openEmpty(t);
      await store.commitInbound([inboundRow('a')]);
      const run = (await claim(store))?.run.id ?? '';
      await store.saveAttempts([attempt(run, 1)]);
      await store.reserveBudget(reservation(1, nanoOf(0.6), { runId: run }));
      await store.reserveBudget(reservation(2, null, { runId: run, limit: limits({ tokensDay: 500 }) }));
      assert.equal(await store.recoverRuns(), 1);
      assert.deepEqual(await spent(store, ofOwner), {
        spent: { nano: nanoOf(0.6), tokens: 200 },
        reserved: { nano: 0, tokens: 0 },
      });
      const rows = (await store.trace('a'))?.attempts;
      assert.deepEqual(
        rows?.map(({ n, outcome, cost, usage }) => [n, outcome, cost, usage?.estimated]),
        [
          [1, 'interrupted', 0.6, true],
          [2, 'interrupted', null, true],
        ],
      );
      const [line] = await store.usage(noon, 'owner');
      assert.deepEqual([line?.calls, line?.cost, line?.unpriced], [2, 0.6, 1]);
      assert.equal((await claim(store))?.attemptsBefore, 2, 'the ledger counts on');
      await store.recoverRuns();
      assert.equal((await spent(store, ofOwner))?.spent.nano, nanoOf(0.6), 'and is counted once');
    });

    test('reserved twice it is held once, and settled twice it is counted once', async (t) => {
      const store = await openEmpty(t);
      await store.reserveBudget(reservation(1, nanoOf(0.6)));
      assert.equal(await store.reserveBudget(reservation(1, nanoOf(0.6))), null);
      assert.equal((await spent(store, ofOwner))?.reserved.nano, nanoOf(0.6));
      await settle(store, 1, 0.5);
      await settle(store, 1, 0.5);
      assert.equal((await spent(store, ofOwner))?.spent.nano, nanoOf(0.5));
    });

    test('whatever calls reserve, settle and crash in whatever order: nothing below zero, nothing above the limit, all in the ledger', async (t) => {
      const person = fc.constantFrom('ann', 'bob');
      const step = fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ do: fc.constant('reserve' as const), person, nano: fc.integer({ min: 1, max: 400 }) }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: fc.constant('settle' as const),
            which: fc.nat(20),
            part: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), which: fc.nat(20) }) },
        { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
      );
      const store = await openEmpty(t);
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          // Every round has a day of its own in one store.
          const at = noon + ++round * 86_400_000;
          const limit = 1000;
          let open: { n: number; person: string; nano: number }[] = [];
          const ledger = new Map<string, number>([
            ['ann', 0],
            ['bob', 0],
          ]);
          let n = 0;
          for (const one of steps) {
            if (one.do === 'reserve') {
              n += 1;
              const checks = checksOf(
                [
                  [`person:${one.person}`, limits({ usdDay: 600e-9 })],
                  ['total', limits({ usdDay: 1000e-9 })],
                ],
                at,
              );
              const asked = reservation(n, one.nano, { runId: `run-${round}`, owner: one.person, at, checks });
              if ((await store.reserveBudget(asked)) === null) open.push({ n, person: one.person, nano: one.nano });
            } else if (one.do === 'crash') {
              await store.recoverRuns();
              for (const cut of open) ledger.set(cut.person, (ledger.get(cut.person) ?? 0) + cut.nano);
              open = [];
            } else {
              const call = open[one.which % Math.max(1, open.length)];
              if (call === undefined) continue;
              open = open.filter((other) => other !== call);
              const nano = one.do === 'refuse' ? 0 : Math.floor(call.nano * one.part);
              const done = { finishedAt: at, startedAt: at, owner: call.person };
              const end =
                one.do === 'refuse' ? { outcome: 'auth' } : { outcome: 'ok', usage: usageOf(1, 1), cost: nano / 1e9 };
              await store.saveAttempts([attempt(`run-${round}`, call.n, { ...done, ...end })]);
              ledger.set(call.person, (ledger.get(call.person) ?? 0) + nano);
            }
            const standings = await store.budgetStandings(
              ['total' as const, 'person:ann' as const, 'person:bob' as const].map((account) => ({
                account,
                period: dayOf(at),
              })),
            );
            const [all, ...each] = standings.map(({ spent, reserved }) => [spent.nano, reserved.nano] as const);
            assert.ok(
              standings.every(
                ({ spent, reserved }) => spent.nano >= 0 && reserved.nano >= 0 && spent.nano + reserved.nano <= limit,
              ),
            );
            assert.deepEqual(
              each.map(([nano]) => nano),
              [...ledger.values()],
            );
            assert.equal(
              all?.[0],
              [...ledger.values()].reduce((a, b) => a + b),
            );
            assert.equal(
              all?.[1],
              open.reduce((sum, { nano }) => sum + nano, 0),
            );
          }
          const days = (await store.usage(at, null)).filter(({ day }) => day === dayOf(at));
          const total = days.reduce((sum, { cost }) => sum + nanoOf(cost ?? 0), 0);
          assert.equal(
            total,
            [...ledger.values()].reduce((a, b) => a + b),
            'the days say the same',
          );
          await store.recoverRuns();
        }),
        { numRuns: interleavings },
      );
    });

    test('usage of one channel holds what was asked there, and without a channel the lines are those of all', async (t) => {
      const store = await openEmpty(t);
      const end = { finishedAt: noon, outcome: 'ok', usage: usageOf(10, 5), cost: 0.5 };
      await store.saveAttempts([
        attempt('a', 1, { ...end, channel: 'telegram' }),
        attempt('b', 1, { ...end, channel: 'api' }),
      ]);
      assert.deepEqual(
        (await store.usage(noon, null)).map(({ calls, cost }) => [calls, cost]),
        [[2, 1]],
      );
      assert.deepEqual(
        (await store.usage(noon, 'owner', 'telegram')).map(({ calls, cost }) => [calls, cost]),
        [[1, 0.5]],
      );
      assert.deepEqual(await store.usage(noon, 'other', 'telegram'), []);
    });

    test('what differs for a person is kept for people who are there, and for so many of them', async (t) => {
      const store = await openEmpty(t);
      for (const id of ['ann', 'bob'])
        await store.ensurePerson({ id, name: id, role: 'member', language: null, createdAt: noon });
      assert.equal(await store.setBudgetOverride('nobody', { usdDay: 1 }, 10), false);
      assert.equal(await store.setBudgetOverride('ann', { usdDay: 1 }, 1), true);
      assert.equal(await store.setBudgetOverride('bob', { usdDay: 1 }, 1), false);
      assert.equal(await store.setBudgetOverride('ann', { usdDay: null, tokensMonth: 5 }, 1), true);
      assert.deepEqual(await store.budgetOverrides(10), [{ owner: 'ann', override: { usdDay: null, tokensMonth: 5 } }]);
      assert.equal(await store.setBudgetOverride('ann', null, 1), true);
      assert.deepEqual(await store.budgetOverrides(10), []);
    });

    test('preferences are kept per person, one by one, and nobody is given those of another', async (t) => {
      const store = await openEmpty(t);
      for (const id of ['ann', 'bob'])
        await store.ensurePerson({ id, name: id, role: 'member', language: null, createdAt: noon });
      assert.deepEqual(await store.preferences('ann'), defaultPreferences);
      await store.setPreferences('ann', { quietHours: '22:00-07:00' }, 1);
      const all = { model: 'a/b', timeZone: 'Europe/Berlin', quietHours: '22:00-07:00', notices: false };
      const { quietHours: _, ...change } = all;
      assert.deepEqual(await store.setPreferences('ann', change, 1), all);
      assert.deepEqual(await store.preferences('ann'), all);
      assert.deepEqual(await store.preferences('bob'), defaultPreferences);
      assert.equal(await store.setPreferences('bob', { model: 'a/c' }, 1), null, 'as many as may have chosen one');
      assert.equal(await store.setPreferences('nobody', { notices: false }, 1), null);
      assert.deepEqual(await store.preferredModels(10), [{ owner: 'ann', model: 'a/b' }]);
      await store.setPreferences('ann', { model: null }, 1);
      assert.deepEqual(await store.preferredModels(10), []);
    });
  });
}
