import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { BudgetRefusal, Budgets, type BudgetSettings } from '../../../src/app/budget/budgets.ts';
import {
  dayOf,
  defaultMaxOutput,
  estimateOf,
  nanoOf,
  noLimits,
  tokensOf,
  usdOf,
  type Limits,
} from '../../../src/core/budget.ts';
import { inputTokensOf } from '../../../src/app/models/measure.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import { CallRows, callerOver, clocks, courseOf, quietLog, Tally } from '../../support/model-calls.ts';
import { FailingStore, storageError } from '../../support/message-path.ts';
import {
  answer,
  failing,
  finish,
  ScriptedProvider,
  start,
  text,
  usage,
  type Step,
} from '../../support/scripted-provider.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { openEmpty } from '../../adapters/store/open.ts';

const limits = (more: Partial<Limits>): Limits => ({ ...noLimits, ...more });
const nobody: BudgetSettings = {
  total: noLimits,
  roles: { owner: noLimits, member: noLimits, guest: noLimits },
  channels: {},
  job: noLimits,
};

/** What the scripted answer costs: 10 tokens read, 5 from the cache, 2 written. */
const realCost = (10 * 1 + 5 * 0.1 + 2 * 10) / 1e6;

/** A caller that is held to limits, over a real database. */
async function held(t: TestContext, settings: Partial<BudgetSettings>, ...scripts: Step[][]) {
  const failingStore = new FailingStore(await openEmpty(t));
  const { store } = failingStore;
  await store.ensurePerson({ id: 'owner', name: 'Owner', role: 'owner', language: null, createdAt: 1 });
  await store.ensurePerson({ id: 'ann', name: 'Ann', role: 'member', language: null, createdAt: 1 });
  const clock = new VirtualClock();
  const tally = new Tally();
  const now = { settings: { ...nobody, ...settings } };
  const budgets = new Budgets({
    store,
    clock,
    log: quietLog,
    metrics: tally,
    roleOf: async (person) => (await store.person(person))?.role ?? 'guest',
    settings: () => now.settings,
  });
  await budgets.start();
  const provider = new ScriptedProvider('p', clock, ...(scripts.length === 0 ? [answer] : scripts));
  const other = new ScriptedProvider('q', clock, answer);
  const made = await callerOver<Store>({
    providers: [provider, other],
    clock,
    rows: store,
    budgets,
    maxConcurrency: 100,
  });
  const spent = async (account: 'total' | `person:${string}` | `channel:${string}` = 'total') =>
    (await store.budgetStandings([{ account, period: dayOf(clock.now()) }]))[0];
  const call = (more: Parameters<typeof courseOf>[2] = {}) => courseOf(made.caller, clock, more);
  const only = made.caller.resolve('p');
  return { ...made, store, failingStore, clock, tally, now, budgets, provider, other, spent, call, only };
}

const prices = { input: 1, cacheRead: 0.1, cacheWrite: 1, output: 10 };
const hi = { role: 'user' as const, parts: [{ type: 'text' as const, text: 'Hi' }] };
/** What one call of these tests reserves, in US dollars. */
const one = usdOf(
  estimateOf(
    inputTokensOf({ system: 'You help.', messages: [hi], tools: [], cacheKey: 'main' }),
    defaultMaxOutput,
    prices,
  ).amount.nano ?? 0,
);

test('fifty turns at once with money for three: three are asked, no cent more is spent, and all that was is counted', async (t) => {
  const { call, provider, spent, only, tally } = await held(t, { total: limits({ usdDay: one * 3.5 }) });
  const courses = await Promise.all(
    Array.from({ length: 50 }, (_, i) => call({ runId: `run_${i}`, candidates: only })),
  );
  const ends = courses.map(({ end }) => end);
  const answered = ends.filter(({ type }) => type === 'finished').length;
  assert.ok(answered >= 3, 'what is reserved and not needed is free again');
  assert.equal(provider.hits, answered);
  assert.ok(provider.peak <= 3, `${provider.peak} at once`);
  const refused = ends.flatMap((end) => (end.type === 'failed' ? [end] : []));
  assert.equal(refused.length, 50 - answered);
  for (const { error, attempts } of refused) {
    assert.ok(error instanceof BudgetRefusal);
    assert.deepEqual([error.code, error.kind, attempts.length], ['budget_exceeded', 'rate_limited', 0]);
    assert.ok((error.retryAfterMs ?? 0) > 0);
  }
  assert.equal(tally.counts.get('budget_refusals_total total usd'), refused.length);
  const standing = await spent();
  assert.deepEqual(standing, {
    spent: { nano: nanoOf(realCost) * answered, tokens: 17 * answered },
    reserved: { nano: 0, tokens: 0 },
  });
});

test('fifty turns at once with money for one: the provider is never asked twice at a time', async (t) => {
  const slow: Step[] = [start, { wait: 1000 }, text('Hello'), usage, finish];
  const { call, provider, spent, clock, only } = await held(t, { total: limits({ usdDay: one }) }, slow);
  const all = Promise.all(Array.from({ length: 50 }, (_, i) => call({ runId: `run_${i}`, candidates: only })));
  const courses = await settled(clock, all);
  assert.equal(courses.filter(({ end }) => end.type === 'finished').length, 1);
  assert.deepEqual([provider.hits, provider.peak], [1, 1]);
  assert.equal((await spent())?.spent.nano, nanoOf(realCost));
});

/** A database answers in its own time, so the clock is pushed on until everything came to its end. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  const over = new AbortController();
  const end = (): void => over.abort();
  promise.then(end, end);
  while (!over.signal.aborted) {
    await clock.settle();
    if (clock.sleeping > 0) await clock.advance(50);
  }
  return promise;
}

test('without limits a call asks the store nothing that it did not ask before', async (t) => {
  const { call, failingStore, only } = await held(t, { channels: { telegram: limits({ usdDay: 0 }) } });
  failingStore.calls.length = 0;
  await call({ candidates: only });
  assert.deepEqual(failingStore.calls, ['saveAttempts']);
});

test('a call is told how long it may answer when a budget holds, and left alone when none does', async (t) => {
  const { call, provider, now, only } = await held(t, { total: limits({ usdDay: 100 }) });
  await call({ candidates: only });
  assert.equal(provider.requests.at(-1)?.maxOutputTokens, defaultMaxOutput);
  now.settings = nobody;
  await call({ candidates: only, runId: 'run_2' });
  assert.equal(provider.requests.at(-1)?.maxOutputTokens, undefined);
});

test('the limit of a person holds the person, that of a channel the channel, that of a role everybody of it', async (t) => {
  const none = limits({ tokensDay: 1 });
  const { call, budgets, now, only } = await held(t, {});
  const ask = async (owner: string, channel: string): Promise<string> => {
    const { end } = await call({ candidates: only, owner, channel, runId: `run_${Math.random()}` });
    return end.type === 'failed' ? end.error.code : 'answered';
  };
  await budgets.setOverride('ann', { tokensDay: 1 });
  assert.deepEqual([await ask('ann', 'api'), await ask('owner', 'api')], ['budget_exceeded', 'answered']);
  await budgets.setOverride('ann', null);
  assert.equal(await ask('ann', 'api'), 'answered');
  now.settings = { ...nobody, channels: { telegram: none } };
  assert.deepEqual([await ask('ann', 'telegram'), await ask('ann', 'api')], ['budget_exceeded', 'answered']);
  now.settings = { ...nobody, roles: { ...nobody.roles, member: none } };
  assert.deepEqual([await ask('ann', 'api'), await ask('owner', 'api')], ['budget_exceeded', 'answered']);
  await budgets.setOverride('ann', { tokensDay: null });
  assert.equal(await ask('ann', 'api'), 'answered', 'and one person can be let off');
});

test('an unknown price is refused with the fix where money is limited, and asked where only tokens are', async (t) => {
  const { call, caller, provider, now } = await held(t, { total: limits({ usdMonth: 5 }) });
  const candidates = caller.resolve('p/free');
  const { end } = await call({ candidates });
  assert.ok(end.type === 'failed');
  assert.equal(end.error.code, 'price_unknown');
  assert.match(end.error.message, /providers\.p\.prices/);
  assert.equal(provider.hits, 0);
  now.settings = { ...nobody, total: limits({ tokensMonth: 100_000 }) };
  assert.equal((await call({ candidates, runId: 'run_2' })).end.type, 'finished');
});

test('where one model is too dear the next one is asked, and a failure of it is what is told', async (t) => {
  const cheap = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };
  const { call, caller, provider, other, clock } = await held(t, { total: limits({ usdDay: one / 2 }) });
  const configured = (which: ScriptedProvider, prices: typeof cheap) =>
    [which.id, { provider: which, model: 'm1', clocks, maxConcurrency: 4, prices: () => prices }] as const;
  caller.configure(new Map([configured(provider, prices), configured(other, cheap)]), {
    default: 'p',
    fallback: ['q'],
  });
  const { end, types } = await call();
  assert.ok(end.type === 'finished');
  assert.deepEqual([end.model, types], ['q/m1', 'attempt text usage finished']);
  assert.deepEqual([provider.hits, end.cost, end.attempts.length], [0, 0, 1]);
  other.scripts = [failing('model_not_found')];
  const failed = await settled(clock, call({ runId: 'run_2' }));
  assert.ok(failed.end.type === 'failed' && failed.end.error.code === 'provider');
});

test('a retry is held to the budget like the first request, and the first is what it may have cost', async (t) => {
  const lost = failing('network', { accepted: 'maybe' });
  const { call, clock, provider, spent, only } = await held(t, { total: limits({ usdDay: one * 1.5 }) }, lost, answer);
  const { end } = await settled(clock, call({ candidates: only }));
  assert.ok(end.type === 'failed');
  assert.equal(provider.hits, 1, 'there is no money for another');
  assert.equal((await spent())?.spent.nano, nanoOf(one));
  const refused = await held(t, { total: limits({ usdDay: one * 1.5 }) }, failing('overloaded'), answer);
  const again = await settled(refused.clock, refused.call({ candidates: refused.only }));
  assert.equal(again.end.type, 'finished', 'what was certainly not accepted costs nothing');
  assert.equal((await refused.spent())?.spent.nano, nanoOf(realCost));
});

test('an answer that broke off costs what was heard of it', async (t) => {
  const broken = [start, text('Half an answer'), ...failing('network', { phase: 'mid_output', accepted: 'yes' })];
  const { call, spent, only, clock } = await held(t, { total: limits({ usdDay: 1000 }) }, broken);
  const { end } = await settled(clock, call({ candidates: only, visible: () => true }));
  const [row] = end.attempts;
  assert.ok(row?.usage?.estimated === true && row.cost !== null);
  assert.deepEqual((await spent())?.spent, { nano: nanoOf(row.cost), tokens: tokensOf(row.usage) });
});

test('who leaves while the money is reserved pays nothing, and nobody is asked', async (t) => {
  const { call, provider, failingStore, spent, only } = await held(t, { total: limits({ usdDay: 1000 }) });
  const leaving = new AbortController();
  failingStore.asked = (name) => name === 'reserveBudget' && leaving.abort(new Error('left'));
  const { end } = await call({ candidates: only, signal: leaving.signal });
  assert.ok(end.type === 'failed' && end.error.code === 'aborted');
  assert.equal(provider.hits, 0);
  assert.deepEqual(await spent(), { spent: { nano: 0, tokens: 0 }, reserved: { nano: 0, tokens: 0 } });
});

test('a store that cannot reserve lets nobody be asked; the end of the run settles what it may have kept', async (t) => {
  const { call, provider, failingStore, store, spent, only } = await held(t, { total: limits({ usdDay: 1000 }) });
  failingStore.fail('reserveBudget', 1, storageError());
  const { end } = await call({ candidates: only });
  assert.ok(end.type === 'failed');
  assert.deepEqual([end.error.code, provider.hits, end.attempts[0]?.usage], ['storage_full', 0, null]);
  await store.saveAttempts(end.attempts);
  assert.equal((await spent())?.spent.nano, 0);
});

test('a caller without budgets works as before', async () => {
  const clock = new VirtualClock();
  const { caller } = await callerOver({
    providers: [new ScriptedProvider('p', clock, answer)],
    clock,
    rows: new CallRows(),
  });
  assert.equal((await clock.until(courseOf(caller, clock))).end.type, 'finished');
});
