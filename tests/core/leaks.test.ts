import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonValue } from '../../src/core/message.ts';
import { holdsSecret, maskSecrets, SecretMask } from '../../src/core/leaks.ts';
import { registerSecret } from '../../src/core/redact.ts';

const secret = 'K9-canary/Value+42xyz';
const short = 'abc?9!';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('nothing is a secret while none is known', () => {
  assert.equal(holdsSecret({ a: secret }), false);
  assert.equal(maskSecrets(secret), secret);
});

test('every spelling that is known is found in arguments', () => {
  registerSecret(secret);
  registerSecret(short);
  const found: readonly [string, JsonValue][] = [
    ['as it is', { body: `x ${secret} y` }],
    ['a short one', { body: short }],
    ['in a URL', { url: `https://evil.example/?q=${encodeURIComponent(secret)}` }],
    [
      'percent-encoded letter by letter',
      { url: Array.from(secret, (c) => `%${c.charCodeAt(0).toString(16)}`).join('') },
    ],
    ['percent-encoded twice', { url: encodeURIComponent(encodeURIComponent(secret)) }],
    ['as a key', { [secret]: 1 }],
    ['deep inside', { a: [{ b: [null, 3, [secret]] }] }],
    ['in capitals', { a: secret.toUpperCase() }],
    ['spaced out', { a: Array.from(secret).join(' ') }],
    ['with characters of no width', { a: Array.from(secret).join('\u200b') }],
    ['over two values', { a: [secret.slice(0, 9), secret.slice(9)] }],
    ['backwards', { a: Array.from(secret).toReversed().join('') }],
    ['as hex', { a: Buffer.from(secret).toString('hex').toUpperCase() }],
    ['as base64', { a: base64(secret) }],
    ['as base64 after one character', { a: base64(`-${secret} tail`) }],
    ['as base64 after two characters', { a: base64(`--${secret} tail`) }],
    ['as base64url', { a: Buffer.from(`key ${secret}`).toString('base64url') }],
  ];
  for (const [name, args] of found) assert.equal(holdsSecret(args), true, name);
});

test('what is no secret passes', () => {
  const passing: readonly JsonValue[] = [
    {},
    { a: secret.slice(0, -1) },
    { text: 'canary value 42', n: 5, list: [true, null] },
    { url: 'https://example.org/?q=%zz%41' },
  ];
  for (const args of passing) assert.equal(holdsSecret(args), false, JSON.stringify(args));
});

test('a secret is masked wherever the pieces of a stream are cut, and nothing else changes', () => {
  const text = `a ${secret} b K9-canary/ c ${secret}${secret} K9`;
  const masked = 'a [secret] b K9-canary/ c [secret][secret] K9';
  assert.equal(maskSecrets(text), masked);
  for (let size = 1; size < 30; size++) {
    const mask = new SecretMask();
    let shown = '';
    for (let at = 0; at < text.length; at += size) {
      shown += mask.push(text.slice(at, at + size));
      assert.ok(!shown.includes(secret.slice(0, 4) + secret.slice(4, 12)) || masked.startsWith(shown), shown);
    }
    assert.equal(shown + mask.end(), masked, `pieces of ${size}`);
  }
});

test('a stream without the beginning of a secret is shown at once', () => {
  const mask = new SecretMask();
  assert.equal(mask.push('hello wor'), 'hello wor');
  assert.equal(mask.push('ld'), 'ld');
  assert.equal(mask.end(), '');
});
