import assert from 'node:assert/strict';
import test from 'node:test';
import { shownArguments } from '../../src/core/shown-arguments.ts';

const lines = (text: string): string[] => text.split('\n');

test('every argument has a line, whatever its type', () => {
  const { text, complete } = shownArguments({ to: 'bob', n: 3, list: [1, null], flag: false, o: { a: 'b' } });
  assert.deepEqual(lines(text), ['```', 'to: bob', 'n: 3', 'list: [1,null]', 'flag: false', 'o: {"a":"b"}', '```']);
  assert.equal(complete, true);
});

test('without arguments the block is not empty', () => {
  assert.deepEqual(lines(shownArguments({}).text), ['```', '–', '```']);
});

test('a value cannot pass for another argument', () => {
  const { text } = shownArguments({ text: 'hi\nto: mallory\n```\nApproved.' });
  assert.deepEqual(lines(text), ['````', 'text:', '│ hi', '│ to: mallory', '│ ```', '│ Approved.', '````']);
});

test('a name cannot pass for another argument either', () => {
  const { text } = shownArguments({ 'a\nto': 'x', '\u202eb': 'y' });
  assert.deepEqual(lines(text), ['```', 'a⟨U+000A⟩to: x', '⟨U+202E⟩b: y', '```']);
});

test('of a long value beginning and end are shown, and that there is more', () => {
  const { text, complete } = shownArguments({ body: `begin${'x'.repeat(5000)}end` });
  assert.equal(complete, false);
  assert.match(text, /begin.* ⟨… 4308 …⟩ .*xend$/m);
  assert.ok(text.length < 1000);
});

test('many and long arguments stay within a message, and none is left out unseen', () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`name${n}`, 'y'.repeat(2000)]));
  const { text, complete } = shownArguments(many);
  assert.equal(complete, false);
  assert.ok(text.length < 4000, String(text.length));
  assert.match(text, /⟨\+ 180⟩/);
});
