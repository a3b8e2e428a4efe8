/** Two people and one gateway: what a model is told to fetch of the other one's is not there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { DiskPersonFiles } from '../../src/adapters/files/person-files.ts';
import { chatMemoryTools } from '../../src/adapters/tools/chat-memory/index.ts';
import { filesTools } from '../../src/adapters/tools/files/index.ts';
import { notesTools } from '../../src/adapters/tools/notes/index.ts';
import { resultsTools } from '../../src/adapters/tools/results/index.ts';
import { PersonalNotes } from '../../src/app/notes/notes.ts';
import { answering, asking, calling, calls, from, inGroup } from '../support/asking.ts';
import { principal } from '../support/message-path.ts';
import { callOf, outcome } from '../support/tool-calls.ts';

const canary = 'belongs-to-ada-alone';
const fileId = 'file_ada';

/** Ada (7) has a note, a kept result and a conversation; Bob (8) is asked for by the scripts. */
async function twoPeople(t: TestContext, ...attack: Parameters<typeof calls>[]) {
  const scripts = [answering(`I keep that: ${canary}`), answering('Nothing.')];
  const rig = await asking(t, scripts);
  const settings = () => ({ enabled: true, defaultLimit: 20, maxLimit: 100, maxNotes: 100 });
  const notes = new PersonalNotes({ ...rig, settings });
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-people-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const own = new DiskPersonFiles(folder, () => ({ maxFile: 10_000, quota: 100_000 }));
  const filesGroup = filesTools({ readOnly: false }, { ...rig, files: own, storage: rig.files });
  const groups = [
    filesGroup,
    notesTools({ notes }),
    resultsTools({ storage: rig.files, store: rig.store }),
    chatMemoryTools({ store: rig.store }),
  ];
  rig.toolbox.configure([{ groups: () => groups }]);
  await rig.say(`remember ${canary}`);
  const ada = await rig.personOf('7');
  const wanted = attack.map(([name, args], n) =>
    calls(name, JSON.parse(JSON.stringify(args).replaceAll('ADA', ada)) as object, `call_${n}`),
  );
  rig.provider.scripts.splice(1, 0, calling(...wanted));
  const { note } = await notes.save(ada, { title: 'Tea', text: canary }, { source: 'test', outside: null });
  const bytes = async function* () {
    yield await Promise.resolve(new TextEncoder().encode(canary));
  };
  const { size, sha256 } = await rig.files.save(fileId, bytes(), 1000);
  await rig.store.saveFile({ id: fileId, owner: ada, mimeType: 'text/plain', size, sha256, createdAt: 0 });
  await outcome(filesGroup, 'files_write', { path: 'ada.txt', text: canary }, callOf(ada));
  return { ...rig, notes, note, ada };
}

const attacks: readonly [string, ...Parameters<typeof calls>[]][] = [
  ['a note by its title', ['notes_get', { title: 'Tea' }]],
  ['notes by a word', ['notes_search', { words: canary }], ['notes_search', { words: 'tea' }]],
  ['all notes', ['notes_search', {}]],
  ['notes of a named owner', ['notes_search', { owner_id: 'ADA' }], ['notes_get', { title: 'Tea', owner: 'ADA' }]],
  ['a search with operators', ['notes_search', { words: `" OR 1=1 --` }], ['notes_search', { words: '%' }]],
  ['a kept result by its id', ['read_result', { id: fileId }], ['read_result', { id: fileId, find: 'belongs' }]],
  ['a kept result by a path', ['read_result', { id: `../${fileId}` }], ['read_result', { id: `./${fileId}` }]],
  ['a file by its path', ['files_read', { path: 'ada.txt' }], ['files_find', { words: 'belongs' }]],
  [
    'a file by the way to it',
    ['files_read', { path: '../../ADA/files/ada.txt' }],
    ['files_read', { path: '/etc/passwd' }],
    ['files_read', { path: 'file_ada' }],
    ['files_attach', { path: '../../ADA/files/ada.txt' }],
  ],
  [
    'a kept file that is made one’s own',
    ['files_keep', { id: fileId, path: 'mine.txt' }],
    ['files_read', { path: 'mine.txt' }],
  ],
  ['the other conversation', ['chat_search', { words: canary }], ['chat_search', { words: 'belongs', session: 'ADA' }]],
];
async function resultsFor(rig: Awaited<ReturnType<typeof twoPeople>>, native: string) {
  const seen = rig.provider.hits;
  await rig.say('do fetch it', from(native));
  return rig.provider.requests
    .slice(seen)
    .flatMap(({ messages }) => messages.flatMap(({ parts }) => parts.filter(({ type }) => type === 'tool_result')))
    .map((part) => ({ text: 'text' in part ? part.text : '' }));
}

for (const [name, ...wanted] of attacks) {
  test(`somebody else's is not there: ${name}`, async (t) => {
    const rig = await twoPeople(t, ...wanted);
    const seen = rig.provider.hits;
    await rig.say('do fetch it', from('8'));
    const results = rig.provider.requests
      .slice(seen)
      .flatMap(({ messages }) => messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'tool_result')));
    assert.equal(results.length, wanted.length);
    for (const { text } of results) assert.ok(!text.includes(canary), text);
    assert.ok(!rig.shown('8').includes(canary));
  });
}

for (const wanted of [
  ['notes_get', { title: 'Tea' }],
  ['notes_search', { words: canary }],
  ['notes_search', {}],
  ['read_result', { id: fileId }],
  ['files_read', { path: 'ada.txt' }],
  ['chat_search', { words: canary }],
] as const) {
  test(`the attack would find it: ${wanted[0]} by whose it is`, async (t) => {
    const results = await resultsFor(await twoPeople(t, [...wanted]), '7');
    assert.match(results[0]?.text ?? '', /belongs-to-ada-alone/);
  });
}

test('somebody else’s note is not deleted, replaced or listed by guessing', async (t) => {
  const attack = [
    ['notes_delete', { title: 'Tea' }],
    ['notes_save', { title: 'Tea', text: 'mine' }],
  ] as const;
  const rig = await twoPeople(t, ...attack.map(([name, args]): Parameters<typeof calls> => [name, args]));
  await rig.say('do change it', from('8'));
  const { note } = await rig.notes.find(rig.ada, { title: 'Tea' });
  assert.equal(note?.text, canary);
});

test('in a group a call is made for who asked, not for whom the group belongs to', async (t) => {
  const rig = await twoPeople(t, ['notes_get', { title: 'Tea' }]);
  const seen = rig.provider.hits;
  await rig.say('do fetch it', inGroup('8'));
  assert.ok(!JSON.stringify(rig.provider.requests.slice(seen)).includes(canary));
});

test('a client of another person sees neither question, session nor file', async (t) => {
  const rig = await twoPeople(t);
  const bob = { ...principal, person: 'per_bob', scope: 'manage' } as const;
  await assert.rejects(rig.sessions.messages(bob, 'scripted:main:7', { limit: 10 }), { code: 'not_found' });
  assert.equal(await rig.store.file(fileId, bob.person), null);
  await assert.rejects(rig.chat.chat(bob, { text: 'hi', session: 'scripted:main:7' }), { code: 'not_found' });
});
