import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { estimateRequestTokens } from '../../src/core/estimate.ts';
import type { RequestMessage } from '../../src/core/ports/provider.ts';
import { surelyFits, trimmed } from '../../src/core/trim.ts';

const user = (text: string): RequestMessage => ({ role: 'user', parts: [{ type: 'text', text }] });
const assistant = (text: string): RequestMessage => ({ role: 'assistant', parts: [{ type: 'text', text }] });
const calls = (id: string): RequestMessage => ({
  role: 'assistant',
  parts: [{ type: 'tool_call', id, name: 'look', args: {} }],
});
const result = (callId: string, text: string): RequestMessage => ({
  role: 'tool',
  parts: [{ type: 'tool_result', callId, name: 'look', text, isError: false }],
});
const words = (n: number): string => 'some words '.repeat(n);

test('what fits stays as it is', () => {
  const messages = [user('one'), assistant('two'), user('three')];
  assert.deepEqual(trimmed('', messages, 1000), messages);
  assert.ok(surelyFits('', messages, 1000));
});

test('old results are shortened before anything that was said is left out', () => {
  const messages = [user('one'), calls('a'), result('a', words(5000)), assistant('two'), user('three')];
  const left = trimmed('', messages, 500);
  assert.equal(left.length, messages.length);
  assert.match(JSON.stringify(left[2]), /characters are left out/);
});

test('the oldest exchanges go next, and the question stays to its last word', () => {
  const messages = [
    user(words(200)),
    assistant(words(200)),
    user(words(200)),
    assistant(words(200)),
    user('the question'),
  ];
  const left = trimmed('', messages, 600);
  assert.equal(left.at(-1), messages.at(-1));
  assert.ok(left.length < messages.length);
  assert.equal(left[0]?.role, 'user');
});

test('a question that alone is too long keeps its beginning and its end', () => {
  const left = trimmed('', [user(`first ${words(20_000)} last`)], 3000);
  assert.match(JSON.stringify(left), /first .* last/);
  assert.ok(estimateRequestTokens('', left) <= 3000);
});

test('whatever is trimmed, each call keeps its result, and the same conversation is trimmed the same way', () => {
  const exchange = fc.record({
    asked: fc.nat(300),
    results: fc.array(fc.nat(1000), { maxLength: 3 }),
    said: fc.nat(300),
  });
  fc.assert(
    fc.property(
      fc.array(exchange, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 200, max: 2000 }),
      (exchanges, room) => {
        const messages = exchanges.flatMap(({ asked, results, said }, at) => [
          user(`question ${at} ${words(asked)}`),
          ...results.flatMap((length, n) => [calls(`c${at}_${n}`), result(`c${at}_${n}`, words(length))]),
          ...(at === exchanges.length - 1 ? [] : [assistant(words(said + 1))]),
        ]);
        const left = trimmed('', messages, room);
        assert.deepEqual(trimmed('', messages, room), left);
        assert.equal(left[0]?.role, 'user');
        assert.match(JSON.stringify(left), new RegExp(`question ${exchanges.length - 1}`));
        for (const [at, { parts }] of left.entries()) {
          const [call] = parts;
          if (call?.type !== 'tool_call') continue;
          const [answer] = left[at + 1]?.parts ?? [];
          assert.ok(answer?.type === 'tool_result' && answer.callId === call.id);
        }
      },
    ),
  );
});

test('a long history is counted a few times, not once for each of its messages', () => {
  const exchanges = Array.from({ length: 300 }, (_, n) => [
    user('do it'),
    calls(`c${n}`),
    result(`c${n}`, words(100)),
    assistant('done'),
  ]).flat();
  const messages = [...exchanges, user('now')];
  let counted = 0;
  const left = trimmed('', messages, 2000, (system, some) => {
    counted += some.length;
    return estimateRequestTokens(system, some);
  });
  assert.ok(counted <= 5 * messages.length, `${counted} messages were counted for ${messages.length}`);
  assert.ok(estimateRequestTokens('', left) <= 2000);
});
