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

const row = {
  id: 'appr_1',
  person: 'per_1',
  session: 'telegram:main:7',
  run: 'run_1',
  tool: 'message_send',
  args: { to: 'bоb', text: 'hi\nto: eve\u202e', list: [1] },
  digest: 'ab'.repeat(32),
  effects: ['send'],
  reason: 'The policy wants a person to approve it.',
  tainted: 'web page',
  state: 'open',
  createdAt: 0,
  expiresAt: Date.now() + 3_600_900,
  decidedBy: null,
  decidedAt: null,
};

test('approvals list shows what is open, and with --all what became of the rest', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/approvals?open=true&limit=50', 200, { approvals: [row], next_cursor: null });
  assert.equal((await run('approvals', 'list')).out, 'appr_1  abababab  message_send for per_1: open for 1h\n');
  const denied = { ...row, state: 'denied', decidedBy: 'owner' };
  gateway.json('GET /api/v1/approvals?limit=5', 200, { approvals: [denied], next_cursor: null });
  assert.match((await run('approvals', 'list', '--all', '--limit', '5')).out, /: denied by owner\n$/);
  gateway.json('GET /api/v1/approvals?open=true&limit=50', 200, { approvals: [], next_cursor: null });
  assert.equal((await run('approvals', 'list')).out, 'Nothing waits for an approval.\n');
});

test('a question is named by the number it was shown with, unless several have it', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/approvals?limit=200', 200, { approvals: [row], next_cursor: null });
  gateway.json('POST /api/v1/approvals/appr_1/deny', 202, { message_id: 'm', run_id: 'r', session: 's' });
  assert.match((await run('approvals', 'deny', 'abababab')).out, /said in s\.$/m);
  assert.match((await run('approvals', 'deny', '01234567')).err, /No single question has the number 01234567/);
  gateway.json('GET /api/v1/approvals?limit=200', 200, { approvals: [row, row], next_cursor: null });
  assert.equal((await run('approvals', 'deny', 'abababab')).code, 1);
});

test('approvals show shows all of the arguments, each as what it is', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/approvals/appr_1', 200, row);
  const { out } = await run('approvals', 'show', 'appr_1');
  assert.match(out, /^message_send \(send\) for per_1, asked in telegram:main:7: open for 1h\n/);
  assert.match(out, /web page\n {2}to: bо⟨U\+043E⟩b\n {2}text: hi\n {4}\| to: eve⟨U\+202E⟩\n {2}list: \[1\]\n/);
  assert.match(out, /SHA-256 abab/);
});

test('approvals approve and deny say where it goes on, and fail with the reason', async (t) => {
  const { gateway, run } = await rig(t);
  const ticket = { message_id: 'msg_1', run_id: 'run_2', session: 'telegram:main:7' };
  gateway.json('POST /api/v1/approvals/appr_1/approve', 202, ticket);
  assert.match((await run('approvals', 'approve', 'appr_1')).out, /is said in telegram:main:7\.\n$/);
  gateway.json('POST /api/v1/approvals/appr_1/deny', 409, { error: { code: 'already_answered', message: 'It was.' } });
  assert.deepEqual(await run('approvals', 'deny', 'appr_1'), { code: 1, out: '', err: 'open-clanker: It was.\n' });
  assert.equal((await run('approvals', 'approve')).code, 2);
});
