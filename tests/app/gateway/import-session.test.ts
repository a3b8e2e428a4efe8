import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../../../src/adapters/system/index.ts';
import { importSession } from '../../../src/app/gateway/import-session.ts';
import { idMint } from '../../../src/core/ids.ts';
import type { Part } from '../../../src/core/message.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { freshStore } from '../../support/store.ts';

const ada: Principal = { kind: 'token', id: 'tok_1', person: 'per_ada', scope: 'manage', name: 'ada' };
const said = (parts: Part[], role = 'user') => ({ message: { id: 'msg_foreign', role, parts, author: 'Bo', time: 5 } });
const text = (of: string): Part => ({ type: 'text', text: of });

async function* lines(key: string, ...messages: unknown[]): AsyncGenerator {
  yield { session: { key, title: 'Plans' } };
  yield* messages;
}

test('an imported session is the importer’s own: key, owner, fresh ids, in the order of the file', async (t) => {
  const store = await freshStore(t);
  const deps = { store, clock: systemClock, mintId: idMint(systemClock, systemRandom) };
  const from = () => lines('telegram:main:42', said([text('one')]), said([text('two')], 'assistant'));
  const session = await importSession(ada, from(), undefined, deps);
  assert.equal(session.key, 'api:per_ada:telegram-main-42');
  assert.equal((await store.session(session.key, 'per_ada'))?.title, 'Plans');
  const { items } = await store.listMessages(session.key, { limit: 10 });
  assert.deepEqual(
    items.map(({ seq, role, parts, author, time }) => [seq, role, parts, author, time]),
    [
      [1, 'user', [text('one')], 'Bo', 5],
      [2, 'assistant', [text('two')], 'Bo', 5],
    ],
  );
  assert.ok(items.every(({ id }) => id !== 'msg_foreign'));
  await assert.rejects(importSession(ada, from(), undefined, deps), { code: 'session_exists' });
  assert.equal((await importSession(ada, from(), 'again', deps)).key, 'api:per_ada:again');
});

test('nobody imports into the session of somebody else, or takes their files along', async (t) => {
  const store = await freshStore(t);
  const deps = { store, clock: systemClock, mintId: idMint(systemClock, systemRandom) };
  const row = { owner: 'per_bo', mimeType: 'text/plain', size: 1, sha256: '', createdAt: 0 };
  await store.saveFile({ id: 'file_bo', ...row });
  await store.saveFile({ id: 'file_ada', ...row, owner: 'per_ada' });
  await assert.rejects(importSession(ada, lines('x'), 'api:per_bo:main', deps), { kind: 'not_found' });
  const file = (id: string): Part => ({ type: 'file', file: id, mimeType: 'text/plain', name: 'a.txt' });
  const { key } = await importSession(ada, lines('main', said([file('file_bo'), file('file_ada')])), undefined, deps);
  const { items } = await store.listMessages(key, { limit: 10 });
  assert.deepEqual(items[0]?.parts, [text('[attached file a.txt: it was not brought in]'), file('file_ada')]);
});

test('a file that is refused in the middle leaves no half of a session', async (t) => {
  const store = await freshStore(t);
  const deps = { store, clock: systemClock, mintId: idMint(systemClock, systemRandom) };
  await assert.rejects(importSession(ada, lines('main', said([text('one')]), { bad: true }), undefined, deps), {
    code: 'bad_import',
  });
  assert.equal(await store.session('api:per_ada:main', null), null);
});
