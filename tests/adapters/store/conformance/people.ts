import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TokenRow } from '../../../../src/core/ports/token-store.ts';
import type { OpenEmpty } from '../conformance.ts';
import { noon } from '../rows.ts';

export function peopleConformance(engine: string, openEmpty: OpenEmpty): void {
  describe(`${engine}: people, tokens and the rest`, () => {
    test('an identity is one person for ever, whatever name it shows', async (t) => {
      const store = await openEmpty(t);
      const identity = { channel: 'telegram', account: 'main', native: '7', display: 'Ann' };
      const newPerson = (id: string) => ({ id, name: 'Ann', role: 'member', language: null, createdAt: noon }) as const;
      const people = await Promise.all([
        store.ensureIdentity(identity, newPerson('p1')),
        store.ensureIdentity(identity, newPerson('p2')),
        store.ensureIdentity({ ...identity, display: 'Anna' }, newPerson('p3')),
      ]);
      assert.deepEqual(
        people.map((person) => person.id),
        ['p1', 'p1', 'p1'],
      );
      assert.equal((await store.ensureIdentity({ ...identity, account: 'second' }, newPerson('p4'))).id, 'p4');
      assert.equal(await store.person('p2'), null);
      assert.equal((await store.counts(0)).people, 2);
    });

    test('a person who is there keeps name and role', async (t) => {
      const store = await openEmpty(t);
      const owner = { id: 'owner', name: 'Owner', role: 'owner', language: null, createdAt: noon } as const;
      await store.ensurePerson(owner);
      assert.deepEqual(await store.ensurePerson({ ...owner, name: 'Other', role: 'guest' }), owner);
      assert.deepEqual(await store.person('owner'), owner);
    });

    test('tokens are found by hash, replaced by id and gone when deleted', async (t) => {
      const store = await openEmpty(t);
      const token: TokenRow = {
        id: 't1',
        name: 'ci',
        hash: 'aa',
        scopes: ['read', 'send'],
        person: 'owner',
        createdAt: noon,
        expiresAt: null,
        lastUsedAt: null,
      };
      await store.saveToken(token);
      assert.deepEqual(await store.tokenByHash('aa'), token);
      await store.saveToken({ ...token, hash: 'bb' });
      assert.equal(await store.tokenByHash('aa'), null, 'a rotated token is not valid any more');
      await store.touchTokens([
        { id: 't1', at: noon + 5 },
        { id: 't1', at: noon + 3 },
        { id: 'nobody', at: noon },
      ]);
      assert.deepEqual(await store.tokens(), [{ ...token, hash: 'bb', lastUsedAt: noon + 5 }]);
      assert.deepEqual([await store.deleteToken('t1'), await store.deleteToken('t1')], [true, false]);
    });

    test('a file is found by its owner only', async (t) => {
      const store = await openEmpty(t);
      const row = { id: 'f', owner: 'owner', mimeType: 'image/png', size: 3, sha256: 'aa', createdAt: noon };
      await store.saveFile(row);
      assert.deepEqual(await store.file('f', 'owner'), row);
      assert.equal(await store.file('f', 'other'), null);
    });

    test('cooldowns are kept per provider and model', async (t) => {
      const store = await openEmpty(t);
      const row = { provider: 'openai', model: 'small', until: noon, kind: 'rate_limited', failures: 1 };
      await store.saveCooldown(row);
      await store.saveCooldown({ ...row, failures: 2 });
      await store.saveCooldown({ ...row, model: 'large' });
      await store.clearCooldown('openai', 'large');
      assert.deepEqual(await store.cooldowns(), [{ ...row, failures: 2 }]);
    });
  });
}
