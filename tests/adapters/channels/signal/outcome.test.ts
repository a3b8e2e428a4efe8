import assert from 'node:assert/strict';
import test from 'node:test';
import { failedOutcome } from '../../../../src/adapters/channels/signal/outcome.ts';
import { SentEvents } from '../../../../src/adapters/channels/signal/sse.ts';

const failure = { ok: false, code: 0, status: 200, words: '', data: null, accepted: 'maybe' } as const;
const results = (...all: object[]): object => ({ response: { results: all } });

test('every way a send fails is told apart', () => {
  const cases: [Partial<Parameters<typeof failedOutcome>[0]>, string][] = [
    [{ status: 0, accepted: 'no', words: 'ECONNREFUSED' }, 'unreachable'],
    [{ status: 0, words: 'ECONNRESET' }, 'ambiguous'],
    [{ status: 500 }, 'ambiguous'],
    [{ status: 404, accepted: 'no' }, 'transient'],
    [{ code: -1, words: 'Failed to send message: Unregistered user' }, 'not_registered'],
    [{ code: -1, words: 'Group not found: x' }, 'chat_not_found'],
    [{ code: -1, words: 'User +15550000000 is not registered.' }, 'bad_token'],
    [{ code: -32602, words: 'Specified account does not exist' }, 'bad_token'],
    [{ code: -32602, words: 'Unknown parameter' }, 'bad_request'],
    [{ code: -2, words: 'Unexpected error' }, 'ambiguous'],
    [{ code: -3, words: 'Failed to send message: timeout' }, 'ambiguous'],
    [{ code: -4, words: 'untrusted identities' }, 'untrusted'],
    [{ code: -5, words: 'rate limiting' }, 'rate_limited'],
    [{ code: -3, words: 'Failed', data: results({ type: 'IDENTITY_FAILURE' }) }, 'untrusted'],
    [{ code: -1, words: 'Failed', data: results({ type: 'UNREGISTERED_FAILURE' }) }, 'not_registered'],
  ];
  for (const [given, expected] of cases) {
    const outcome = failedOutcome({ ...failure, ...given });
    assert.equal(outcome.kind === 'refused' ? outcome.code : outcome.kind, expected, JSON.stringify(given));
  }
});

test('a pause is the longest that Signal asks for, and never less', () => {
  const data = results(
    { type: 'RATE_LIMIT_FAILURE', retryAfterSeconds: 3 },
    { type: 'SUCCESS' },
    { retryAfterSeconds: 40 },
  );
  const outcome = failedOutcome({ ...failure, code: -5, data });
  assert.ok(outcome.kind === 'rate_limited' && outcome.retryAfterMs === 40_000);
});

test('events come out whole, however their bytes arrive', () => {
  const bytes = Buffer.from(':\n\nid:1\r\nevent:receive\r\ndata: {"a":\r\ndata:"é😀"}\r\n\r\n:\ndata:x\n\n');
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const events = new SentEvents();
    const found = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...events.push(bytes.subarray(at, at + size)));
    assert.deepEqual(
      found,
      [
        { id: '1', data: '{"a":\n"é😀"}' },
        { id: '1', data: 'x' },
      ],
      String(size),
    );
  }
  assert.throws(() => new SentEvents().push(Buffer.from(`data:${'x'.repeat(4_100_000)}`)), /too long/);
});
