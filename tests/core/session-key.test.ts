import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientSessionKey, conversationSessionKey, parseSessionKey } from '../../src/core/session-key.ts';

const channels = new Set(['telegram']);

test('a short key and its full form are the same session', () => {
  assert.equal(clientSessionKey('work', 'owner', channels), 'api:owner:work');
  assert.equal(clientSessionKey('api:owner:work', 'owner', channels), 'api:owner:work');
});

test('the key of another person is not found, whether it exists or not', () => {
  assert.throws(() => clientSessionKey('api:per_2:work', 'owner', channels), { code: 'not_found' });
});

test('the key of a channel conversation is taken as it is', () => {
  assert.equal(clientSessionKey('telegram:main:42', 'owner', channels), 'telegram:main:42');
});

test('what is no key is refused', () => {
  for (const bad of ['', '-a', ':a', 'a/b', 'a b', '..', 'ü', 'a'.repeat(129), 'a\n']) {
    assert.throws(() => parseSessionKey(bad), { code: 'bad_session' }, JSON.stringify(bad));
  }
});

test('a full key longer than the limit is refused, not cut', () => {
  assert.throws(() => clientSessionKey('a'.repeat(120), 'owner', channels), { code: 'bad_session' });
});

test('two conversations never share a session, whatever characters their ids hold', () => {
  const key = (native: string, thread?: string): string =>
    conversationSessionKey({
      channel: 'telegram',
      account: 'main',
      native,
      ...(thread === undefined ? {} : { thread }),
    });
  assert.equal(key('-100123', '7'), 'telegram:main:-100123:7');
  const keys = ['a:b', 'a_b', 'a/b', 'a b', 'a:eb', 'aήb', '!6', '\u0216', '!6_', '\ud83d', '=83d'].map((id) =>
    key(id),
  );
  keys.push(key('a', 'b'));
  assert.equal(new Set(keys).size, keys.length);
});
