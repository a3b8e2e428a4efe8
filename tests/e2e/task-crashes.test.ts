/** The daemon dies at each step of a task that asks the agent and posts the answer: it is asked once, and posted once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { CrashStep } from '../../src/app/lifecycle/crash-points.ts';
import { freePort, startDaemon, type Daemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { scriptedOpenAi } from '../support/scripted-openai.ts';

interface Task {
  id: string;
  state: string;
}

/** How often the model was asked when the answer was lost with the process, and when it was not. */
const steps: readonly [CrashStep, asked: number][] = [
  ['after_insert', 1],
  ['after_model', 2],
  ['after_finish', 1],
  ['before_task_end', 1],
  ['after_task_end', 1],
];

async function receiver(t: TestContext): Promise<{ url: string; posted: Map<string, string> }> {
  const posted = new Map<string, string>();
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      posted.set(String(request.headers['webhook-id']), body);
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, posted };
}

const done = async (daemon: Daemon): Promise<Task[]> => {
  for (;;) {
    const { body } = await ask<{ tasks: Task[] }>({ url: daemon.url, token: daemon.token() }, 'GET', '/api/v1/tasks');
    if (body.tasks.length === 2 && body.tasks.every(({ state }) => state === 'completed')) return body.tasks;
    assert.ok(!body.tasks.some(({ state }) => state === 'failed'), JSON.stringify(body.tasks));
    await pause(20);
  }
};

for (const [step, asked] of steps) {
  test(`killed at ${step}: one message, one answer, one post`, { timeout: 120_000 }, async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-tasks-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const model = await scriptedOpenAi(t, (_, n) => ({ text: `answer ${n}` }));
    const { url, posted } = await receiver(t);
    const config = `
[providers]
default = "m"
[providers.m]
base_url = "${model.baseUrl}"
api_key = "key-of-the-task-test"
model = "m1"
[webhooks.out.ops]
url = "${url}"
secret = "whsec_${Buffer.alloc(32, 5).toString('base64')}"
`;
    const port = await freePort();
    const dying = await startDaemon({ dir, port, config, env: { OPEN_CLANKER_CRASH_AT: step } });
    const target = { url: dying.url, token: dying.token() };
    const payload = { kind: 'ask', prompt: 'What is new?' };
    // It may die before it answers.
    await ask(target, 'POST', '/api/v1/tasks', { payload, deliver: 'webhook:ops' }).catch(() => undefined);
    assert.equal((await dying.exit).signal, 'SIGKILL');
    const daemon = await startDaemon({ dir, port, config });
    t.after(() => daemon.kill());
    await done(daemon);
    assert.equal(model.requests.length, asked);
    assert.deepEqual(
      [...posted.values()].map((body) => (JSON.parse(body) as { text: string }).text),
      [`answer ${asked}`],
    );
    const said = model.requests.at(-1)?.messages.filter(({ role }) => role === 'user') ?? [];
    assert.equal(said.length, 1);
  });
}
