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

const note = { id: 'note_1', title: 'Tea', text: 'green\nor \u001B[2Jblack', updatedAt: 0, expiresAt: null };
const found = { notes: [note], next_cursor: null };
const none = { notes: [], next_cursor: null };

test('notes are listed and searched, one a line, and nothing in them acts on the terminal', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/notes', 200, { ...found, next_cursor: 'c' });
  assert.equal(
    (await run('notes', 'list')).out,
    '1970-01-01  Tea  green or black\nThere are more; --limit shows them, at most 100.\n',
  );
  gateway.json('GET /api/v1/notes?q=a+%26+b&limit=5', 200, found);
  assert.equal((await run('notes', 'search', 'a & b', '--limit', '5')).out, '1970-01-01  Tea  green or black\n');
  gateway.json('GET /api/v1/notes', 200, none);
  assert.equal((await run('notes', 'list')).out, 'There are no notes.\n');
  gateway.json('GET /api/v1/notes?q=x', 200, none);
  assert.equal((await run('notes', 'search', 'x')).out, 'No note has these words.\n');
});

test('a note is read and deleted by its title; a title that is not there is answered with those like it', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/notes?title=tea', 200, { ...found, suggestions: [] });
  assert.equal((await run('notes', 'get', 'tea')).out, 'green\nor black\n');
  gateway.json('DELETE /api/v1/notes/note_1', 200, { ok: true });
  assert.equal((await run('notes', 'delete', 'tea')).out, '"Tea" is deleted.\n');
  gateway.json('GET /api/v1/notes?title=te', 200, { ...none, suggestions: ['Tea'] });
  const missing = { code: 1, out: '', err: 'open-clanker: There is no such note. Did you mean "Tea"?\n' };
  assert.deepEqual(await run('notes', 'get', 'te'), missing);
  assert.deepEqual(await run('notes', 'delete', 'te'), missing);
});

test('all notes are deleted only when that is said, and a note needs a text', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('DELETE /api/v1/notes', 200, { deleted: 3 });
  assert.equal((await run('notes', 'delete', '--all')).out, 'Deleted 3.\n');
  for (const line of [
    ['notes', 'delete'],
    ['notes', 'delete', 'tea', '--all'],
    ['notes', 'set', 'tea'],
    ['notes', 'get'],
  ]) {
    assert.equal((await run(...line)).code, 2, line.join(' '));
  }
});

test('a note is set with its text and its end', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('POST /api/v1/notes', 201, { ...note, expiresAt: 60_000 });
  const { out } = await run('notes', 'set', 'Tea', '-m', 'green', '--expires', '30d');
  assert.equal(out, '"Tea" is kept until 1970-01-01 00:01.\n');
  await run('notes', 'set', 'Tea', '-m', 'green', '--expires', 'never');
  assert.deepEqual(
    gateway.asked.map(({ body }) => JSON.parse(body) as unknown),
    [
      { title: 'Tea', text: 'green', expires: '30d' },
      { title: 'Tea', text: 'green', expires: null },
    ],
  );
});
