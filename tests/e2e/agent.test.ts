/** The built daemon with its tools: what a greeting costs, what a death in the middle of a call leaves, what is kept. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { estimateTokens } from '../../src/core/estimate.ts';
import type { CrashStep } from '../../src/app/lifecycle/crash-points.ts';
import { startDaemon, type Daemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { lastAsked, resultsSince, scriptedOpenAi, type Said, type WireRequest } from '../support/scripted-openai.ts';

async function rig(t: TestContext, answer: (request: WireRequest) => Said, more = '') {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-agent-'));
  const model = await scriptedOpenAi(t, answer);
  const config = `
[providers]
default = "m"
[providers.m]
base_url = "${model.baseUrl}"
model = "m1"
${more}`;
  const daemons: Daemon[] = [];
  t.after(async () => {
    for (const daemon of daemons) await daemon.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  const start = async (env: Record<string, string> = {}): Promise<Daemon> => {
    const daemon = await startDaemon({ dir, config, env });
    daemons.push(daemon);
    return daemon;
  };
  return { dir, model, start };
}

const at = (daemon: Daemon): { url: string; token: string } => ({ url: daemon.url, token: daemon.token() });

const maxHelloTokens = 700;

test(`with everything enabled a greeting costs at most ${maxHelloTokens} tokens`, async (t) => {
  const mcp = path.resolve(import.meta.dirname, '../../examples/mcp-server/server.mjs');
  const servers = ['one', 'two', 'three'].map((name) => `[mcp.servers.${name}]\ncommand = "node"\nargs = ["${mcp}"]\n`);
  const { dir, model, start } = await rig(
    t,
    () => ({ text: 'Hello!' }),
    `
[tools.exec]
enabled = true
[tools.web_search]
provider = "searxng"
base_url = "http://127.0.0.1:9"
[agents.brief]
system_prompt = "Be brief."
[agents.support]
system_prompt = "Help."
${servers.join('')}`,
  );
  for (let n = 0; n < 30; n++) {
    const folder = path.join(dir, 'data', 'skills', `skill-${n}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      path.join(folder, 'SKILL.md'),
      `---\nname: skill-${n}\ndescription: Does the ${n}th thing.\n---\nDo it.\n`,
    );
  }
  const daemon = await start();
  // Until the servers are there, a greeting would be cheaper than it is.
  let groups = '';
  while (!/mcp_one[\s\S]*mcp_three[\s\S]*skills/.test(groups)) {
    await ask(at(daemon), 'POST', '/api/v1/chat', { text: 'hello', session: `s${model.bodies.length}` });
    groups = model.requests.at(-1)?.tools?.[0]?.function.description ?? '';
  }
  const request = model.requests.at(-1);
  assert.match(groups, /agents.*notes.*skills.*web/s);
  const tokens = estimateTokens(JSON.stringify({ messages: request?.messages, tools: request?.tools }));
  assert.ok(tokens <= maxHelloTokens, `it costs ${tokens} tokens: ${groups}`);
  t.diagnostic(`hello with everything enabled: ${tokens} tokens`);
});

/** Saves a note, then says what it heard. */
const saving = (request: WireRequest): Said => {
  const results = resultsSince(request);
  if (!lastAsked(request).includes('note')) return { text: 'Hello!' };
  if (results.length > 0) return { text: `I heard: ${results.join(' | ')}` };
  return { text: 'I save it.', calls: [{ name: 'notes_save', args: { title: 'milk', text: 'two litres' } }] };
};

/** What the model must hear after the restart, by where the process died. */
const heard: Partial<Record<CrashStep, RegExp>> = {
  after_model: /saved|milk/i,
  tool_started: /outcome is unknown|saved|replaced/i,
  tool_done: /outcome is unknown|saved|replaced/i,
  after_step: /saved|milk/i,
  before_finish: /saved|milk/i,
};

for (const [step, expected] of Object.entries(heard))
  test(`killed at ${step}, a run with a call ends after the restart: the note is there once, and the model knows what it may`, async (t) => {
    const { start } = await rig(t, saving);
    const doomed = await start({ OPEN_CLANKER_CRASH_AT: step });
    const body = { text: 'note the milk', session: 's', idempotency_key: 'k' };
    await ask(at(doomed), 'POST', '/api/v1/chat', body).catch(() => undefined);
    await doomed.exit;
    const daemon = await start();
    const answer = await ask<{ reply: { text: string } }>(at(daemon), 'POST', '/api/v1/chat', body);
    assert.match(answer.body.reply.text, expected);
    const { notes } = (await ask<{ notes: { title: string }[] }>(at(daemon), 'GET', '/api/v1/notes')).body;
    const unknown = answer.body.reply.text.includes('unknown');
    assert.ok(notes.length === 1 || (unknown && notes.length === 0), JSON.stringify(notes));
    const { messages } = (await ask<{ messages: { role: string }[] }>(at(daemon), 'GET', '/api/v1/sessions/s/messages'))
      .body;
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user', 'assistant', 'tool', 'assistant'],
    );
  });

test('a run that was recorded is played again by the command line, offline and the same', async (t) => {
  const { start } = await rig(t, saving, '[agent]\nrecord = true\n');
  const daemon = await start();
  const { body } = await ask<{ run_id: string }>(at(daemon), 'POST', '/api/v1/chat', { text: 'note the milk' });
  const again = await ask<{ same: boolean; offline: boolean; diverged: number | null }>(
    at(daemon),
    'POST',
    `/api/v1/runs/${body.run_id}/replay`,
    {},
  );
  assert.deepEqual([again.body.offline, again.body.same, again.body.diverged], [true, true, null]);
});
