import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemRandom } from '../../../src/adapters/system/index.ts';
import { Tokens } from '../../../src/app/access/tokens.ts';
import { idMint } from '../../../src/core/ids.ts';
import type { Principal } from '../../../src/core/principal.ts';
import type { Store } from '../../../src/core/ports/store.ts';
import { freshStore } from '../../support/store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const operator = 'oc_operator-operator-operator';

async function rig(t: TestContext) {
  const store: Store = await freshStore(t);
  const clock = new VirtualClock();
  await store.ensurePerson({ id: 'owner', name: 'owner', role: 'owner', language: null, createdAt: clock.now() });
  const written: string[] = [];
  const make = (): Tokens =>
    new Tokens({
      store,
      clock,
      random: systemRandom,
      mintId: idMint(clock, systemRandom),
      onOperatorToken: async (token) => void written.push(token),
    });
  const tokens = make();
  await tokens.start(operator);
  return { store, clock, tokens, written, make };
}

function known(tokens: Tokens, token: string): Principal {
  const principal = tokens.authenticate(token);
  assert.ok(principal !== null);
  return principal;
}

test('a rotated token is refused at once, its sockets hear of it, and the new one works also after a restart', async (t) => {
  const { tokens, make } = await rig(t);
  const { id, token } = await tokens.create({ name: 'ci', scopes: ['send'] });
  let told = 0;
  tokens.onRevoked(known(tokens, token), () => (told += 1));
  const renewed = await tokens.rotate(id);
  assert.equal(told, 1);
  assert.equal(tokens.authenticate(token), null);
  assert.equal(known(tokens, renewed.token).scope, 'send');
  const again = make();
  await again.start(operator);
  assert.equal(again.authenticate(token), null);
  assert.ok(again.authenticate(renewed.token) !== null);
});

test('two rotations at once leave one valid token', async (t) => {
  const { tokens } = await rig(t);
  const { id } = await tokens.create({ name: 'ci', scopes: ['send'] });
  const renewed = await Promise.all([tokens.rotate(id), tokens.rotate(id), tokens.rotate(id)]);
  const valid = renewed.filter(({ token }) => tokens.authenticate(token) !== null);
  assert.deepEqual(valid, [renewed[2]]);
  assert.equal(tokens.list().length, 2);
});

test('a token that is revoked while it is rotated does not come back', async (t) => {
  const { tokens, store } = await rig(t);
  const { id } = await tokens.create({ name: 'ci', scopes: ['send'] });
  const [renewed] = await Promise.all([tokens.rotate(id), tokens.revoke(id)]);
  assert.equal(tokens.authenticate(renewed.token), null);
  assert.equal((await store.tokens()).length, 1);
});

test('an expired token is refused and its sockets hear of it without anybody asking', async (t) => {
  const { tokens, clock } = await rig(t);
  const { token } = await tokens.create({ name: 'guest', scopes: ['read'], expires: '1h' });
  const other = await tokens.create({ name: 'asks in time', scopes: ['read'], expires: '1h' });
  let told = 0;
  tokens.onRevoked(known(tokens, token), () => (told += 1));
  await clock.advance(3_599_000);
  tokens.expire();
  assert.equal(told, 0);
  await clock.advance(2000);
  assert.equal(tokens.authenticate(other.token), null, 'before anybody looked');
  tokens.expire();
  tokens.expire();
  assert.equal(told, 1);
  assert.equal(tokens.authenticate(token), null);
});

test('a changed operator token replaces the old one; it is never revoked', async (t) => {
  const { tokens, written } = await rig(t);
  let told = 0;
  tokens.onRevoked(known(tokens, operator), () => (told += 1));
  await tokens.setOperatorToken('oc_another-another-another');
  assert.equal(told, 1);
  assert.equal(tokens.authenticate(operator), null);
  assert.equal(known(tokens, 'oc_another-another-another').scope, 'admin');
  await tokens.setOperatorToken('oc_another-another-another');
  await assert.rejects(tokens.revoke('operator'), { code: 'operator_token' });
  const renewed = await tokens.rotate('operator');
  assert.deepEqual(written, [renewed.token]);
  assert.equal(tokens.list().length, 1);
});

test('tokens are bounded, and a bad request makes none', async (t) => {
  const { tokens, store } = await rig(t);
  await assert.rejects(tokens.create({ name: 'x', scopes: [] }), { code: 'bad_scopes' });
  await assert.rejects(tokens.create({ name: 'x', scopes: ['send'], person: 'per_nobody' }), { kind: 'not_found' });
  await Promise.all(Array.from({ length: 999 }, (_, n) => tokens.create({ name: `t${n}`, scopes: ['read'] })));
  await assert.rejects(tokens.create({ name: 'one more', scopes: ['read'] }), { code: 'too_many_tokens' });
  assert.equal((await store.tokens()).length, 1000);
});

test('only digests are stored, and an unsubscribed listener is forgotten', async (t) => {
  const { tokens, store } = await rig(t);
  const { id, token } = await tokens.create({ name: 'ci', scopes: ['send'] });
  assert.ok(!JSON.stringify(await store.tokens()).includes(token));
  let told = 0;
  const forget = tokens.onRevoked(known(tokens, token), () => (told += 1));
  forget();
  await tokens.revoke(id);
  assert.equal(told, 0);
  await tokens.saveUses();
});
