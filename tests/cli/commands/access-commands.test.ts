import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';

// What is left of a time is shown in seconds: the clock stands still.
mock.timers.enable({ apis: ['Date'], now: Date.now() });

async function rig(t: TestContext) {
  const gateway = await ScriptedGateway.listen();
  const host = new FakeHost();
  t.after(async () => {
    host[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  });
  return { gateway, run: (...line: string[]) => host.run([...line, '--url', gateway.url]) };
}

const decided = { outcome: 'approved', repeated: false, person: 'per_1', who: 'Ada (id 42 on telegram:main)' };

test('pairing list shows who waits and who was let in, and nothing can act on the terminal', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/pairing', 200, {
    requests: [
      {
        id: 'pair_1',
        channel: 'telegram:main',
        sender: '42',
        display: 'Ada\u001B[2J',
        createdAt: 0,
        expiresAt: Date.now() + 60_500,
      },
    ],
    admitted: [
      {
        id: 'pair_0',
        channel: 'slack:main',
        sender: 'U1',
        display: 'Bo',
        person: 'per_2',
        role: 'guest',
        by: 'owner',
        at: 0,
      },
    ],
  });
  const { code, out } = await run('pairing', 'list');
  assert.equal(code, 0);
  assert.match(out, /^Waiting; ask them[^\n]*\n {2}Ada \(42\) on telegram:main, for 1m more\. pair_1\n/);
  assert.match(out, /Let in:\n {2}Bo \(U1\) on slack:main: per_2, guest; by owner, 1970-01-01\. pair_0\n$/);
  gateway.json('GET /api/v1/pairing', 200, { requests: [], admitted: [] });
  assert.equal((await run('pairing', 'list')).out, 'Nobody waits to be let in.\n');
});

test('pairing approve and reject say who, and fail with the reason', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('POST /api/v1/pairing/approve', 200, decided);
  assert.deepEqual(await run('pairing', 'approve', 'abcd-efgh', '--role', 'guest'), {
    code: 0,
    out: 'Ada (id 42 on telegram:main) is let in, person per_1.\n',
    err: '',
  });
  assert.deepEqual(JSON.parse(gateway.asked[0]?.body ?? ''), { code: 'abcd-efgh', role: 'guest' });
  gateway.json('POST /api/v1/pairing/reject', 200, { ...decided, outcome: 'rejected', person: null, repeated: true });
  assert.match((await run('pairing', 'reject', 'pair_1')).out, /was turned away before/);
  gateway.json('POST /api/v1/pairing/approve', 404, { error: { code: 'unknown_code', message: 'Nobody has it.' } });
  assert.deepEqual(await run('pairing', 'approve', 'WRONGONE'), {
    code: 1,
    out: '',
    err: 'open-clanker: Nobody has it.\n',
  });
  for (const line of [['pairing', 'approve'], ['pairing', 'approve', 'X', '--role', 'owner'], ['pairing']]) {
    assert.equal((await run(...line)).code, 2, line.join(' '));
  }
});

test('people are listed, shown, given roles, and codes that make an identity theirs', async (t) => {
  const { gateway, run } = await rig(t);
  const ada = { id: 'per_1', name: 'Ada', role: 'member', language: null, createdAt: 0 };
  gateway.json('GET /api/v1/people?limit=50', 200, { people: [ada], next_cursor: null });
  assert.equal((await run('people', 'list')).out, 'per_1  member  Ada\n');
  const identities = [{ channel: 'telegram:main', sender: '42', display: 'Ada', admitted: true }];
  gateway.json('GET /api/v1/people/per_1', 200, { ...ada, identities });
  assert.match(
    (await run('people', 'show', 'per_1')).out,
    /Ada \(42\) on telegram:main, let in by approval or code\n$/,
  );
  gateway.json('POST /api/v1/people/per_1/role', 200, { ...ada, role: 'guest' });
  assert.equal((await run('people', 'role', 'per_1', 'guest')).out, 'Ada (per_1) is guest now.\n');
  assert.equal((await run('people', 'role', 'per_1', 'king')).code, 2);
  gateway.json('POST /api/v1/people/owner/link', 201, { code: 'ABCD-EFGH', expiresAt: 0 });
  assert.match((await run('people', 'link', 'owner')).out, /: \/pair ABCD-EFGH\n$/);
  gateway.json('POST /api/v1/people/per_1/unlink', 200, { ...ada, id: 'per_2', role: 'guest' });
  const undone = await run('people', 'unlink', 'per_1', 'telegram:main', '42');
  assert.equal(undone.out, '42 on telegram:main is per_2 now, a guest.\n');
  assert.deepEqual(JSON.parse(gateway.asked.at(-1)?.body ?? ''), { channel: 'telegram:main', sender: '42' });
});
