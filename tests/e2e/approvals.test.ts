/** The built daemon asks a person: the question outlives the process, and its answer is carried through a death. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import type { CrashStep } from '../../src/app/lifecycle/crash-points.ts';
import type { ApprovalInfo } from '../../src/core/ports/approval-gateway.ts';
import { startDaemon, type Daemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { lastAsked, scriptedOpenAi, type Said, type WireRequest } from '../support/scripted-openai.ts';

/** Wants to save a note, and says what it heard of that. */
const saving = (request: WireRequest): Said => {
  const heard = lastAsked(request);
  if (heard.includes('approved the call')) return { text: `I heard: ${heard}` };
  return { calls: [{ name: 'notes_save', args: { title: 'milk', text: 'two litres' } }] };
};

async function rig(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-approvals-'));
  const model = await scriptedOpenAi(t, saving);
  const config = `
[providers]
default = "m"
[providers.m]
base_url = "${model.baseUrl}"
model = "m1"
[tools.policy]
write = "ask"
`;
  const daemons: Daemon[] = [];
  t.after(async () => {
    for (const daemon of daemons) await daemon.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  return async (env: Record<string, string> = {}) => {
    const daemon = await startDaemon({ dir, config, env });
    daemons.push(daemon);
    const target = { url: daemon.url, token: daemon.token() };
    const get = async <T>(route: string): Promise<T> => (await ask<T>(target, 'GET', route)).body;
    return { daemon, target, get };
  };
}

type Gateway = Awaited<ReturnType<Awaited<ReturnType<typeof rig>>>>;

async function asked({ target, get }: Gateway): Promise<ApprovalInfo> {
  const answer = await ask<{ finish_reason: string; reply: { text: string } }>(target, 'POST', '/api/v1/chat', {
    text: 'note the milk',
  });
  assert.equal(answer.body.finish_reason, 'approval');
  assert.match(answer.body.reply.text, /May I\?.*notes_save/);
  const [question] = (await get<{ approvals: ApprovalInfo[] }>('/api/v1/approvals?open=true')).approvals;
  assert.ok(question !== undefined);
  return question;
}

const titles = async ({ get }: Gateway): Promise<string[]> =>
  (await get<{ notes: { title: string }[] }>('/api/v1/notes')).notes.map(({ title }) => title);

/** The last words of the session, once they are about the approved call. */
async function said({ get }: Gateway): Promise<string> {
  for (;;) {
    const { messages } = await get<{ messages: { text: string }[] }>('/api/v1/sessions/main/messages');
    const last = messages.at(-1)?.text ?? '';
    if (last.startsWith('I heard')) return last;
    await sleep(20);
  }
}

test('a question survives a death of the process, and is answered by the API', async (t) => {
  const start = await rig(t);
  const before = await start();
  const { id } = await asked(before);
  await before.daemon.kill();
  const after = await start();
  assert.deepEqual(await titles(after), []);
  const answer = await ask(after.target, 'POST', `/api/v1/approvals/${id}/approve`, {});
  assert.equal(answer.status, 202);
  assert.match(await said(after), /owner approved the call of notes_save/);
  assert.deepEqual(await titles(after), ['milk']);
  const again = await ask<{ error: { code: string } }>(after.target, 'POST', `/api/v1/approvals/${id}/deny`, {});
  assert.deepEqual([again.status, again.body.error.code], [409, 'already_answered']);
  const { audit } = await after.get<{ audit: { action: string; subject: string }[] }>('/api/v1/audit');
  assert.ok(audit.some(({ action, subject }) => action === 'approval.decided' && subject === id));
});

test('a no is answered, at once and in the session that asked', async (t) => {
  const gateway = await (await rig(t))();
  const { target, get } = gateway;
  await asked(gateway);
  const { body } = await ask<{ reply: { text: string }; message_id: string }>(target, 'POST', '/api/v1/chat', {
    text: 'no',
  });
  assert.match(body.reply.text, /I do not use `notes_save`/);
  const { messages } = await get<{ messages: { text: string }[] }>('/api/v1/sessions/main/messages');
  assert.equal(messages.at(-1)?.text, body.reply.text);
  const trace = await get<{ calls: object[] }>(`/api/v1/messages/${body.message_id}/trace`);
  assert.partialDeepStrictEqual(trace.calls, [{ tool: 'notes_save', outcome: 'denied' }]);
  assert.deepEqual(await titles(gateway), []);
});

for (const step of ['tool_started', 'tool_done', 'before_finish'] as const satisfies readonly CrashStep[])
  test(`killed at ${step}, an approved call is made once and its run ends after the restart`, async (t) => {
    const start = await rig(t);
    const before = await start();
    const { id } = await asked(before);
    await before.daemon.kill();
    const doomed = await start({ OPEN_CLANKER_CRASH_AT: step });
    await ask(doomed.target, 'POST', `/api/v1/approvals/${id}/approve`, {}).catch(() => undefined);
    await doomed.daemon.exit;
    const after = await start();
    assert.match(await said(after), /approved the call of notes_save/);
    assert.deepEqual(await titles(after), ['milk']);
  });
