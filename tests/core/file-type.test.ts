import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeType, typeOfBytes } from '../../src/core/file-type.ts';

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))));
const png = bytes([0x89], 'PNG\r\n', [0x1a], '\n');
const zip = bytes('PK', [3, 4, 20, 0]);

test('bytes show what they are, and a text is no bitmap because it begins with BM', () => {
  assert.equal(typeOfBytes(png), 'image/png');
  assert.equal(typeOfBytes(bytes('GIF89a', [0, 1])), 'image/gif');
  assert.equal(typeOfBytes(bytes('BM', [0, 0, 1])), 'image/bmp');
  assert.equal(typeOfBytes(bytes('BMW is a car')), 'text/plain');
  assert.equal(typeOfBytes(bytes('\ufeff  <!DOCTYPE html><p>')), 'text/html');
  assert.equal(typeOfBytes(bytes('<?xml version="1.0"?><svg onload="x">')), 'image/svg+xml');
  assert.equal(typeOfBytes(bytes('caf', [0xc3])), 'text/plain');
  assert.equal(typeOfBytes(bytes('caf', [0xe9, 0x20])), null);
});

/** Declared, bytes, kept as, whether it was a lie. */
const verdicts: readonly (readonly [string, Uint8Array, string, boolean])[] = [
  ['image/png', png, 'image/png', false],
  ['application/octet-stream', png, 'image/png', false],
  ['application/octet-stream', bytes([1, 2, 0]), 'application/octet-stream', false],
  ['image/jpeg', png, 'image/png', true],
  ['image/png', bytes('<html><script>x'), 'text/html', true],
  ['image/png', bytes('<svg onload=x>'), 'image/svg+xml', true],
  ['image/png', bytes('%PDF-1.7'), 'application/pdf', true],
  ['image/png', bytes([1, 2, 0]), 'application/octet-stream', true],
  ['image/png', bytes('alert(1)'), 'text/plain', true],
  ['image/gif', bytes('GIF89a=1;alert(1)'), 'image/gif', false],
  ['text/plain', zip, 'application/zip', true],
  ['text/plain', bytes([0x7f], 'ELF'), 'application/x-executable', true],
  ['text/csv', bytes('caf', [0xe9], ';1'), 'application/octet-stream', false],
  ['text/csv', bytes('a;b'), 'text/csv', false],
  ['text/plain', bytes('<html>'), 'text/plain', false],
  ['image/svg+xml', bytes('<html>'), 'text/html', true],
  ['application/json', bytes('{}'), 'application/json', false],
  [
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    zip,
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    false,
  ],
  ['application/pdf', zip, 'application/zip', true],
  ['audio/mp4', bytes([0, 0, 0, 24], 'ftypM4A '), 'audio/mp4', false],
  ['audio/ogg', bytes('OggS', [0]), 'audio/ogg', false],
  ['audio/mpeg', bytes([0xff, 0xfb, 0x90, 0]), 'audio/mpeg', false],
  ['message/rfc822', bytes('From: x'), 'message/rfc822', false],
  ['application/x-unheard-of', bytes([1, 2, 0]), 'application/x-unheard-of', false],
];

for (const [declared, head, type, lie] of verdicts) {
  test(`${declared} over ${JSON.stringify(Buffer.from(head).toString('latin1').slice(0, 12))} is kept as ${type}`, () => {
    assert.deepEqual(judgeType(declared, head), { type, lie });
  });
}
