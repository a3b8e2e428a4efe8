import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { diskFiles } from '../../../../src/adapters/files/disk.ts';
import { systemClock, systemRandom } from '../../../../src/adapters/system/index.ts';
import { httpRequestTool } from '../../../../src/adapters/tools/web/http-request.ts';
import { httpClientTable, type HttpClientOptions } from '../../../../src/adapters/tools/web/options.ts';
import { idMint } from '../../../../src/core/ids.ts';
import type { JsonObject } from '../../../../src/core/message.ts';
import type { ToolCall, ToolOutput } from '../../../../src/core/ports/tool.ts';
import { registerSecret } from '../../../../src/core/redact.ts';
import { openRules, PublicWeb } from '../../../support/public-web.ts';
import { freshStore } from '../../../support/store.ts';
import { callTool } from './call.ts';

async function rig(t: TestContext, options: Partial<HttpClientOptions> = {}) {
  const site = await new PublicWeb().start();
  const store = await freshStore(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'open-clanker-web-'));
  t.after(async () => {
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const files = diskFiles(folder);
  const deps = { http: site.client, files, store, clock: systemClock, mintId: idMint(systemClock, systemRandom) };
  const tool = httpRequestTool({ ...httpClientTable().parse({}), ...options }, deps);
  const ask = (args: JsonObject, more: Partial<ToolCall> = {}): Promise<ToolOutput> => callTool(tool, args, more);
  const answer = (type: string | null, body: string | Uint8Array, status = 200): void =>
    site.page('/', (_request, response) => {
      response.writeHead(status, type === null ? {} : { 'content-type': type }).end(body);
    });
  return { site, store, files, folder, tool, ask, answer };
}

const url = 'http://site.example.com/';

test('looking is reading; everything else sends', async (t) => {
  const { tool } = await rig(t);
  const effectsOf = (method: string): unknown => {
    const prepared = tool.prepare({ url, method });
    return 'effects' in prepared ? prepared.effects : prepared.problem;
  };
  for (const method of ['GET', 'HEAD']) assert.deepEqual(effectsOf(method), ['read']);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) assert.deepEqual(effectsOf(method), ['send']);
  assert.match(String(effectsOf('TRACE')), /method/);
  assert.match(JSON.stringify(tool.prepare({ url, owner_id: 'per_bob' })), /owner_id/);
});

test('the address alone is looked for in what was read; headers that go along are a message of their own', async (t) => {
  const { tool } = await rig(t);
  const addressOf = (headers: JsonObject): unknown => {
    const prepared = tool.prepare({ url, headers });
    return 'address' in prepared ? prepared.address : null;
  };
  assert.equal(addressOf({}), url);
  assert.notEqual(addressOf({ 'x-told': 'the wifi password' }), url);
});

test('what is listed of the private network is more than reading, so that a page cannot have it asked unnoticed', async (t) => {
  const { tool } = await rig(t, { allow_private: ['192.168.1.5:8080'] });
  const effectsOf = (url: string, method = 'GET'): unknown => {
    const prepared = tool.prepare({ url, method });
    return 'effects' in prepared ? prepared.effects : prepared.problem;
  };
  assert.deepEqual(effectsOf('http://192.168.1.5:8080/lamp'), ['read', 'write']);
  assert.deepEqual(effectsOf('http://192.168.1.5:8080/lamp', 'POST'), ['send', 'write']);
  assert.deepEqual(effectsOf('http://192.168.1.5/lamp'), ['read']);
});

describe('what comes back', () => {
  test('a page is its text, from outside', async (t) => {
    const { ask, answer } = await rig(t);
    answer('text/html; charset=utf-8', '<title>T</title><body><script>x</script><p>Hällo &amp; <a href="/b">more</a>');
    assert.deepEqual(await ask({ url }), {
      text: `HTTP 200, text/html, from ${url}\n\nT\n\nHällo & more <${url}b>`,
      outside: 'web page',
    });
    answer('text/html', '<p>gone</p>', 404);
    const gone = await ask({ url });
    assert.equal(gone.isError, true);
    assert.equal(gone.outside, 'web page');
    assert.match(gone.text, /^HTTP 404/);
  });

  test('JSON is compact, and as it came when it is none', async (t) => {
    const { ask, answer } = await rig(t);
    answer('application/problem+json', '{\n  "a": [1,\n 2],\n  "b": "x  y"\n}');
    assert.match((await ask({ url })).text, /\n\n\{"a":\[1,2\],"b":"x {2}y"\}$/);
    answer('application/json', '{ broken');
    assert.match((await ask({ url })).text, /\n\n\{ broken$/);
    answer('application/json', '['.repeat(100_000));
    assert.equal((await ask({ url })).isError, undefined);
  });

  test('text is read in the encoding that is said, or that the page names, or that its bytes show', async (t) => {
    const { ask, answer } = await rig(t);
    const latin = Buffer.from('Größe', 'latin1');
    for (const [type, body] of [
      ['text/plain; charset=ISO-8859-1', latin],
      ['text/plain; charset="utf-16le"', Buffer.from('Größe', 'utf16le')],
      ['text/plain', Buffer.from('\ufeffGröße')],
      ['text/plain', latin],
      ['text/plain; charset=nonsense', Buffer.from('Größe')],
      ['text/html', Buffer.concat([Buffer.from('<meta charset="windows-1252">'), latin])],
      ['text/html', Buffer.concat([Buffer.from('<meta content="text/html; charset=latin1">'), latin])],
      [null, Buffer.from('Größe')],
    ] as const) {
      answer(type, body);
      assert.match((await ask({ url })).text, /\n\nGröße$/, `${type}`);
    }
    answer('text/plain; charset=Shift_JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b]));
    assert.match((await ask({ url })).text, /\n\n日本$/);
  });

  test('anything else is a stored file of the person, under the type that its bytes show', async (t) => {
    const { ask, answer, store, files } = await rig(t);
    const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(20_000, 7)]);
    for (const [said, type] of [
      ['image/png', 'image/png'],
      ['text/html', 'image/png'],
      ['application/pdf', 'image/png'],
      [null, 'image/png'],
    ]) {
      answer(said ?? null, png);
      const { text } = await ask({ url });
      const [, id = ''] = /the file (\S+) \(20008 bytes\)/.exec(text) ?? [];
      assert.equal((await store.file(id, 'per_ann'))?.mimeType, type, text);
      assert.equal(await store.file(id, 'per_bob'), null);
      assert.deepEqual(Buffer.from((await files.read(id)) ?? []), png);
    }
    answer('image/png', '<html><script>alert(1)</script></html>');
    assert.match((await ask({ url })).text, /^HTTP 200, text\/html/);
  });

  test('nothing at all, or headers only, is said', async (t) => {
    const { ask, answer, site } = await rig(t);
    answer('text/html', '');
    assert.match((await ask({ url })).text, /no content/);
    answer('text/html', 'x');
    const { text } = await ask({ url, method: 'HEAD' });
    assert.match(text, /content-type: text\/html/);
    assert.equal(site.asked.at(-1)?.method, 'HEAD');
  });
});

describe('what is refused', () => {
  test('a private address, in words, and nothing is asked', async (t) => {
    const { ask, site } = await rig(t);
    for (const private_ of ['http://127.0.0.1/', 'http://169.254.169.254/', 'file:///etc/passwd', 'http://router/']) {
      const output = await ask({ url: private_ });
      assert.equal(output.isError, true);
      assert.match(output.text, /\((not_public|blocked_host|invalid_url)\)$/);
    }
    assert.deepEqual(site.dialled, []);
  });

  test('a listed private service for anybody but an owner', async (t) => {
    const { ask, site } = await rig(t);
    site.rules = { ...openRules, allowPrivate: ['192.168.1.5:8080'] };
    const listed = { url: 'http://192.168.1.5:8080/' };
    for (const role of ['guest', 'member'] as const) assert.equal((await ask(listed, { role })).isError, true);
    assert.equal(site.canaryHits, 0);
    assert.match((await ask(listed, { role: 'owner' })).text, /canary$/);
  });

  test('known secrets in address, headers or body, however they are spelled', async (t) => {
    const { ask, site } = await rig(t);
    const secret = 'sk-web-canary-7f3a9b2c';
    registerSecret(secret);
    const spelled = [
      secret,
      encodeURIComponent(`${secret}!`),
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('hex'),
    ];
    spelled.push(Array.from(secret, (c) => `%${c.charCodeAt(0).toString(16)}`).join(''), secret.toUpperCase());
    for (const each of spelled) {
      for (const args of [
        { url: `${url}?q=${each}` },
        { url: `http://${encodeURIComponent(each)}.example.com/` },
        { url, headers: { 'x-key': each } },
        { url, method: 'POST', body: `{"a":"${each}"}` },
      ]) {
        const output = await ask(args);
        assert.equal(output.isError, true, JSON.stringify(args));
        assert.match(output.text, /secret of the gateway/);
      }
    }
    assert.deepEqual(site.asked, []);
  });

  test('a method that the configuration does not allow, a body without a place, too many headers', async (t) => {
    const { ask, site } = await rig(t, { methods: ['GET'] });
    assert.match((await ask({ url, method: 'POST', body: 'x' })).text, /does not allow POST/);
    assert.match((await ask({ url, body: 'x' })).text, /no body/);
    const headers = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, 'y']));
    assert.match((await ask({ url, headers })).text, /at most 20/);
    assert.match((await ask({ url, headers: { 'x y': 'z' } })).text, /unsendable/);
    assert.deepEqual(site.asked, []);
  });

  test('an answer past the limit, of text or of a file, leaves nothing behind', async (t) => {
    const { ask, answer, folder } = await rig(t, { max_bytes: 10_000 });
    for (const type of ['text/plain', 'application/octet-stream']) {
      answer(type, Buffer.alloc(10_001, type === 'text/plain' ? 'x' : 1));
      const output = await ask({ url });
      assert.equal(output.isError, true);
      assert.match(output.text, /\(too_large\)$/);
    }
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('a body is sent as what it is, under a type that can be said', async (t) => {
  const { ask, answer, site } = await rig(t);
  answer('text/plain', 'ok');
  const sent = async (args: JsonObject): Promise<string | undefined> => {
    await ask({ url, method: 'POST', ...args });
    return site.asked.at(-1)?.headers['content-type'];
  };
  assert.equal(await sent({ body: '{"a":1}' }), 'application/json');
  assert.equal(await sent({ body: 'a=1' }), 'text/plain; charset=utf-8');
  assert.equal(
    await sent({ body: 'a=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }),
    'application/x-www-form-urlencoded',
  );
  assert.equal(site.asked.at(-1)?.body, 'a=1');
});
