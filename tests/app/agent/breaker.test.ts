import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopBreaker } from '../../../src/app/agent/breaker.ts';

test('the same call goes round in circles only while its result is the same', () => {
  const breaker = new LoopBreaker();
  for (let n = 0; n < 10; n++) assert.equal(breaker.note('look', { at: 'x' }, `result ${n}`), 'go_on');
  const judged = Array.from({ length: 5 }, () => breaker.note('look', { b: 1, a: 2 }, 'same'));
  assert.deepEqual(judged, ['go_on', 'go_on', 'tell', 'tell', 'stop']);
  assert.equal(breaker.note('look', { a: 2, b: 1 }, 'same'), 'stop', 'in whatever order the arguments are');
  assert.equal(breaker.note('look', { a: 2, b: 1 }, 'another'), 'go_on');
});

test('a thousand calls are remembered, and then it begins anew', () => {
  const breaker = new LoopBreaker();
  for (let n = 0; n < 2; n++) breaker.note('look', {}, 'same');
  for (let n = 0; n < 998; n++) breaker.note('look', { n }, 'same');
  assert.equal(breaker.note('look', {}, 'same'), 'tell');
  breaker.note('look', { n: 998 }, 'same');
  breaker.note('look', { n: 999 }, 'same');
  assert.equal(breaker.note('look', {}, 'same'), 'go_on');
});
