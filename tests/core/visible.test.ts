import assert from 'node:assert/strict';
import test from 'node:test';
import { visible } from '../../src/core/visible.ts';

const table: readonly [string, string, string][] = [
  ['plain text', 'Send 3 files to bob@example.org (now).', 'Send 3 files to bob@example.org (now).'],
  ['lines', 'a\nb', 'a\nb'],
  ['a carriage return that overwrites a line', 'good\revil', 'good⟨U+000D⟩evil'],
  ['a tab', 'a\tb', 'a⟨U+0009⟩b'],
  ['an escape sequence', '\u001b[2K', '⟨U+001B⟩[2K'],
  ['a text that is turned round', 'a\u202Egnp.exe', 'a⟨U+202E⟩gnp.exe'],
  ['a character of no width', 'pay\u200bpal', 'pay⟨U+200B⟩pal'],
  ['a soft hyphen', 'pay\u00adpal', 'pay⟨U+00AD⟩pal'],
  ['letters of the tag block', 'a\u{E0041}', 'a⟨U+E0041⟩'],
  ['a space that is none', 'a\u00a0b\u3000c', 'a⟨U+00A0⟩b⟨U+3000⟩c'],
  ['a letter without a shape', 'a\u3164b\u2800c', 'a⟨U+3164⟩b⟨U+2800⟩c'],
  ['half of a pair', 'a\ud800', 'a⟨U+D800⟩'],
  ['one Cyrillic letter in a Latin name', 'pаypal.com', 'pа⟨U+0430⟩ypal.com'],
  ['a coloured emoji', '❤️', '❤️'],
  ['a wide letter', 'ｂob', 'ｂ⟨U+FF42⟩ob'],
  ['mathematical letters', '𝐛𝐨𝐛', '𝐛⟨U+1D41B⟩𝐨⟨U+1D428⟩𝐛⟨U+1D41B⟩'],
  ['Russian', 'Привет, он вор и нос', 'Привет, он вор и нос'],
  ['a mixed word in a Russian text', 'Привет на pаypal.com', 'Привет на pа⟨U+0430⟩ypal.com'],
  ['Greek', 'καλημέρα το ποτό', 'καλημέρα το ποτό'],
  ['German and French', 'Grüße, œuvre naïve', 'Grüße, œuvre naïve'],
  ['Chinese and Arabic', '你好 مرحبا', '你好 مرحبا'],
];
for (const [name, text, shown] of table) {
  test(`${name} is shown as what it is`, () => assert.equal(visible(text), shown));
}

test('a name wholly of letters that pass for others is marked where nothing else is of their script', () => {
  assert.equal(visible('рор'), 'р⟨U+0440⟩о⟨U+043E⟩р⟨U+0440⟩');
  assert.equal(visible('send to аре.со'), 'send to а⟨U+0430⟩р⟨U+0440⟩е⟨U+0435⟩.с⟨U+0441⟩о⟨U+043E⟩');
});

test('a long text takes no long time', () => {
  for (const piece of ['а', 'a.', '\u202e', 'pа']) assert.ok(visible(piece.repeat(50_000)).length >= 50_000);
});
