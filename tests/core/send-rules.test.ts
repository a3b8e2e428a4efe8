import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendOutcome } from '../../src/core/ports/channel.ts';
import type { OutboxRow } from '../../src/core/ports/outbox-store.ts';
import { maxSendAttempts, recordOf, repeatOnce, resendWindowMs } from '../../src/core/send-rules.ts';

const now = 1_000_000_000;

function row(over: Partial<OutboxRow> = {}): OutboxRow {
  return {
    id: 'out_1',
    seq: 1,
    idempotencyKey: 'run_1:0',
    runId: 'run_1',
    sessionKey: 'telegram:main:1',
    owner: 'per_1',
    conversation: { channel: 'telegram', account: 'main', native: '1' },
    chatType: 'direct',
    replyTo: null,
    part: 0,
    body: { text: 'hello', spans: [] },
    correlation: 'msg_1',
    createdAt: now - 1000,
    expiresAt: now + 1_000_000,
    state: 'sending',
    attempts: 1,
    ref: null,
    resent: false,
    plain: false,
    nextAttemptAt: 0,
    error: null,
    finishedAt: null,
    ...over,
  };
}

const failed = (outcome: Omit<Exclude<SendOutcome, { ok: true }>, 'ok' | 'detail'>): SendOutcome =>
  ({ ok: false, detail: 'why', ...outcome }) as SendOutcome;

test('a rate limit is waited for exactly as long as the platform said and does not count as an attempt', () => {
  const record = recordOf(
    row(),
    failed({ kind: 'rate_limited', scope: 'conversation', retryAfterMs: 5_400_000 } as never),
    'none',
    now,
  );
  assert.deepEqual(record, { state: 'retry', at: now + 5_400_000, error: 'why', uncounted: true });
});

test('a transient failure is tried again with growing delay and is dead after the last attempt', () => {
  const delays = [1, 2, 3, 4].map((attempts) => {
    const record = recordOf(row({ attempts }), failed({ kind: 'transient' }), 'none', now);
    assert.equal(record.state, 'retry');
    return record.at - now;
  });
  assert.deepEqual(delays, [1000, 4000, 16_000, 60_000]);
  assert.equal(recordOf(row({ attempts: maxSendAttempts }), failed({ kind: 'transient' }), 'none', now).state, 'dead');
});

test('what could not be said because nobody could be reached is no attempt, however often', () => {
  const record = recordOf(row({ attempts: maxSendAttempts }), failed({ kind: 'unreachable' }), 'none', now);
  assert.deepEqual(record, { state: 'retry', at: now, error: 'why', uncounted: true });
});

test('a repeat that could not be made in time, as nobody could be reached, is not made', () => {
  const repeat = row({ resent: true, createdAt: now - resendWindowMs - 1 });
  const becomes = (of: OutboxRow, by: 'native' | 'lookup' | 'none'): string =>
    recordOf(of, failed({ kind: 'unreachable' }), by, now).state;
  assert.deepEqual(
    [becomes(repeat, 'none'), becomes(repeat, 'native'), becomes(repeat, 'lookup'), becomes(row(), 'none')],
    ['uncertain', 'retry', 'retry', 'retry'],
  );
});

test('an ambiguous send is repeated once, after a pause, marked, and never a second time', () => {
  assert.deepEqual(recordOf(row(), failed({ kind: 'ambiguous' }), 'none', now), {
    state: 'retry',
    at: now + 3000,
    error: 'why',
    resent: true,
  });
  assert.equal(recordOf(row({ resent: true }), failed({ kind: 'ambiguous' }), 'none', now).state, 'uncertain');
});

test('an ambiguous send that is too old is not repeated at all', () => {
  assert.equal(repeatOnce(row({ createdAt: now - resendWindowMs - 1 }), now, 'why').state, 'uncertain');
});

test('an ambiguous send is simply repeated where the platform drops repeats, and so is an edit', () => {
  const native = recordOf(row(), failed({ kind: 'ambiguous' }), 'native', now);
  assert.ok(native.state === 'retry' && native.resent === undefined);
  const edit = recordOf(row({ ref: '99' }), failed({ kind: 'ambiguous' }), 'none', now);
  assert.ok(edit.state === 'retry' && edit.resent === undefined);
});

test('refused formatting is sent once more as plain text', () => {
  assert.deepEqual(recordOf(row(), failed({ kind: 'bad_format' }), 'none', now), {
    state: 'retry',
    at: now,
    error: 'why',
    plain: true,
  });
  assert.equal(recordOf(row({ plain: true }), failed({ kind: 'bad_format' }), 'none', now).state, 'dead');
});

test('a refusal is final, but an answer whose growing message was deleted is still owed', () => {
  assert.equal(recordOf(row(), failed({ kind: 'refused', code: 'blocked' } as never), 'none', now).state, 'dead');
  const record = recordOf(row({ ref: '99' }), failed({ kind: 'refused', code: 'edit_gone' } as never), 'none', now);
  assert.ok(record.state === 'retry' && record.dropRef === true);
});

test('a refused token kills no answer: it waits for the token to be mended', () => {
  const record = recordOf(row({ attempts: 5 }), failed({ kind: 'refused', code: 'bad_token' } as never), 'none', now);
  assert.ok(record.state === 'retry' && record.uncounted === true && record.at === now);
});
