import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask, codeOf, type Answered } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor();
});
after(() => door.stop());

const call = (method: 'GET' | 'POST', path: string, token?: string, body?: string): Promise<Answered> =>
  ask(
    { host: '127.0.0.1', port: door.port },
    {
      method,
      path: `/api/v1/${path}`,
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    },
  );

test('the audit log, receipts and erasure need admin', async () => {
  const routes = [
    ['GET', 'audit'],
    ['GET', 'audit/verify'],
    ['GET', 'erasures'],
    ['POST', 'people/per_ada/erase'],
  ] as const;
  for (const [method, path] of routes) {
    assert.equal((await call(method, path)).status, 401, path);
    assert.equal((await call(method, path, tokens.manage)).status, 403, path);
    assert.equal((await call(method, path, tokens.admin)).status, 200, path);
  }
});

test('an export is lines, and nobody unknown has one', async () => {
  const found = await call('GET', 'people/per_ada/export', tokens.read);
  assert.equal(found.headers['content-type'], 'application/x-ndjson');
  assert.equal(found.text, '{"export":{"person":"per_ada"}}\n{"end":{}}\n');
  assert.equal((await call('GET', 'people/per_nobody/export', tokens.read)).status, 404);
});

test('a filter of the audit log that is none is refused', async () => {
  for (const query of ['since=yesterday', 'limit=0', 'action=', 'who=me']) {
    assert.equal((await call('GET', `audit?${query}`, tokens.admin)).status, 400, query);
  }
});

const head = '{"session":{"key":"api:owner:main"}}\n';
const message = '{"message":{"role":"user","parts":[{"type":"text","text":"hi"}],"author":null,"time":1}}\n';
const bring = (body: string): Promise<Answered> => call('POST', 'sessions/import', tokens.manage, body);

test('a session comes in line by line, also without a line end at the end', async () => {
  for (const body of [head + message, (head + message).trimEnd(), `${head}\n${message}\n`]) {
    const { status, json } = await bring(body);
    assert.deepEqual([status, json?.['messageCount']], [201, 1]);
  }
  assert.equal((await call('POST', 'sessions/import', tokens.send, head)).status, 403);
});

test('a file that is no export is refused with the line', async () => {
  for (const [body, code] of [
    ['', 'bad_import'],
    [message, 'bad_import'],
    [head + message.replace('user', 'system'), 'bad_import'],
    [`${head}not json\n`, 'bad_json'],
    [`${head}${'['.repeat(100)}\n`, 'too_deep'],
    [`${head}{"__proto__":{}}\n`, 'bad_json'],
  ] as const) {
    const answer = await bring(body);
    assert.equal(answer.status, 400, body.slice(0, 60));
    if (code === 'bad_import') assert.equal(codeOf(answer), code, body.slice(0, 60));
  }
  assert.equal((await bring(`${head}${'x'.repeat(4_500_000)}`)).status, 413);
});
