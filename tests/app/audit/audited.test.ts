import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { Audit } from '../../../src/app/audit/audit.ts';
import { audited, recordedReload } from '../../../src/app/audit/audited.ts';
import type { AuditRow } from '../../../src/core/audit.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import type { Gateway } from '../../../src/core/ports/gateway.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { FailingStore } from '../../support/message-path.ts';
import { freshStore } from '../../support/store.ts';

const operator: Principal = { kind: 'token', id: 'operator', person: 'owner', scope: 'admin', name: 'operator' };
const secret = 'oc_the-secret-of-a-token';
const token = { id: 'tok_1', name: 'laptop', scopes: ['read'], person: 'owner', expiresAt: null, token: secret };
const session = { key: 'telegram:main:42', owner: 'per_1', messageCount: 3 };
const answers: Record<string, unknown> = {
  createToken: token,
  rotateToken: token,
  revokeToken: undefined,
  setRole: { id: 'per_1' },
  setPersonBudget: {},
  linkPerson: { code: 'ABCD-EFGH', expiresAt: 0 },
  unlinkPerson: { id: 'per_2' },
  channelAction: {},
  session,
  deleteSession: undefined,
  importSession: session,
  clearDead: 2,
  reloadConfig: { changed: ['agent'] },
};

async function rig(t: TestContext, gatewayAnswers = answers) {
  const failing = new FailingStore(await freshStore(t));
  const audit = new Audit({ store: failing.store, clock: systemClock });
  const methods = Object.entries(gatewayAnswers).map(([name, answer]) => [
    name,
    () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
  ]);
  const gateway = audited(Object.fromEntries(methods) as Gateway, audit);
  const rows = async (): Promise<AuditRow[]> => (await audit.list({}, { limit: 100 })).items.reverse();
  return { audit, failing, gateway, rows };
}

async function everything(gateway: Gateway): Promise<void> {
  const nothing = (async function* none() {})();
  const deeds: (() => Promise<unknown>)[] = [
    () => gateway.createToken(operator, { name: 'laptop', scopes: ['read'] }),
    () => gateway.rotateToken(operator, 'tok_1'),
    () => gateway.revokeToken(operator, 'tok_1'),
    () => gateway.setRole(operator, 'per_1', 'guest'),
    () => gateway.setPersonBudget(operator, 'per_1', { usdDay: 5 }),
    () => gateway.linkPerson(operator, 'per_1'),
    () => gateway.unlinkPerson(operator, 'per_1', { channel: 'telegram:main', sender: '42' }),
    () => gateway.channelAction(operator, 'telegram:main', 'pause'),
    () => gateway.deleteSession(operator, session.key),
    () => gateway.importSession(operator, nothing),
    () => gateway.clearDead(operator),
    () => gateway.reloadConfig(operator),
  ];
  for (const deed of deeds) await deed().catch(() => undefined);
}

test('every deed leaves its row, without secrets, codes or ids on a platform', async (t) => {
  const { gateway, rows, audit } = await rig(t);
  await everything(gateway);
  const written = await rows();
  assert.deepEqual(
    written.map(({ action, subject }) => [action, subject]),
    [
      ['token.created', 'tok_1'],
      ['token.rotated', 'tok_1'],
      ['token.revoked', 'tok_1'],
      ['role.set', 'per_1'],
      ['budget.set', 'per_1'],
      ['link.begun', 'per_1'],
      ['link.undone', 'per_1'],
      ['channel.pause', 'telegram:main'],
      ['session.deleted', 'per_1'],
      ['session.imported', 'per_1'],
      ['dead.cleared', null],
      ['config.reloaded', null],
    ],
  );
  const text = JSON.stringify(written.map(({ seq: _seq, at: _at, hash: _hash, ...row }) => row));
  for (const hidden of [secret, 'ABCD-EFGH', '42']) assert.ok(!text.includes(hidden), hidden);
  assert.equal((await audit.verify()).ok, true);
});

test('a deed that failed is none, but for a configuration that was rejected', async (t) => {
  const no = new ClankerError('conflict', 'no', 'No.');
  const { gateway, rows } = await rig(t, Object.fromEntries(Object.keys(answers).map((name) => [name, no])));
  await everything(gateway);
  assert.deepEqual(
    (await rows()).map(({ action }) => action),
    ['config.rejected'],
  );
});

test('nobody hears of success before it is on record', async (t) => {
  const { gateway, failing } = await rig(t);
  failing.fail('appendAudit');
  await assert.rejects(gateway.setRole(operator, 'per_1', 'guest'), { code: 'storage_full' });
});

test('a reload that nobody asked for is the gateway’s own', async (t) => {
  const { audit, rows } = await rig(t);
  await recordedReload(() => Promise.resolve({ changed: [] }), audit, null);
  await assert.rejects(recordedReload(() => Promise.reject(new Error('bad')), audit, null));
  assert.deepEqual(
    (await rows()).map(({ action, actor }) => [action, actor.kind]),
    [
      ['config.reloaded', 'system'],
      ['config.rejected', 'system'],
    ],
  );
});
