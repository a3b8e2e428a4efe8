import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../../src/adapters/system/index.ts';

test('no random byte is given out twice, across the ends of the pool and beyond its size', () => {
  const seen = new Set<string>();
  let count = 0;
  for (const size of [...Array<number>(1000).fill(16), 4000, 100, 5000, 16]) {
    const bytes = systemRandom.bytes(size);
    assert.equal(bytes.length, size);
    for (let at = 0; at + 16 <= size; at += 16, count++)
      seen.add(Buffer.from(bytes.subarray(at, at + 16)).toString('hex'));
  }
  assert.equal(seen.size, count);
});

test('what was given out stays as it is when more is drawn', () => {
  const first = systemRandom.bytes(16);
  const copy = Buffer.from(first);
  for (let i = 0; i < 1000; i++) systemRandom.bytes(16).fill(0);
  assert.ok(copy.equals(first));
});
