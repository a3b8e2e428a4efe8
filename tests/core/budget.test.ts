import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  breach,
  checksOf,
  estimateOf,
  linesOf,
  maxLimitUsd,
  nanoOf,
  noLimits,
  renewsAt,
  usdOf,
  type Check,
  type Standing,
} from '../../src/core/budget.ts';

const at = Date.UTC(2026, 0, 31, 23, 59);
const standing = (spent: number, reserved: number, tokens = 0): Standing => ({
  spent: { nano: spent, tokens },
  reserved: { nano: reserved, tokens: 0 },
});
const check = (more: Partial<Check>): Check => ({
  account: 'total',
  period: '2026-01',
  nano: null,
  tokens: null,
  ...more,
});

test('days and months begin anew at midnight UTC, also over the ends of months, years and leap years', () => {
  const moments: [string, string][] = [
    ['2026-01-15', '2026-01-16T00:00:00Z'],
    ['2026-01-31', '2026-02-01T00:00:00Z'],
    ['2026-12-31', '2027-01-01T00:00:00Z'],
    ['2028-02-28', '2028-02-29T00:00:00Z'],
    ['2026-01', '2026-02-01T00:00:00Z'],
    ['2026-12', '2027-01-01T00:00:00Z'],
  ];
  for (const [period, renewed] of moments)
    assert.equal(new Date(renewsAt(period)).toISOString(), renewed.replace('Z', '.000Z'), period);
});

test('only what is limited is checked, the day before the month', () => {
  const limits = { ...noLimits, usdMonth: 2, tokensDay: 5 };
  assert.deepEqual(
    checksOf(
      [
        ['person:ann', limits],
        ['total', noLimits],
        ['channel:api', { ...noLimits, usdDay: 0 }],
      ],
      at,
    ),
    [
      { account: 'person:ann', period: '2026-01-31', nano: null, tokens: 5 },
      { account: 'person:ann', period: '2026-01', nano: 2e9, tokens: null },
      { account: 'channel:api', period: '2026-01-31', nano: 0, tokens: null },
    ],
  );
});

test('an amount fits to the last nanodollar and token, what is reserved counts, and an unknown price never fits into money', () => {
  const cases: [Partial<Check>, Standing, { nano: number | null; tokens: number }, string | null][] = [
    [{ nano: 100 }, standing(50, 30), { nano: 20, tokens: 1 }, null],
    [{ nano: 100 }, standing(50, 30), { nano: 21, tokens: 1 }, 'usd'],
    [{ nano: 100 }, standing(0, 0), { nano: null, tokens: 1 }, 'price'],
    [{ nano: 0 }, standing(0, 0), { nano: 0, tokens: 1 }, null],
    [{ nano: 0 }, standing(0, 0), { nano: 1, tokens: 1 }, 'usd'],
    [{ tokens: 10 }, standing(0, 0, 9), { nano: null, tokens: 1 }, null],
    [{ tokens: 10 }, standing(0, 0, 9), { nano: null, tokens: 2 }, 'tokens'],
    [{ nano: 100, tokens: 10 }, standing(100, 0, 10), { nano: 1, tokens: 1 }, 'usd'],
    [{}, standing(1e15, 1e15, 1e15), { nano: null, tokens: 1 }, null],
    [{ nano: 100 }, standing(150, 0), { nano: 0, tokens: 0 }, 'usd'],
  ];
  for (const [more, now, amount, expected] of cases) assert.equal(breach(check(more), now, amount), expected);
});

test('a call is estimated as if no cache helped it, at the dearest price of input, and never below what it will cost', () => {
  const prices = { input: 3, cacheRead: 0.3, cacheWrite: 3.75, output: 15 };
  assert.deepEqual(estimateOf(1000, 100, prices), {
    input: 1000,
    output: 100,
    amount: { nano: (1000 * 3.75 + 100 * 15) * 1000, tokens: 1100 },
  });
  assert.equal(estimateOf(1, 0, { input: 0.0001, cacheRead: 0, cacheWrite: 0, output: 0 }).amount.nano, 1);
  assert.equal(estimateOf(1, 1, null).amount.nano, null);
  assert.equal(estimateOf(1000, 100, { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 }).amount.nano, 0);
});

test('money becomes whole nanodollars and comes back the same, up to the largest limit', () => {
  for (const usd of [0, 0.000000001, 0.1, 0.3, 1.005, 123_456.789, maxLimitUsd]) assert.equal(usdOf(nanoOf(usd)), usd);
  assert.ok(Number.isSafeInteger(nanoOf(maxLimitUsd) * 2));
});

test('what is left is never below nothing, and what is reserved is not left', () => {
  const [usd, tokens] = linesOf(check({ nano: nanoOf(1), tokens: 100 }), standing(nanoOf(0.5), nanoOf(0.25), 120));
  assert.deepEqual([usd?.left, usd?.spent, usd?.reserved, usd?.limit], [0.25, 0.5, 0.25, 1]);
  assert.deepEqual([tokens?.left, tokens?.spent, tokens?.unit, tokens?.period], [0, 120, 'tokens', 'month']);
});
