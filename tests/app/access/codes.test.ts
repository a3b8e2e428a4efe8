import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../../../src/adapters/system/index.ts';
import { hashCode, mintCode, readCode, showCode } from '../../../src/app/access/codes.ts';

test('a code is read as it was meant, however a person types it', () => {
  const code = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(code, fc.boolean(), fc.constantFrom('', ' ', '-', '`', '*'), (bytes, low, between) => {
      const made = mintCode({ bytes: () => Uint8Array.from(bytes), unit: () => 0 });
      const typed = showCode(made).split('').join(between).replaceAll('0', 'O').replaceAll('1', 'l');
      assert.equal(readCode(low ? typed.toLowerCase() : typed), made);
    }),
  );
});

test('what cannot be a code is none, whatever it is', () => {
  for (const text of [
    '',
    'approve',
    'ABCD-EFG',
    'ABCD-EFGHJ',
    'ABCD-EFGU',
    'ÀBCD-EFGH',
    'A'.repeat(10_000),
    '12345678\n9',
  ])
    assert.equal(readCode(text), null, text.slice(0, 20));
  fc.assert(fc.property(fc.string(), (text) => readCode(text) === null || readCode(text)?.length === 8));
});

test('all signs are as likely, and a hash tells nothing of its code', () => {
  const seen = new Set(Array.from({ length: 500 }, () => mintCode(systemRandom)).flatMap((code) => code.split('')));
  assert.equal(seen.size, 32);
  assert.match(hashCode('ABCDEFGH'), /^[0-9a-f]{64}$/);
});
