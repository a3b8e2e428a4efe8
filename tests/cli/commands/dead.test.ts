import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';

async function rig(t: TestContext) {
  const gateway = await ScriptedGateway.listen();
  const host = new FakeHost();
  t.after(async () => {
    host[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  });
  return { gateway, run: (...line: string[]) => host.run([...line, '--url', gateway.url]) };
}

const message = {
  id: 'msg_1',
  kind: 'inbox',
  channel: 'telegram:main',
  sessionKey: 'telegram:main:7',
  text: 'hello\nthere',
  reason: 'No model answered.',
  attempts: 5,
  at: 0,
};
const task = {
  ...message,
  id: 'task_1',
  kind: 'task',
  channel: '',
  sessionKey: '',
  text: 'Look at the page',
  reason: 'It cannot be reached.',
};

test('dead list tells what was not answered, not delivered and not done', async (t) => {
  const { gateway, run } = await rig(t);
  const dead = [message, { ...message, id: 'out_1', kind: 'outbox', reason: 'blocked' }, task];
  gateway.json('GET /api/v1/dead?limit=50', 200, { dead, next_cursor: null });
  assert.equal(
    (await run('dead', 'list')).out,
    'msg_1  not answered  telegram:main  No model answered.  "hello there"\n' +
      'out_1  not delivered  telegram:main  blocked  "hello there"\n' +
      'task_1  not done  It cannot be reached.  "Look at the page"\n',
  );
});

test('dead show says of a task what it has to say, and how to try it again', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/dead/task_1', 200, task);
  assert.equal(
    (await run('dead', 'show', 'task_1')).out,
    `task_1: a task that was not done
Since:   1970-01-01T00:00:00.000Z, after 5 attempts
Reason:  It cannot be reached.
Text:    Look at the page
To queue it again: open-clanker dead retry task_1
`,
  );
});
