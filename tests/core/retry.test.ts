import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProviderError, ProviderErrorKind } from '../../src/core/ports/provider.ts';
import { decideRetry, isTransient, maxAttempts, retryDelayMs, type AttemptSituation } from '../../src/core/retry.ts';

const error = (kind: ProviderErrorKind, more: Partial<ProviderError> = {}): ProviderError => ({
  kind,
  phase: 'before_output',
  accepted: 'no',
  detail: '',
  ...more,
});

const first: AttemptSituation = {
  failures: 1,
  maybeAccepted: 0,
  visible: false,
  remainingMs: 60_000,
  hadTools: false,
  unit: 0.5,
};

/** The actions of one candidate that fails the same way again and again. */
function course(failure: ProviderError, more: Partial<AttemptSituation> = {}): string[] {
  const actions: string[] = [];
  for (let failures = 1; failures <= 10; failures++) {
    const maybeAccepted = failure.accepted === 'no' ? 0 : failures;
    const { action } = decideRetry(failure, { ...first, failures, maybeAccepted, ...more });
    actions.push(action);
    if (action !== 'retry') break;
  }
  return actions;
}

const twice = ['retry', 'retry', 'fallback'];
const once = ['retry', 'fallback'];

const table: [ProviderErrorKind, ProviderError['accepted'], string[]][] = [
  ['rate_limited', 'no', twice],
  ['overloaded', 'no', twice],
  ['overloaded', 'maybe', once],
  ['network', 'no', twice],
  ['network', 'maybe', once],
  ['server', 'maybe', once],
  ['server', 'no', once],
  ['timeout_headers', 'no', once],
  ['timeout_first', 'maybe', once],
  ['timeout_idle', 'yes', once],
  ['stream_incomplete', 'maybe', once],
  ['bad_response', 'maybe', once],
  ['auth', 'no', ['fallback']],
  ['permission', 'no', ['fallback']],
  ['billing', 'no', ['fallback']],
  ['quota_exhausted', 'no', ['fallback']],
  ['request_too_large', 'no', ['fallback']],
  ['model_not_found', 'no', ['fallback']],
  ['context_overflow', 'no', ['fail']],
  ['invalid_request', 'no', ['fail']],
  ['content_refused', 'yes', ['fail']],
  ['tools_unsupported', 'no', ['fail']],
  ['aborted', 'maybe', ['fail']],
  ['deadline', 'maybe', ['fail']],
];

for (const [kind, accepted, expected] of table) {
  test(`${kind}, accepted ${accepted}: ${expected.join(', ')}`, () => {
    assert.deepEqual(course(error(kind, { accepted })), expected);
  });
  test(`${kind} is never generated again once output was visible`, () => {
    assert.deepEqual(course(error(kind, { accepted, phase: 'mid_output' }), { visible: true, hadTools: true }), [
      'fail',
    ]);
  });
}

test('no candidate is asked more often than the limit', () => {
  for (const [kind, accepted] of table) assert.ok(course(error(kind, { accepted })).length <= maxAttempts);
});

test('a request that may have been accepted is repeated once even when other failures came before it', () => {
  const reset = error('network', { accepted: 'maybe' });
  assert.equal(decideRetry(reset, { ...first, failures: 2, maybeAccepted: 1 }).action, 'retry');
  assert.equal(decideRetry(reset, { ...first, failures: 2, maybeAccepted: 2 }).action, 'fallback');
});

test('a model without tool support is asked once without tools, at once', () => {
  assert.deepEqual(decideRetry(error('tools_unsupported'), { ...first, hadTools: true }), {
    action: 'retry',
    delayMs: 0,
    withoutTools: true,
  });
});

test('a hint is the floor of the wait and never shortened', () => {
  for (const unit of [0, 0.3, 0.999]) {
    const decision = decideRetry(error('rate_limited', { retryAfterMs: 7000 }), { ...first, unit });
    assert.ok(decision.action === 'retry' && decision.delayMs >= 7000 && decision.delayMs <= 7700);
  }
});

test('a hint over the cap is not waited for, at the cap it is', () => {
  const remainingMs = 600_000;
  const at = (retryAfterMs: number) =>
    decideRetry(error('rate_limited', { retryAfterMs }), { ...first, remainingMs }).action;
  assert.equal(at(60_000), 'retry');
  assert.equal(at(60_001), 'fallback');
  assert.equal(at(65_000), 'fallback');
});

test('a wait that does not fit before the deadline is not begun', () => {
  const hinted = error('rate_limited', { retryAfterMs: 5000 });
  assert.equal(decideRetry(hinted, { ...first, remainingMs: 5000 }).action, 'fallback');
  assert.equal(decideRetry(error('network'), { ...first, unit: 0.99, remainingMs: 100 }).action, 'fallback');
});

test('the wait has full jitter under a doubling ceiling of at most 20 s', () => {
  assert.equal(retryDelayMs(1, 0, 0), 0);
  assert.equal(retryDelayMs(1, 0, 1), 500);
  assert.equal(retryDelayMs(2, 0, 1), 1000);
  assert.equal(retryDelayMs(3, 0, 0.5), 1000);
  assert.equal(retryDelayMs(30, 0, 1), 20_000);
  assert.equal(retryDelayMs(1, 60_000, 0), 60_000);
});

test('only failures that pass by themselves are transient', () => {
  assert.ok(isTransient('rate_limited') && isTransient('timeout_idle'));
  assert.ok(!isTransient('auth') && !isTransient('content_refused') && !isTransient('context_overflow'));
});

test('a refusal that the adapter learned from is asked again at once, in all no more often than others', () => {
  assert.deepEqual(course(error('invalid_request', { mended: true })), ['retry', 'retry', 'fail']);
  assert.deepEqual(course(error('invalid_request', { mended: true }), { visible: true }), ['fail']);
});
