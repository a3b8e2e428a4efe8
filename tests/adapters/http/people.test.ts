import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor();
});
after(() => door.stop());

const post = (path: string, token: string | undefined, body: object) =>
  ask(
    { host: '127.0.0.1', port: door.port },
    { method: 'POST', path: `/api/v1/${path}`, body: JSON.stringify(body), ...(token === undefined ? {} : { token }) },
  );

test('letting people in needs manage; roles and codes for others need admin', async () => {
  const code = { code: 'ABCD-EFGH' };
  const needs = { 'pairing/approve': 'manage', 'pairing/reject': 'manage', 'people/per_ada/role': 'admin' } as const;
  const bodies = { 'pairing/approve': code, 'pairing/reject': code, 'people/per_ada/role': { role: 'guest' } } as const;
  const order = ['read', 'send', 'manage', 'admin'] as const;
  for (const [path, needed] of Object.entries(needs)) {
    const body = bodies[path as keyof typeof bodies];
    assert.equal((await post(path, undefined, body)).status, 401, path);
    for (const scope of order) {
      const { status } = await post(path, tokens[scope], body);
      assert.equal(status, order.indexOf(scope) < order.indexOf(needed) ? 403 : 200, `${path} with ${scope}`);
    }
  }
  assert.equal((await post('people/per_ada/link', tokens.manage, {})).status, 403);
  assert.equal((await post('people/per_ada/link', tokens.admin, {})).status, 201);
  const identity = { channel: 'telegram:main', sender: '42' };
  assert.equal((await post('people/per_ada/unlink', tokens.manage, identity)).status, 403);
  assert.equal((await post('people/per_ada/unlink', tokens.admin, identity)).status, 200);
});

test('nobody becomes an owner by an approval, and unknown codes, persons and fields are said to be so', async () => {
  const approve = (body: object) => post('pairing/approve', tokens.manage, body);
  assert.equal((await approve({ code: 'ABCD-EFGH', role: 'owner' })).status, 400);
  assert.equal((await approve({ code: 'ABCD-EFGH', person: 'owner' })).status, 400);
  assert.equal((await approve({ code: '' })).status, 400);
  assert.equal((await approve({ code: 'x'.repeat(129) })).status, 400);
  const wrong = await approve({ code: 'WRONGONE' });
  assert.deepEqual(
    [wrong.status, (wrong.json?.['error'] as { code: string } | undefined)?.code],
    [404, 'unknown_code'],
  );
  assert.equal((await post('people/per_nobody/role', tokens.admin, { role: 'guest' })).status, 404);
  assert.equal((await post('people/per_ada/role', tokens.admin, { role: 'king' })).status, 400);
});
