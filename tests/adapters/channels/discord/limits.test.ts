import assert from 'node:assert/strict';
import test from 'node:test';
import { identifyPauseMs, parseBudget, spend } from '../../../../src/adapters/channels/discord/identify-budget.ts';
import { RateLimits } from '../../../../src/adapters/channels/discord/limits.ts';
import { afterHearing } from '../../../../src/adapters/channels/discord/recent.ts';

const clocked = (): { limits: RateLimits; pass: (ms: number) => void } => {
  let now = 0;
  return { limits: new RateLimits(() => now), pass: (ms) => (now += ms) };
};

test('a wait is over when it is over, and a later answer never shortens that of the account', () => {
  const { limits, pass } = clocked();
  limits.learn('a', 429, {}, { retry_after: 2, global: true });
  limits.learn('b', 429, {}, { retry_after: 1, global: true });
  assert.deepEqual(limits.wait('c'), { scope: 'account', ms: 2000 });
  pass(2000);
  assert.equal(limits.wait('c'), null);
});

test('a 429 that says nothing is waited for all the same, and one without a body by its header', () => {
  const { limits } = clocked();
  assert.deepEqual(limits.learn('a', 429, {}, undefined), { scope: 'conversation', ms: 5000 });
  assert.deepEqual(limits.learn('b', 429, { 'retry-after': '9' }, null), { scope: 'conversation', ms: 9000 });
});

test('requests that are refused by the thousand stop before Discord bans the address', () => {
  const { limits, pass } = clocked();
  for (let n = 0; n < 4999; n++) limits.learn('a', 403, {}, null);
  // What others used up is not our fault.
  limits.learn('b', 429, { 'x-ratelimit-scope': 'shared' }, { retry_after: 0 });
  assert.equal(limits.wait('a'), null);
  limits.learn('a', 401, {}, null);
  assert.deepEqual(limits.wait('a'), { scope: 'account', ms: 600_000 });
  pass(600_000);
  assert.equal(limits.wait('a'), null);
});

test('only so many routes are remembered', () => {
  const { limits } = clocked();
  for (let n = 0; n < 1500; n++) limits.learn(`r${n}`, 429, {}, { retry_after: 60 });
  assert.equal(limits.wait('r0'), null);
  assert.notEqual(limits.wait('r1499'), null);
});

test('the budget of sessions begins anew after a day, survives nonsense and a clock that was set back', () => {
  const today = 1_800_000_000_000;
  let budget = parseBudget('{"since":');
  for (let n = 0; n < 200; n++) {
    const spent = spend(budget, today + n);
    assert.ok('left' in spent);
    budget = parseBudget(JSON.stringify(spent.left));
  }
  assert.deepEqual(spend(budget, today + 200), { waitMs: 86_399_800 });
  assert.ok('left' in spend(budget, today + 86_400_000));
  assert.ok('left' in spend(budget, 5));
  assert.deepEqual([0, 1, 2, 8, 100].map(identifyPauseMs), [0, 5000, 10_000, 600_000, 600_000]);
});

test('only so many channels are kept in mind, the quiet ones leave first, one that is behind never', () => {
  let recent = new Map<string, string>() as ReadonlyMap<string, string>;
  for (let n = 100; n < 300; n++) {
    const heard = [{ channel: String(n), message: String(n), addressed: true, moves: true }];
    recent = afterHearing(recent, heard, new Set(['100']));
  }
  assert.equal(recent.size, 100);
  assert.ok(recent.has('100') && recent.has('299') && !recent.has('150'));
  // Others talking move the mark of a known channel, and make none of an unknown one.
  const talk = (channel: string, message: string) => ({ channel, message, addressed: false, moves: true });
  const next = afterHearing(recent, [talk('299', '400'), talk('7', '401'), talk('100', '402')], new Set(['100']));
  assert.deepEqual([next.get('299'), next.get('7'), next.get('100')], ['400', undefined, '100']);
});
