import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { EscapeFilter, jsonText, printable } from '../../src/cli/terminal.ts';

const sequences: [string, string][] = [
  ['a colour', '\u001b[31mred\u001b[0m'],
  ['a window title', '\u001b]0;owned\u0007red'],
  ['a title ended by ST', '\u001b]0;owned\u001b\\red'],
  ['a hyperlink', '\u001b]8;;http://evil\u001b\\red\u001b]8;;\u001b\\'],
  ['a clipboard write', '\u001b]52;c;ZXZpbA==\u0007red'],
  ['a device control string', '\u001bP$q"p\u001b\\red'],
  ['an application command', '\u001b_Gf=32;AAAA\u001b\\red'],
  ['a one-byte CSI', '\u009b2Jred'],
  ['a one-byte OSC', '\u009d0;owned\u009cred'],
  ['a character set', '\u001b(0red'],
  ['a reset', '\u001bcred'],
  ['a bell and a backspace', 'r\u0007e\u0008d'],
  ['a carriage return', 'red\r'],
  ['a right-to-left override', '\u202ered\u202c'],
];
for (const [what, text] of sequences) {
  test(`${what} in a stored text never reaches the terminal`, () => {
    assert.equal(printable(text), 'red');
  });
}

test('line breaks, tabs and letters of every script stay', () => {
  const text = 'über\tשלום\n日本 👩‍👩‍👧';
  assert.equal(printable(text), text);
});

test('a sequence that never ends hides nothing after the next line break', () => {
  assert.equal(printable('\u001b]0;owned\nnext'), '\nnext'.slice(0));
  assert.equal(printable(`\u001b]${'x'.repeat(5000)}tail`).endsWith('tail'), true);
});

test('a text cut anywhere into pieces is filtered as the whole', () => {
  const whole = sequences.map(([, text]) => text).join(' and ');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 }), (sizes) => {
      const filter = new EscapeFilter();
      let [rest, shown] = [whole, ''];
      for (const size of sizes) {
        shown += filter.push(rest.slice(0, size));
        rest = rest.slice(size);
      }
      assert.equal(shown + filter.push(rest), printable(whole));
    }),
    { numRuns: 50 },
  );
});

test('nothing a terminal obeys survives, whatever the text', () => {
  const characters = fc.constantFrom('\u001b', '[', ']', '\\', '\u0007', '\u009b', '\u009c', '3', 'm', '\n', 'x', '\r');
  fc.assert(
    fc.property(fc.array(characters), (pieces) => {
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(printable(pieces.join('')), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }),
    { numRuns: 200 },
  );
});

test('JSON output escapes what could act and still parses to the same value', () => {
  const value = { text: '\u001b[31m\u009b2J\u202e\u007f ü' };
  const text = jsonText(value);
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\u001b\u007f-\u009f\u202e]/);
  assert.deepEqual(JSON.parse(text), value);
});
