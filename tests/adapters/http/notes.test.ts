import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor();
});
after(() => door.stop());

const call = (method: string, path: string, token: string | undefined, body?: object) =>
  ask(
    { host: '127.0.0.1', port: door.port },
    {
      method,
      path: `/api/v1/notes${path}`,
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
  );
const save = (body: object, token: string = tokens.manage) => call('POST', '', token, body);

test('reading notes needs read, changing them manage', async () => {
  const note = { title: 'tea', text: 'green' };
  assert.equal((await call('GET', '', undefined)).status, 401);
  assert.equal((await call('GET', '', tokens.read)).status, 200);
  for (const token of [tokens.read, tokens.send]) {
    assert.equal((await save(note, token)).status, 403);
    assert.equal((await call('DELETE', '', token)).status, 403);
    assert.equal((await call('DELETE', '/note_0', token)).status, 403);
  }
  assert.equal((await save(note)).status, 201);
  assert.equal((await save(note)).status, 200, 'it was there');
});

test('a note is answered without its owner, and never to another person', async () => {
  const made = (await save({ title: 'milk', text: 'oat', metadata: { a: [1] } })).json ?? {};
  assert.deepEqual(Object.keys(made).sort(), [
    'createdAt',
    'expiresAt',
    'id',
    'metadata',
    'outside',
    'source',
    'text',
    'title',
    'updatedAt',
  ]);
  const id = String(made['id']);
  assert.equal((await call('GET', `/${id}`, tokens.read)).status, 200);
  assert.equal((await call('GET', `/${id}`, tokens.stranger)).status, 404);
  assert.equal((await call('DELETE', `/${id}`, tokens.stranger)).status, 404);
  assert.deepEqual((await call('DELETE', '', tokens.stranger)).json, { deleted: 0 });
  assert.deepEqual((await call('GET', '?title=milk', tokens.stranger)).json?.['notes'], []);
  assert.deepEqual((await call('GET', '?title=milk', tokens.read)).json?.['suggestions'], []);
});

test('what is wrong is refused by name', async () => {
  const bad: [object, RegExp][] = [
    [{ title: 'a', text: 'b', owner: 'per_x' }, /Unknown field "owner"/],
    [{ title: 'a', text: 'b', owner_id: 'per_x' }, /Unknown field "owner_id"/],
    [{ title: 'a' }, /"text" is required/],
    [{ title: '', text: 'b' }, /"title"/],
    [{ title: 'x'.repeat(201), text: 'b' }, /"title" may have at most 200/],
    [{ title: 'a', text: 'x'.repeat(16_385) }, /"text" may have at most 16384/],
    [{ title: 'a', text: 'b', metadata: [] }, /"metadata"/],
    [{ title: 'a', text: 'b', metadata: 'x' }, /"metadata"/],
    [{ title: 'a', text: 'b', expires: 'soon' }, /"expires" must be a duration/],
  ];
  for (const [body, reason] of bad) {
    const { status, text } = await save(body);
    assert.equal(status, 400, text);
    assert.match((JSON.parse(text) as { error: { message: string } }).error.message, reason);
  }
  for (const query of ['?limit=0', '?limit=201', '?limit=x', '?q=', '?owner=a', '?title=a&q=b', '?title=a&limit=1']) {
    assert.equal((await call('GET', query, tokens.read)).status, 400, query);
  }
});
