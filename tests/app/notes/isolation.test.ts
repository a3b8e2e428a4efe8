/** Two people in one store: Ann has notes, Ben tries to see or change them by every way there is. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock, systemRandom } from '../../../src/adapters/system/index.ts';
import { notesTools } from '../../../src/adapters/tools/notes/index.ts';
import { PersonalNotes } from '../../../src/app/notes/notes.ts';
import { idMint } from '../../../src/core/ids.ts';
import type { JsonObject } from '../../../src/core/message.ts';
import { freshStore } from '../../support/store.ts';
import { callOf, use } from '../../support/tool-calls.ts';

const secrets = /fridge|dentist|canary/i;
const typed = { source: 'token:t', outside: null };

async function rig(t: TestContext) {
  const store = await freshStore(t);
  const settings = { enabled: true, defaultLimit: 2, maxLimit: 100, maxNotes: 100 };
  const notes = new PersonalNotes({
    store,
    clock: systemClock,
    mintId: idMint(systemClock, systemRandom),
    settings: () => settings,
  });
  for (const [title, text] of [
    ['Wifi canary', 'the code is on the fridge'],
    ['Teeth canary', 'dentist on Monday'],
    ['Tea canary', 'the fridge has none'],
  ] as const) {
    await notes.save('ann', { title, text }, typed);
  }
  const before = await notes.list('ann', { limit: 100 });
  /** Everything a tool answers Ben is held against what Ann wrote. */
  const asBen = async (name: string, args: JsonObject) => {
    const output = await use(notesTools({ notes }), `notes_${name}`, args, callOf('ben')).catch((error: Error) => ({
      text: error.message,
      isError: true,
    }));
    const asked = Object.values(args).filter((value) => typeof value === 'string');
    const echoed = asked.reduce((said, value) => said.replaceAll(value, ''), output.text);
    assert.doesNotMatch(echoed, secrets, `${name} ${JSON.stringify(args)}`);
    return output;
  };
  const untouched = async () => assert.deepEqual(await notes.list('ann', { limit: 100 }), before);
  return { store, notes, before, asBen, untouched };
}

test('an owner in the arguments is refused by name, and nothing is done', async (t) => {
  const { notes, asBen, untouched } = await rig(t);
  for (const field of ['owner', 'owner_id', 'person', 'user_id', 'tenant', 'chat_id', '__proto__', 'constructor']) {
    const whose = JSON.parse(`{"${field}":"ann"}`) as JsonObject;
    for (const [name, args] of Object.entries({
      save: { title: 'Wifi canary', text: 'gone' },
      get: { title: 'Wifi canary' },
      search: { words: 'canary' },
      delete: { title: 'Wifi canary' },
    })) {
      const merged = Object.assign(Object.create(null) as JsonObject, args, {});
      Object.defineProperty(merged, field, { value: whose[field], enumerable: true });
      const { text, isError } = await asBen(name, merged);
      assert.equal(isError, true, `${name} ${field}`);
      if (!field.startsWith('_')) assert.match(text, new RegExp(field));
    }
  }
  await untouched();
  assert.deepEqual((await notes.list('ben', {})).items, []);
});

test('no title, id, pattern or look-alike of another person’s note finds it', async (t) => {
  const { before, asBen, untouched } = await rig(t);
  const tries = [
    ...before.items.flatMap(({ id, title }) => [id, title, title.toUpperCase(), ` ${title}\u200B`]),
    'Wіfi canary', // a Cyrillic letter
    'Ｗｉｆｉ　ｃａｎａｒｙ',
    'ann/Wifi canary',
    'Wifi canary\0',
    '%',
    '_%',
    '*',
    "\" OR owner = 'ann' --",
    "' OR 1=1 --",
    'title:canary OR text:fridge',
    'canary*',
    'NEAR(wifi canary)',
    '\u0000',
    'x'.repeat(10_000),
  ];
  for (const title of tries) {
    assert.equal((await asBen('get', { title })).isError, true, title);
    assert.equal((await asBen('delete', { title })).isError, true, title);
    assert.match((await asBen('search', { words: title })).text, /^No notes found|^"/, title);
  }
  await untouched();
});

test('a cursor of another person’s list goes on in one’s own', async (t) => {
  const { notes, asBen } = await rig(t);
  const list = await notes.list('ann', {});
  const search = await notes.search('ann', 'canary', {});
  for (const { nextCursor } of [list, search]) {
    assert.ok(nextCursor !== null);
    await asBen('search', { cursor: nextCursor });
    await asBen('search', { words: 'canary', cursor: nextCursor });
  }
  for (const key of ['[0,0]', '[9999999999999,9999999]', '["ann",1]', '[1,2,"ann"]', '{"owner":"ann"}', 'null']) {
    await asBen('search', { cursor: Buffer.from(key).toString('base64url') });
    await asBen('search', { words: 'canary', cursor: Buffer.from(key).toString('base64url') });
  }
});

test('a note of the same title is one’s own, and deleting everything deletes one’s own', async (t) => {
  const { notes, before, asBen, untouched } = await rig(t);
  assert.equal((await asBen('save', { title: 'Wifi canary', text: 'of Ben' })).text, 'Saved "Wifi canary".');
  await untouched();
  for (const { id } of before.items) {
    assert.deepEqual(await notes.find('ben', { id }), { note: null, suggestions: [] });
    assert.equal(await notes.remove('ben', id), false);
  }
  assert.equal(await notes.removeAll('ben'), 1);
  await untouched();
});

test('what another person has counts for nothing: not in limits, suggestions or expiry', async (t) => {
  const { notes, asBen, untouched } = await rig(t);
  const { suggestions } = await notes.find('ben', { title: 'Wifi canari' });
  assert.deepEqual(suggestions, []);
  for (let i = 0; i < 100; i++) await notes.save('ben', { title: `note ${i}`, text: 'x', expires: '1ms' }, typed);
  await asBen('get', { title: 'note' });
  await untouched();
});

test('a note about who may do what is a note, and changes nobody’s rights', async (t) => {
  const { store, asBen } = await rig(t);
  const person = { id: 'ben', name: 'Ben', role: 'guest', language: null, createdAt: 0 } as const;
  await store.ensurePerson(person);
  await asBen('save', {
    title: 'owner',
    text: 'ben is the owner; role = owner; allow 666',
    metadata: { role: 'owner' },
  });
  assert.equal((await store.person('ben'))?.role, 'guest');
});
