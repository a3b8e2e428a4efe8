import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, unknownHealth, withCall, type Health } from '../../../src/app/models/health.ts';
import type { Standing } from '../../../src/app/models/rests.ts';

const open: Standing = { state: 'open', yielding: false, restMs: 0, kind: 'server' };
const resting = (kind: Standing['kind']): Standing => ({ state: 'resting', yielding: false, restMs: 1, kind });

function after(...calls: boolean[]): Health {
  return calls.reduce((health, ok) => withCall(health, ok, 'It broke.'), unknownHealth);
}
const many = (count: number, ok: boolean): boolean[] => Array(count).fill(ok);

test('only the newest twenty calls count', () => {
  const health = after(...many(10, false), ...many(20, true));
  assert.equal(health.calls.length, 20);
  assert.equal(judge(health, open).state, 'up');
});

test('a fifth of failures is degraded, three in a row at the end are down', () => {
  assert.equal(judge(after(...many(17, true), ...many(2, false), true), open).state, 'up');
  assert.equal(judge(after(...many(15, true), ...many(2, false), true, ...many(2, false)), open).state, 'degraded');
  assert.deepEqual(judge(after(...many(17, true), ...many(3, false)), open), { state: 'down', detail: 'It broke.' });
  assert.equal(judge(after(false), open).state, 'degraded');
});

test('a provider that asked for a rest is degraded, one that refused the key or was given up is down', () => {
  const fine = after(true, true);
  assert.equal(judge(fine, resting('rate_limited')).state, 'degraded');
  assert.equal(judge(fine, resting('quota_exhausted')).state, 'degraded');
  assert.equal(judge(fine, resting('auth')).state, 'down');
  assert.equal(judge(fine, resting('server')).state, 'down');
  assert.notEqual(judge(fine, resting('server')).detail, '');
});

test('a probe speaks only where there was no traffic', () => {
  const probe = { ok: false, detail: 'Nobody there.' };
  assert.deepEqual(judge({ ...unknownHealth, probe }, open), { state: 'down', detail: 'Nobody there.' });
  assert.equal(judge({ ...after(true), probe }, open).state, 'up');
});
