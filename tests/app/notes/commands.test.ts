import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { registerNotesCommands } from '../../../src/app/notes/commands.ts';
import { PersonalNotes } from '../../../src/app/notes/notes.ts';
import { messagePath, said } from '../../support/message-path.ts';

const typed = { source: 'token:t', outside: null };

async function rig(t: TestContext) {
  const path = await messagePath(t);
  const { store, clock, mintId, commands, channel } = path;
  const settings = { enabled: true, defaultLimit: 20, maxLimit: 100, maxNotes: 100 };
  const notes = new PersonalNotes({ store, clock, mintId, settings: () => settings });
  registerNotesCommands(commands, notes);
  path.attach();
  const ask = async (text: string, over: Parameters<typeof said>[1] = {}) => {
    const before = channel.shown.length;
    await path.ingress.sinkFor('scripted', 'main').commit([said(text, over)]);
    while (channel.shown.length === before) await clock.sleep(50);
    return channel.shown.at(-1)?.texts.at(-1) ?? '';
  };
  await ask('/whoami');
  const { person = '' } = (await store.identity({ channel: 'scripted', account: 'main', native: '7' })) ?? {};
  return { path, notes, settings, ask, person };
}

/** Without buttons on the platform their commands stand below the answer. */
const pressable = (answer: string): string[] => answer.match(/^\/\S.*$/gm) ?? [];
const bob = { sender: { native: '8', display: 'Bob', isBot: false } };
const alone = { ...bob, conversation: { channel: 'scripted', account: 'main', native: '8' } };
const together = {
  conversation: { channel: 'scripted', account: 'main', native: '-1' },
  chat: { type: 'group' as const, addressed: true },
};

test('/notes lists, goes on by a button, searches, and shows the whole of one', async (t) => {
  const { notes, ask, person } = await rig(t);
  assert.match(await ask('/notes'), /no notes/);
  for (let i = 0; i < 12; i++) await notes.save(person, { title: `note *${i}*`, text: `word\n${i}` }, typed);
  const first = await ask('/notes');
  assert.match(first, /^Your notes:\n.*note \*11\*: word 11/s, 'nothing of a title is formatting');
  const [more = ''] = pressable(first);
  assert.match(more, /^\/notes \+\S+$/);
  assert.ok(Buffer.byteLength(more) <= 64);
  const rest = await ask(more);
  assert.match(rest, /note \*1\*: word 1\n.*note \*0\*: word 0$/s);
  assert.deepEqual(pressable(rest), []);
  const found = await ask('/notes word');
  assert.match(await ask(pressable(found)[0] ?? ''), /note \*0\*/);
  assert.match(await ask('/notes nothing'), /No note has these words/);
  assert.match(await ask('/notes NOTE *3*'), /^note \*3\*\n+word\n?3$/);
});

test('/forget asks first, deletes what was shown, and may be pressed twice', async (t) => {
  const { notes, ask, person } = await rig(t);
  await notes.save(person, { title: 'Tea', text: 'green' }, typed);
  assert.match(await ask('/forget'), /which note/);
  assert.match(await ask('/forget tee'), /no such note\. Did you mean Tea\?/);
  const [command = ''] = pressable(await ask('/forget tea'));
  assert.ok(Buffer.byteLength(command) <= 64);
  assert.equal((await notes.list(person, {})).items.length, 1, 'nothing is deleted before the button');
  assert.match(await ask(command), /“Tea” is forgotten/);
  assert.deepEqual((await notes.list(person, {})).items, []);
  await notes.save(person, { title: 'Tea', text: 'another one' }, typed);
  assert.match(await ask(command), /gone already/);
  assert.equal((await notes.list(person, {})).items.length, 1);
});

test('a button to forget does nothing in the hands of somebody else', async (t) => {
  const { notes, ask, person } = await rig(t);
  await notes.save(person, { title: 'Tea', text: 'green' }, typed);
  const [command = ''] = pressable(await ask('/forget tea'));
  assert.match(await ask(command, alone), /gone already/);
  assert.match(await ask('/notes', alone), /no notes/);
  assert.match(await ask('/notes tea', alone), /No note has these words/);
  assert.match(await ask('/forget tea', alone), /You have no such note\.$/);
  assert.equal((await notes.list(person, {})).items.length, 1);
});

test('notes are not read out in groups, and a switch that is off is said', async (t) => {
  const { notes, settings, ask, person } = await rig(t);
  await notes.save(person, { title: 'Tea', text: 'green' }, typed);
  for (const command of ['/notes', '/notes tea', '/forget tea']) {
    assert.match(await ask(command, together), /direct chat/, command);
  }
  settings.enabled = false;
  for (const command of ['/notes', '/forget tea']) assert.match(await ask(command), /switched off/, command);
});

test('a cursor that is not ours, or another person’s, shows nothing of theirs', async (t) => {
  const { notes, ask, person } = await rig(t);
  for (let i = 0; i < 12; i++) await notes.save(person, { title: `note ${i}`, text: 'word' }, typed);
  const [more = ''] = pressable(await ask('/notes'));
  assert.match(await ask(more, alone), /No note has these words/);
  assert.match(await ask('/notes +bad'), /cursor is not one/);
});
