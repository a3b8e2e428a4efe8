import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { Audit } from '../../../src/app/audit/audit.ts';
import { canonicalJson } from '../../../src/core/audit.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { folder, open } from '../../adapters/store/open.ts';

const operator: Principal = { kind: 'token', id: 'operator', person: 'owner', scope: 'admin', name: 'operator' };
const ada: Principal = { kind: 'sender', id: 'telegram:main:42', person: 'per_1', scope: 'send', name: 'Ada' };

async function rig(t: TestContext) {
  const file = path.join(folder(t), 'store.db');
  const store = await open(t, file);
  const audit = new Audit({ store, clock: systemClock });
  /** Somebody at the file, who knows how to get past the triggers. */
  const tamper = (sql: string): void => {
    const db = new DatabaseSync(file);
    db.exec(`DROP TRIGGER IF EXISTS audit_stays; DROP TRIGGER IF EXISTS audit_keeps; ${sql}`);
    db.close();
  };
  return { file, store, audit, tamper };
}

test('what is recorded at the same time stands in one chain, in the order of asking', async (t) => {
  const { audit } = await rig(t);
  await Promise.all(Array.from({ length: 700 }, (_, n) => audit.record(operator, 'role.set', `per_${n}`, { n })));
  const verdict = await audit.verify();
  assert.deepEqual([verdict.ok, verdict.rows, verdict.broken], [true, 700, null]);
  const { items, nextCursor } = await audit.list({}, { limit: 3 });
  assert.deepEqual(
    items.map(({ subject }) => subject),
    ['per_699', 'per_698', 'per_697'],
  );
  assert.equal(items[0]?.hash, verdict.head);
  const older = await audit.list({}, { limit: 1, cursor: nextCursor ?? '' });
  assert.equal(older.items[0]?.subject, 'per_696');
});

test('a changed row, a missing row and a cut end are found, and the first of them is named', async (t) => {
  const cases = {
    changed: [`UPDATE audit SET metadata = '{"n":99}' WHERE seq = 3`, 3],
    renamed: [`UPDATE audit SET action = 'token.revoked' WHERE seq = 5`, 5],
    rehashed: [`UPDATE audit SET hash = '${'0'.repeat(64)}' WHERE seq = 2`, 2],
    removed: ['DELETE FROM audit WHERE seq = 4', 5],
    cut: ['DELETE FROM audit WHERE seq > 8', 9],
    emptied: ['DELETE FROM audit', 1],
  } as const;
  for (const [name, [sql, seq]] of Object.entries(cases)) {
    const { audit, tamper } = await rig(t);
    for (let n = 0; n < 10; n++) await audit.record(operator, 'role.set', 'per_1', { n });
    tamper(sql);
    const { ok, broken } = await audit.verify();
    assert.deepEqual([ok, broken?.seq], [false, seq], name);
  }
});

test('the database itself refuses to change or remove a row', async (t) => {
  const { audit, file } = await rig(t);
  await audit.record(operator, 'role.set');
  const db = new DatabaseSync(file);
  assert.throws(() => db.exec(`UPDATE audit SET action = 'x'`), /append-only/);
  assert.throws(() => db.exec('DELETE FROM audit'), /append-only/);
  db.close();
});

test('a name that is forgotten leaves the chain whole, and an id on a platform was never in it', async (t) => {
  const { audit, tamper } = await rig(t);
  await audit.record(ada, 'pairing.approved', 'per_2');
  await audit.record(null, 'config.reloaded');
  const [system, row] = (await audit.list({}, { limit: 10 })).items;
  assert.deepEqual(row?.actor, { kind: 'sender', id: 'telegram:main', person: 'per_1' });
  assert.equal(row?.name, 'Ada');
  assert.deepEqual(system?.actor, { kind: 'system', id: 'gateway', person: null });
  tamper('DELETE FROM audit_names');
  assert.equal((await audit.verify()).ok, true);
  assert.equal((await audit.list({}, { limit: 10 })).items[1]?.name, '');
});

test('rows are found by what was done, by whom, and since when', async (t) => {
  const { audit } = await rig(t);
  await audit.record(ada, 'pairing.approved', 'per_2');
  await audit.record(operator, 'role.set', 'per_2');
  const found = async (filter: Parameters<Audit['list']>[0]): Promise<string[]> =>
    (await audit.list(filter, { limit: 10 })).items.map(({ action }) => action);
  assert.deepEqual(await found({ action: 'role.set' }), ['role.set']);
  assert.deepEqual(await found({ actor: 'per_1' }), ['pairing.approved']);
  assert.deepEqual(await found({ actor: 'telegram:main' }), ['pairing.approved']);
  assert.deepEqual(await found({ since: systemClock.now() + 10_000 }), []);
});

test('equal values have one canonical text, whatever the order of their keys', () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'é"' }], a: true }), '{"a":true,"b":[1,{"c":"é\\"","d":null}]}');
});
