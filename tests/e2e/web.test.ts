/** The web tools in the daemon: a model that asks for whatever it is told to, and reads back what came of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { JsonObject } from '../../src/core/message.ts';
import { startDaemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { LoopbackServer } from '../support/loopback-server.ts';

const modelKey = 'key-of-the-model-in-the-web';

/** Calls the tool that the last words name, `tool {"its":"arguments"}`, and then says what it was told. */
async function parrot(t: TestContext): Promise<LoopbackServer> {
  const server = await new LoopbackServer(({ path: at, json, response }) => {
    if (at.at(-1) !== 'completions') return { status: 200, json: { data: [] } };
    const last = (json['messages'] as { role: string; content: string }[]).at(-1);
    const [, name, args] = /(http_request|web_search) (\{.*\})/.exec(last?.content ?? '') ?? [];
    const called = last?.role === 'user' && name !== undefined;
    const call = { index: 0, id: 'call_1', type: 'function', function: { name, arguments: args } };
    const delta = called ? { tool_calls: [call] } : { content: last?.content };
    const frames = [
      { choices: [{ index: 0, delta }] },
      { choices: [{ index: 0, delta: {}, finish_reason: called ? 'tool_calls' : 'stop' }] },
      { choices: [], usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 } },
    ];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(
      `${frames.map((frame) => `data: ${JSON.stringify({ id: 'x', ...frame })}\n\n`).join('')}data: [DONE]\n\n`,
    );
    return null;
  }).listen();
  t.after(() => server.close());
  return server;
}

test('pages and searches reach the model fenced; the private network is reached only where it is listed', async (t) => {
  const hits: string[] = [];
  const lan = async (): Promise<LoopbackServer> => {
    const server = await new LoopbackServer(({ path: at, request }) => {
      hits.push(String(request.headers.host));
      const results = [{ title: 'Found', url: 'https://example.com/', content: 'what was <b>sought</b>' }];
      if (at[0] === 'search') return { status: 200, json: { results } };
      const html = '<title>Lamp</title><script>x()</script><p>The lamp is <b>on</b>.</p>';
      return { status: 200, bytes: Buffer.from(html), headers: { 'content-type': 'text/html' } };
    }).listen();
    t.after(() => server.close());
    return server;
  };
  const [model, listed, other] = [await parrot(t), await lan(), await lan()];
  const dir = mkdtempSync(path.join(tmpdir(), 'open-clanker-web-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const daemon = await startDaemon({
    dir,
    config: `
[providers]
default = "m/m-1"
[providers.m]
api = "openai-chat"
base_url = "${model.url}/v1"
model = "m-1"
api_key = "${modelKey}"
[tools.http_client]
allow_private = ["${new URL(listed.url).host}"]
ports = [${new URL(other.url).port}]
[tools.web_search]
provider = "searxng"
base_url = "${listed.url}"
`,
  });
  t.after(() => daemon.stop());
  const target = { url: daemon.url, token: daemon.token() };
  let sessions = 0;
  const call = async (tool: string, args: JsonObject): Promise<string> => {
    const text = `On the web: ${tool} ${JSON.stringify(args)}`;
    const session = `s${sessions++}`;
    const { body, status } = await ask<{ reply?: { text: string } }>(target, 'POST', '/api/v1/chat', { text, session });
    assert.equal(status, 200, JSON.stringify(body));
    return body.reply?.text ?? '';
  };

  const page = await call('http_request', { url: listed.url });
  assert.match(page, /^\[outside text [0-9a-f]+ from web page: /);
  assert.match(page, /Lamp\n\nThe lamp is on\.\n\[end /);
  const search = await call('web_search', { query: 'something' });
  assert.match(search, /^\[outside text [0-9a-f]+ from web search: /);
  assert.match(search, /1\. Found\nhttps:\/\/example\.com\/\nwhat was sought\n/);
  assert.equal(hits.length, 2);

  const { port } = new URL(other.url);
  for (const url of [other.url, `http://localhost:${port}/`, `http://2130706433:${port}/`, `http://[::1]:${port}/`])
    assert.match(await call('http_request', { url }), /\((not_public|blocked_host|invalid_url)\)$/, url);
  assert.match(await call('http_request', { url: `${listed.url}/?k=${modelKey}` }), /secret/);
  assert.equal(hits.length, 2);
});
