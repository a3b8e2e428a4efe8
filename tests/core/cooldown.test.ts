import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  admission,
  afterFailure,
  breakerFailures,
  noCooldown,
  rest,
  restAfter,
  type Cooldown,
} from '../../src/core/cooldown.ts';
import type { ProviderError, ProviderErrorKind } from '../../src/core/ports/provider.ts';

const error = (kind: ProviderErrorKind, more: Partial<ProviderError> = {}): ProviderError => ({
  kind,
  phase: 'headers',
  accepted: 'no',
  detail: '',
  ...more,
});

function fail(cooldown: Cooldown, times: number, now: number): Cooldown {
  let state = cooldown;
  for (let i = 0; i < times; i++) state = afterFailure(state, error('server'), now);
  return state;
}

test('the breaker opens with the fifth failure within a minute, not before', () => {
  assert.equal(admission(fail(noCooldown, 4, 0), 1), 'open');
  const opened = fail(noCooldown, 5, 0);
  assert.equal(admission(opened, 29_999), 'resting');
  assert.equal(admission(opened, 30_000), 'probe');
});

test('failures further apart than the window do not open the breaker', () => {
  let state = noCooldown;
  for (let i = 0; i < 50; i++) state = afterFailure(state, error('server'), i * 15_001);
  assert.equal(state.until, null);
  assert.ok(state.recent.length <= breakerFailures);
});

test('rests grow from 30 s over 1 min to 5 min and no further while probes fail', () => {
  let state = fail(noCooldown, breakerFailures, 0);
  let now = 0;
  const rests: number[] = [];
  for (let i = 0; i < 5; i++) {
    rests.push((state.until ?? 0) - now);
    now = state.until ?? 0;
    state = afterFailure(state, error('overloaded'), now);
  }
  assert.deepEqual(rests, [30_000, 60_000, 300_000, 300_000, 300_000]);
});

test('failures of calls that were still under way do not prolong a rest', () => {
  const opened = fail(noCooldown, breakerFailures, 0);
  assert.deepEqual(fail(opened, 100, 10_000), opened);
  const refused = rest(noCooldown, 'auth', 600_000, 0);
  assert.deepEqual(rest(refused, 'auth', 600_000, 5000), refused);
});

test('a provider that asks for a longer rest gets it', () => {
  const opened = fail(noCooldown, breakerFailures, 0);
  assert.equal(rest(opened, 'rate_limited', 65_000, 1000).until, 66_000);
  assert.equal(rest(opened, 'rate_limited', 5000, 1000).until, 30_000);
});

test('a provider that was answering when it broke off is not counted as down', () => {
  let state = noCooldown;
  for (let i = 0; i < 20; i++) state = afterFailure(state, error('network', { phase: 'mid_output' }), 0);
  assert.equal(state.until, null);
});

test('a refused request says nothing against the provider', () => {
  let state = noCooldown;
  for (let i = 0; i < 20; i++) state = afterFailure(state, error('invalid_request'), 0);
  assert.deepEqual(state, noCooldown);
});

test('what a failure imposes by itself', () => {
  const of = (kind: ProviderErrorKind, retryAfterMs?: number, waited = false) =>
    restAfter(error(kind, retryAfterMs === undefined ? {} : { retryAfterMs }), waited);
  assert.equal(of('server'), null);
  assert.equal(of('rate_limited', 1000, true), null);
  assert.deepEqual(of('rate_limited', 1000), { kind: 'rate_limited', ms: 1000 });
  assert.deepEqual(of('rate_limited', 65_000), { kind: 'rate_limited', ms: 65_000 });
  assert.deepEqual(of('overloaded', 90_000), { kind: 'overloaded', ms: 90_000 });
  assert.deepEqual(of('auth'), { kind: 'auth', ms: 600_000 });
  assert.deepEqual(of('auth', 1000), { kind: 'auth', ms: 600_000 });
  assert.deepEqual(of('billing', 7_200_000), { kind: 'billing', ms: 7_200_000 });
  assert.deepEqual(of('quota_exhausted'), { kind: 'billing', ms: 600_000 });
  assert.deepEqual(of('quota_exhausted', 7_200_000), { kind: 'quota_exhausted', ms: 7_200_000 });
});
