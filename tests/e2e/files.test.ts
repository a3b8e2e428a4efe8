/** The built daemon and a person's files: written, read on after a cut, kept from an upload, and out of others' reach. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { JsonObject } from '../../src/core/message.ts';
import { startDaemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { lastAsked, resultsSince, scriptedOpenAi, type Said, type WireRequest } from '../support/scripted-openai.ts';

/** Longer than a result that is shown whole, and than a question may be. */
const long = Array.from({ length: 5000 }, (_, n) => `entry ${n}`).join('\n');

/** Calls what the question holds as JSON, one after the other, and answers with what came of the last. */
function obedient(request: WireRequest): Said {
  const results = resultsSince(request);
  const last = results.at(-1) ?? '';
  const kept = /read_result reads it: "(file_\w+)"/.exec(results.join('\n'))?.[1] ?? '';
  const asked = lastAsked(request).split('\n')[0] ?? '';
  const calls = asked.startsWith('[') ? (JSON.parse(asked) as { name: string; args: JsonObject }[]) : [];
  const next = calls[results.length];
  if (next === undefined) return { text: last === '' ? 'Hello!' : last };
  const args = JSON.parse(
    JSON.stringify(next.args).replaceAll('KEPT', kept).replaceAll('"LONG"', JSON.stringify(long)),
  ) as JsonObject;
  return { text: '', calls: [{ name: next.name, args }] };
}

async function rig(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-files-'));
  const model = await scriptedOpenAi(t, obedient);
  const config = `[providers]\ndefault = "m"\n[providers.m]\nbase_url = "${model.baseUrl}"\nmodel = "m1"\n`;
  const daemon = await startDaemon({ dir, config });
  t.after(async () => {
    await daemon.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  const target = { url: daemon.url, token: daemon.token() };
  let sessions = 0;
  const does = async (...calls: { name: string; args: JsonObject }[]): Promise<string> => {
    const text = JSON.stringify(calls);
    const session = `s${sessions++}`;
    const { body } = await ask<{ reply: { text: string } }>(target, 'POST', '/api/v1/chat', { text, session });
    return body.reply.text;
  };
  return { dir, daemon, target, does, model };
}

test('what a model writes is a file, a long one is read on where it was cut, and no path leads out', async (t) => {
  const { dir, does } = await rig(t);
  const said = await does(
    { name: 'files_write', args: { path: 'notes/long.txt', text: 'LONG' } },
    { name: 'files_read', args: { path: 'notes/long.txt', limit: 5000 } },
    { name: 'read_result', args: { id: 'KEPT', find: 'entry 2500' } },
  );
  assert.match(said, /entry 2499\nentry 2500\nentry 2501/);
  const file = path.join(dir, 'data', 'people', 'owner', 'files', 'notes', 'long.txt');
  assert.equal(readFileSync(file, 'utf8'), long);
  const out = await does({ name: 'files_write', args: { path: '../../../token', text: 'mine' } });
  assert.match(out, /This path is refused: dots alone are no name/);
  assert.match(await does({ name: 'files_read', args: { path: '/etc/passwd' } }), /it is not relative/);
});

test('an upload is what its bytes show, is named to the model by its id, and can be kept as a file', async (t) => {
  const { dir, target, does, model } = await rig(t);
  const upload = async (
    type: string,
    body: string,
  ): Promise<{ status: number; body: { id: string; mime_type: string } }> => {
    const answer = await fetch(`${target.url}/api/v1/files`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${target.token}`, 'content-type': type },
    });
    return { status: answer.status, body: (await answer.json()) as { id: string; mime_type: string } };
  };
  assert.equal((await upload('image/png', '<html><script>')).status, 415);
  assert.equal((await upload('text/plain', '')).status, 400);
  const { body } = await upload('application/octet-stream', 'hello');
  assert.equal(body.mime_type, 'text/plain');
  await ask(target, 'POST', '/api/v1/chat', { text: 'look', attachments: [{ id: body.id }] });
  assert.match(JSON.stringify(model.requests.at(-1)?.messages), new RegExp(`attached file: text/plain, id ${body.id}`));
  assert.match(await does({ name: 'files_keep', args: { id: body.id, path: 'hello.txt' } }), /Saved as .*hello\.txt/);
  assert.ok(existsSync(path.join(dir, 'data', 'people', 'owner', 'files', 'hello.txt')));
  assert.match(await does({ name: 'files_read', args: { path: 'hello.txt' } }), /hello/);
});
