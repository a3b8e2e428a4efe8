import assert from 'node:assert/strict';
import { it } from 'node:test';
import { excerpt, isSecretName, redact, registerSecret } from '../../src/core/redact.ts';

const rows: [text: string, clean: string][] = [
  ['key sk-proj-abcdefghijklmnop is bad', 'key sk-[secret] is bad'],
  [
    'https://api.telegram.org/bot123456:AAE-abc_defghijklmnopqrstuvwxyz012345/getMe',
    'https://api.telegram.org/bot123456:[secret]/getMe',
  ],
  ['bot1:x', 'bot1:[secret]'],
  ['token 123456789:AAE-abc_defghijklmnopqrstuvwxyz', 'token 123456789:[secret]'],
  ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer [secret]'],
  ['authorization: basic dXNlcjpwYXNz', 'authorization: basic [secret]'],
  ['GET /x?token=abc&limit=5#top', 'GET /x?token=[secret]&limit=[secret]#top'],
  ['http://user:pass@host/path', 'http://[secret]@host/path'],
  ['{"api_key":"abcdefghijklmnop","n":1}', '{"api_key":"[secret]","n":1}'],
  ['{\\"password\\":\\"abcdefghijklmnop\\"}', '{\\"password\\":\\"[secret]\\"}'],
  ['xoxb-1234567890-abcdefghij', 'xoxb-[secret]'],
  ['oc_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'oc_[secret]'],
  ['stripe sk_live_abcdefghijklmnop', 'stripe sk_[secret]'],
  ['AIzaSyA-abcdefghijklmnopqrstuvwxyz01234', 'AIza[secret]'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl', '[secret]'],
  ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_[secret]'],
];
for (const [text, clean] of rows) {
  it(`a secret is found without being registered: ${text}`, () => assert.equal(redact(text), clean));
}

for (const text of [
  'The token limit of 4096 was reached at 12:34:56.',
  'task-management risk-free asked twice? yes=no',
  'prompt_tokens: 123, total_tokens: 456',
  'telegram:main:-100123:42',
  'http://127.0.0.1:18789/health',
  '2026-11-21T13:00:00.000Z',
]) {
  it(`ordinary words stay: ${text}`, () => assert.equal(redact(text), text));
}

it('a registered value is masked in every spelling it travels in', () => {
  registerSecret('p@ss"word/1');
  for (const text of ['p@ss"word/1', encodeURIComponent('p@ss"word/1'), JSON.stringify('p@ss"word/1').slice(1, -1)]) {
    assert.equal(redact(`<${text}>`), '<[secret]>');
  }
});

it('a value that begins with another one is masked as a whole', () => {
  registerSecret('a-first-secret');
  registerSecret('a-first-secret-and-more');
  assert.equal(redact('it is a-first-secret-and-more.'), 'it is [secret].');
});

it('a cut never leaves half of a secret', () => {
  registerSecret('one-secret-of-thirty-characters');
  const line = 'one-secret-of-thirty-characters, '.repeat(300);
  for (let max = 0; max < 200; max++) {
    for (const text of [line, line.slice(0, 150), line.slice(0, max + 1024 + 20)]) {
      const shown = excerpt(text, max);
      assert.ok(shown.length <= max + 1 || text.length <= max, `${shown.length} characters`);
      if (text !== line.slice(0, 150)) assert.doesNotMatch(shown, /one-|char/, `${max}`);
    }
  }
  const whole = line.slice(0, line.indexOf(',', 100));
  for (let max = 0; max < whole.length; max++) assert.doesNotMatch(excerpt(whole, max), /one-|char/, `${max}`);
  assert.equal(excerpt('short', 5), 'short');
  assert.equal(excerpt('longer', 5), 'longe…');
});

it('a value of a few letters is not masked inside other words', () => {
  registerSecret('the');
  assert.equal(redact('the theory'), 'the theory');
});

it('the register is bounded: the oldest value leaves first', () => {
  registerSecret('oldest-value');
  for (let i = 0; i < 600; i++) registerSecret(`value-number-${i}.`);
  assert.equal(redact('oldest-value'), 'oldest-value');
  assert.equal(redact('value-number-599.'), '[secret]');
});

it('names of secrets are told from names of counts', () => {
  for (const name of [
    'token',
    'bot_token',
    'botToken',
    'Authorization',
    'x-api-key',
    'apiKey',
    'password',
    'client_secret',
    'Set-Cookie',
    'private_key',
  ]) {
    assert.ok(isSecretName(name), name);
  }
  for (const name of ['tokens', 'prompt_tokens', 'token_count', 'key', 'session_key', 'secretary', 'author'])
    assert.ok(!isSecretName(name), name);
});

it('a long hostile text is redacted in time that grows with its length, not its square', () => {
  const lengths = [20_000, 200_000];
  for (const piece of ['sk-', 'bot1', '1', 'token', '?a', '://', 'Bearer ', 'password = ', '\\"']) {
    for (const length of lengths) redact(piece.repeat(Math.ceil(length / piece.length)));
  }
});
