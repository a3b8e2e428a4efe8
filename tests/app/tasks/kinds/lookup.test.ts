import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import * as z from 'zod/mini';
import { DiskPersonFiles } from '../../../../src/adapters/files/person-files.ts';
import { bestFiles } from '../../../../src/adapters/tools/files/read.ts';
import { PersonalNotes } from '../../../../src/app/notes/notes.ts';
import { lookupKind } from '../../../../src/app/tasks/kinds/lookup.ts';
import { defineTool } from '../../../../src/core/define-tool.ts';
import { ownerPerson } from '../../../../src/core/principal.ts';
import { defaultPolicy } from '../../../support/asking.ts';
import { inChat, jobs } from '../../../support/jobs.ts';

async function open(t: TestContext) {
  const policy = structuredClone(defaultPolicy);
  const looking = ['notes_search', 'files_find'].map((name) =>
    defineTool({
      name,
      description: name,
      effects: ['read'],
      input: () => z.strictObject({ words: z.string() }),
      run: () => Promise.resolve({ text: '' }),
    }),
  );
  const rig = await jobs(t, [], {
    toolPolicy: policy,
    groups: [{ name: 'look', about: 'look', keywords: [], tools: looking }],
  });
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-lookup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = new DiskPersonFiles(folder, () => ({ maxFile: 1_000_000, quota: 10_000_000 }));
  const settings = { enabled: true, defaultLimit: 10, maxLimit: 50, maxNotes: 100 };
  const notes = new PersonalNotes({ ...rig, settings: () => settings });
  const kind = lookupKind({ notes, tools: rig.tools, findFiles: (...asked) => bestFiles(files, ...asked) });
  const note = (title: string, text: string, outside: string | null = null): Promise<unknown> =>
    notes.save(ownerPerson, { title, text }, { source: 'test', outside });
  const file = (name: string, text: string, person = ownerPerson): Promise<unknown> =>
    files.write(person, name, Buffer.from(text), { own: true, mode: 'create' });
  return { ...rig, kind, note, file, settings, policyOf: policy };
}

const lookup = { kind: 'lookup', query: 'harbour fees' } as const;

test('the best of notes and files come in turn, within the limit, and look like what they are', async (t) => {
  const rig = await open(t);
  await rig.note('Harbour fees', 'They are **due** in May.');
  await rig.note('Boats', 'The harbour wants fees.');
  await rig.file('letters/harbour fees.md', 'x');
  await rig.file('log.txt', 'one\nharbour fees: 30\nthree');
  const { text, outside } = await rig.carryOut(rig.kind, lookup);
  assert.deepEqual(text.split('\n'), [
    '- **Harbour fees**: They are \\*\\*due\\*\\* in May.',
    '- 📄 letters/harbour fees.md',
    '- **Boats**: The harbour wants fees.',
    '- 📄 log.txt',
    '  2: harbour fees: 30',
  ]);
  assert.equal(outside, 'file');
  const two = await rig.carryOut(rig.kind, { ...lookup, limit: 2 });
  assert.equal(two.text.split('\n').length, 2);
});

test('nothing found is nothing to tell, and so are notes that are switched off', async (t) => {
  const rig = await open(t);
  assert.equal((await rig.carryOut(rig.kind, lookup)).text, '');
  await rig.note('Harbour fees', 'in May');
  rig.settings.enabled = false;
  assert.equal((await rig.carryOut(rig.kind, lookup)).text, '');
});

test('only what was asked for is looked through, and a note of others stays outside text', async (t) => {
  const rig = await open(t);
  await rig.note('Harbour fees', 'in May', 'web page');
  await rig.file('harbour fees.md', 'x');
  const inNotes = await rig.carryOut(rig.kind, { ...lookup, in: ['notes'] });
  assert.deepEqual([inNotes.text, inNotes.outside], ['- **Harbour fees**: in May', 'web page']);
  assert.equal((await rig.carryOut(rig.kind, { ...lookup, in: ['files'] })).text, '- 📄 harbour fees.md');
});

test('nobody finds what is another person’s', async (t) => {
  const rig = await open(t);
  await rig.file('harbour fees.md', 'x', 'per_other');
  assert.equal((await rig.carryOut(rig.kind, lookup)).text, '');
});

test('nothing of it is looked up for a group', async (t) => {
  const rig = await open(t);
  await rig.note('Harbour fees', 'in May');
  const deliver = { ...inChat, chatType: 'group' as const };
  await assert.rejects(rig.carryOut(rig.kind, lookup, { deliver }), { code: 'only_direct', retryable: false });
});

test('where somebody may not look in a chat, no job of theirs looks', async (t) => {
  const rig = await open(t);
  await rig.note('Harbour fees', 'in May');
  await rig.file('harbour fees.md', 'x');
  rig.policyOf.tools = { files_find: 'deny' };
  assert.equal((await rig.carryOut(rig.kind, lookup)).text, '- **Harbour fees**: in May');
  await assert.rejects(rig.carryOut(rig.kind, { ...lookup, in: ['files'] }), { code: 'not_allowed' });
});
