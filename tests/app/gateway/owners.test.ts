import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayOf, type GatewayDeps } from '../../../src/app/gateway/gateway.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { messagePath, principal, said } from '../../support/message-path.ts';
import { failing } from '../../support/scripted-provider.ts';

test("a token of one person neither sees nor touches the dead letters, the tokens and the story of another's message", async (t) => {
  const rig = await messagePath(t, [failing('auth')]);
  const receipts = await rig.ingress.sinkFor('scripted', 'main').commit([said('what only Ada knows')]);
  await rig.event('run.failed');
  const id = receipts?.[0]?.messageId ?? '';
  const known = await rig.directory.find({ channel: 'scripted', account: 'main', native: '7' });
  const list = () => [{ id: 'tok_ada', person: known?.person }];
  const gateway = gatewayOf({ ...rig, tokens: { list } } as unknown as GatewayDeps);
  const of = (person = ''): Principal => ({ ...principal, person, scope: 'manage' });
  const [ada, bob] = [of(known?.person), of('per_bob')];
  assert.equal((await gateway.dead(ada, { limit: 5 })).items[0]?.text, 'what only Ada knows');
  assert.equal((await gateway.dead(principal, { limit: 5 })).items.length, 1, 'an operator sees all');
  assert.deepEqual((await gateway.dead(bob, { limit: 5 })).items, []);
  await assert.rejects(gateway.deadLetter(bob, id), { code: 'not_found' });
  await assert.rejects(gateway.retryDead(bob, id), { code: 'not_found' });
  await assert.rejects(gateway.trace(bob, id), { code: 'not_found' });
  await assert.rejects(gateway.clearDead(bob, id), { code: 'not_found' });
  assert.equal(await gateway.clearDead(bob), 0);
  assert.deepEqual([(await gateway.tokens(ada)).length, (await gateway.tokens(bob)).length], [1, 0]);
});
