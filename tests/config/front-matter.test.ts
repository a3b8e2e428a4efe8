import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readHead } from '../../src/config/front-matter.ts';
import { FrontMatterError, maxFrontMatterLength, splitFrontMatter } from '../../src/core/front-matter.ts';

const wrong = (head: string): { line: number; message: string } => {
  try {
    readHead(head);
  } catch (error) {
    if (error instanceof FrontMatterError) return error;
    throw error;
  }
  throw new Error('it was taken');
};

it('a head and a body come apart whatever the line ends, the mark at the front and the blanks between', () => {
  const { head, body, bodyLine } = splitFrontMatter('\uFEFF---\r\nname: a\r\n---\r\n\r\n# Title\r\ntext\r\n\r\n');
  assert.deepEqual([head, body, bodyLine], ['name: a', '# Title\ntext', 5]);
});

it('a text without a fence in its first line is all body, rules between paragraphs included', () => {
  const { head, body, bodyLine } = splitFrontMatter('\nHello\n---\nname: x\n---\n');
  assert.deepEqual([head, body, bodyLine], [null, 'Hello\n---\nname: x\n---', 2]);
  assert.deepEqual(splitFrontMatter(''), { head: null, body: '', bodyLine: 1 });
});

it('a head that never ends, or is far too long, is refused', () => {
  assert.throws(() => splitFrontMatter('---\nname: a\n'), /not closed/);
  assert.throws(() => splitFrontMatter(`---\n${'a'.repeat(maxFrontMatterLength + 1)}\n---\n`), /longer than/);
});

it('fields are JSON values, each with its line in the file', () => {
  const { fields, lines } = readHead(
    'name: pdf\n# a remark\nmetadata:\n  version: "1.0"\n  on: yes\nlist: [a, 2, null]\n',
  );
  assert.deepEqual(JSON.parse(JSON.stringify(fields)), {
    name: 'pdf',
    metadata: { version: '1.0', on: 'yes' },
    list: ['a', 2, null],
  });
  assert.deepEqual(
    [...lines],
    [
      ['name', 2],
      ['metadata', 4],
      ['list', 7],
    ],
  );
  assert.deepEqual(readHead('').fields, {});
});

const bomb = ['a: &a [x, x]', ...Array.from({ length: 20 }, (_, i) => `k${i}: &b${i} [*a, *a]`)].join('\n');

const hostile: [name: string, head: string, line: number, message: RegExp][] = [
  ['a key twice', 'name: a\nother: b\nname: c', 4, /unique/],
  ['a tag that would make an object', 'run: !!js/function "x"', 2, /tags/],
  ['a tag of its own', 'a: 1\nrun: !exec ls', 3, /tags/],
  ['a bomb of aliases', bomb, 2, /aliases/],
  ['binary', 'a: !!binary aGk=', 2, /tags|only texts/],
  ['a key that is a list', '? [a, b]\n: c', 2, /is a text/],
  ['a number that is none', 'a: .nan', 2, /only texts/],
  ['a list at the top', '- a\n- b', 2, /name: value/],
  ['a text at the top', 'just words', 2, /name: value/],
  ['a tab for indentation', 'a:\n\tb: 1', 3, /YAML/],
  ['a bracket that is not closed', 'a: [1, 2\nb: 3', 3, /YAML/],
  ['nesting beyond the stack', `a: ${'['.repeat(15_000)}`, 2, /nested|YAML/],
  ['nesting beyond need', `a: ${'['.repeat(20)}${']'.repeat(20)}`, 2, /deeper/],
  ['values without end', `a: [${'1,'.repeat(2000)}]`, 2, /more than 1000/],
];

for (const [name, head, line, message] of hostile) {
  it(`hostile front matter is refused in words with its line: ${name}`, () => {
    const error = wrong(head);
    assert.match(error.message, message);
    assert.equal(error.line, line);
  });
}

it('a name of the prototype is a name like any other', () => {
  const { fields } = readHead('__proto__:\n  polluted: true\nconstructor: x');
  assert.deepEqual(Object.keys(fields), ['__proto__', 'constructor']);
  assert.equal((Object.prototype as Record<string, unknown>)['polluted'], undefined);
});
