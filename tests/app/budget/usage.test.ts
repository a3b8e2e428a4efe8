import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Budgets, type BudgetSettings } from '../../../src/app/budget/budgets.ts';
import { Usage } from '../../../src/app/budget/usage.ts';
import { noLimits } from '../../../src/core/budget.ts';
import type { Principal, Scope } from '../../../src/core/principal.ts';
import { openEmpty } from '../../adapters/store/open.ts';
import { attempt, usageOf } from '../../adapters/store/rows.ts';
import { quietLog, Tally } from '../../support/model-calls.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const as = (person: string, scope: Scope): Principal => ({ kind: 'token', id: 't', person, scope, name: 't' });
const operator = as('owner', 'admin');
const ann = as('ann', 'manage');

async function rig(t: TestContext) {
  const store = await openEmpty(t);
  const clock = new VirtualClock();
  for (const [id, role] of [
    ['owner', 'owner'],
    ['ann', 'member'],
    ['bob', 'member'],
  ] as const)
    await store.ensurePerson({ id, name: id, role, language: null, createdAt: 1 });
  const settings: BudgetSettings = {
    total: { ...noLimits, usdDay: 10 },
    roles: { owner: noLimits, member: { ...noLimits, usdDay: 2 }, guest: noLimits },
    channels: { telegram: { ...noLimits, tokensMonth: 100 } },
    job: noLimits,
  };
  const budgets = new Budgets({
    store,
    clock,
    log: quietLog,
    metrics: new Tally(),
    roleOf: async (person) => (await store.person(person))?.role ?? 'guest',
    settings: () => settings,
  });
  await budgets.start();
  for (const [n, owner] of [
    [1, 'ann'],
    [2, 'bob'],
  ] as const) {
    const end = {
      owner,
      startedAt: clock.now(),
      finishedAt: clock.now(),
      outcome: 'ok',
      usage: usageOf(10, 5),
      cost: 0.5,
    };
    await store.saveAttempts([attempt('r', n, end)]);
  }
  return { usage: new Usage({ store, clock, budgets }), budgets, store };
}

test('each sees their own usage and budget; those of others are not found, whether they are there or not', async (t) => {
  const { usage } = await rig(t);
  assert.deepEqual(
    (await usage.lines(ann, { days: 1 })).map(({ person }) => person),
    ['ann'],
  );
  assert.deepEqual(
    (await usage.budgets(ann)).map(({ account, left }) => [account, left]),
    [['person:ann', 1.5]],
  );
  for (const person of ['bob', 'nobody']) {
    await assert.rejects(usage.lines(ann, { days: 1, person }), { code: 'not_found' });
    await assert.rejects(usage.budgets(ann, person), { code: 'not_found' });
    await assert.rejects(usage.budgetOf(ann, person), { code: 'not_found' });
  }
  await assert.rejects(usage.setBudget(ann, 'ann', { usdDay: null }), { code: 'forbidden' });
});

test('an operator sees everybody, one person or one channel, and what is left to all together', async (t) => {
  const { usage } = await rig(t);
  assert.deepEqual(
    (await usage.lines(operator, { days: 1 })).map(({ person }) => person),
    ['ann', 'bob'],
  );
  assert.deepEqual(
    (await usage.lines(operator, { days: 1, person: 'bob' })).map(({ person }) => person),
    ['bob'],
  );
  assert.deepEqual(await usage.lines(operator, { days: 1, channel: 'telegram' }), []);
  assert.deepEqual(
    (await usage.budgets(operator, 'ann')).map(({ account, unit, left }) => [account, unit, left]),
    [
      ['person:ann', 'usd', 1.5],
      ['total', 'usd', 9],
      ['channel:telegram', 'tokens', 100],
    ],
  );
  await assert.rejects(usage.lines(operator, { days: 1, person: 'nobody' }), { code: 'not_found' });
});

test('limits of one person are set one by one, lifted, taken back, and survive a restart', async (t) => {
  const { usage, budgets } = await rig(t);
  const set = await usage.setBudget(operator, 'ann', { usdDay: 5, tokensMonth: 1000 });
  assert.deepEqual(set.own, { usdDay: 5, tokensMonth: 1000 });
  assert.deepEqual(set.limits, { ...noLimits, usdDay: 5, tokensMonth: 1000 });
  assert.deepEqual((await usage.setBudget(operator, 'ann', { usdDay: null })).own, { usdDay: null, tokensMonth: 1000 });
  await budgets.start();
  assert.deepEqual((await usage.budgetOf(operator, 'ann')).limits, { ...noLimits, tokensMonth: 1000 });
  const back = await usage.setBudget(operator, 'ann', { usdDay: 'default', tokensMonth: 'default' });
  assert.deepEqual([back.own, back.limits.usdDay], [{}, 2]);
  await assert.rejects(usage.setBudget(operator, 'nobody', { usdDay: 1 }), { code: 'not_found' });
});
