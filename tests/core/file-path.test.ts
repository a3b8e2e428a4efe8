import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as holds, constantFrom, property, string } from 'fast-check';
import { cleanFileName, parseFilePath } from '../../src/core/file-path.ts';

test('a path names files below the folder, in composed Unicode', () => {
  assert.deepEqual(parseFilePath('notes/today.md'), ['notes', 'today.md']);
  assert.deepEqual(parseFilePath('notes/'), ['notes']);
  assert.deepEqual(parseFilePath(''), []);
  assert.deepEqual(parseFilePath('.'), []);
  assert.deepEqual(parseFilePath('cafe\u0301.txt'), ['caf\u00e9.txt']);
  assert.deepEqual(parseFilePath('.env/-rf/console.log/नमस्ते/👨‍👩‍👧.txt').length, 5);
});

/** T-06 and its kin: one row for each way out that a peer once had. */
const waysOut: readonly string[] = [
  '..',
  '../x',
  'a/../../x',
  'a/..',
  './x',
  'a/./b',
  '...',
  'a//b',
  '//',
  '/',
  '/etc/passwd',
  '/proc/self/environ',
  '~/x',
  '~root',
  'C:\\x',
  'c:x',
  '..\\x',
  'a\\b',
  '\\\\host\\share',
  'file:///etc/passwd',
  'a\0b',
  'a\nb',
  '\u202etxt.exe',
  'zero\u200bwidth',
  'byte\ufefforder',
  '．．/x',
  '․․/x',
  '‥',
  'a／b',
  'a＼b',
  '﹨x',
  'CON',
  'con.txt',
  'a/NUL',
  'aux.tar.gz',
  'COM1',
  'lpt9.txt',
  'com¹',
  'name.',
  'name ',
  ' name',
  'a|b',
  'what?',
  '*.txt',
  'a"b',
  'x:stream',
  '<x>',
  '\ud800',
  'x'.repeat(201),
  'é'.repeat(101),
  'x/'.repeat(500),
  'a/b/c/d/e/f/g/h/i',
];

for (const path of waysOut) {
  test(`the path ${JSON.stringify(path.slice(0, 30))} is refused`, () => {
    assert.throws(() => parseFilePath(path), { code: 'bad_path' });
  });
}

test('whatever passes stays below the folder, and passes again as the same names', () => {
  const pieces = constantFrom('..', '.', '/', '\\', 'a', 'é', '\u0301', '．', '／', ' ', 'con', '%2e', '\0', '\u200d');
  holds(
    property(array(pieces, { maxLength: 12 }), (list) => {
      let names: string[];
      try {
        names = parseFilePath(list.join(''));
      } catch {
        return;
      }
      assert.deepEqual(parseFilePath(names.join('/')), names);
      for (const name of names) assert.match(name, /^(?!\.+$)[^/\\\0]+$/);
    }),
  );
});

test('the name of what came from outside loses its folders and tricks, and keeps its ending', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['report.pdf', 'report.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\x\\photo.jpg', 'photo.jpg'],
    ['in\u202egpj.exe', 'ingpj.exe'],
    ['a\0b\r\n"c".txt', 'abc.txt'],
    ['con.txt', '_con.txt'],
    ['..', undefined],
    ['', undefined],
    ['\u200b', undefined],
    ['name. . ', 'name'],
    [`${'x'.repeat(300)}.docx`, `${'x'.repeat(95)}.docx`],
    [`${'漢'.repeat(90)}.txt`, undefined],
  ];
  for (const [given, cleaned] of cases) assert.equal(cleanFileName(given), cleaned, JSON.stringify(given));
  holds(
    property(string({ unit: 'binary' }), (given) => {
      const name = cleanFileName(given);
      if (name !== undefined) assert.deepEqual(parseFilePath(name), [name]);
    }),
  );
});
