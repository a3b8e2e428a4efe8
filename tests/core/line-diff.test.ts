import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { lineDiff } from '../../src/core/line-diff.ts';

const lines = (...all: string[]): string => all.join('\n');

test('what was taken out and put in is told in order, and nothing else', () => {
  const cases: [string, string, string][] = [
    ['', '', ''],
    ['', 'a', '+ a'],
    ['a', '', '- a'],
    [lines('a', 'b', 'c'), lines('a', 'x', 'c'), lines('- b', '+ x')],
    [lines('a', 'b', 'c'), lines('b', 'c', 'd'), lines('- a', '+ d')],
    [lines('a', 'a'), lines('a'), '- a'],
  ];
  for (const [before, after, text] of cases) assert.equal(lineDiff(before, after).text, text);
});

test('whatever the texts are, the changes lead from one to the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const { removed, added } = lineDiff(lines(...before), lines(...after));
      const count = (all: readonly string[]): number => all.filter((line) => line !== '').length;
      assert.equal(count(before) - removed + added, count(after));
    }),
  );
});

test('a page that was thrown about as a whole ends in time and in a bounded text', () => {
  const many = (from: number): string => Array.from({ length: 8000 }, (_, n) => String(from + n * 3)).join('\n');
  const { text, removed, added } = lineDiff(many(0), many(1));
  assert.deepEqual([removed, added], [8000, 8000]);
  assert.equal(text.split('\n').length, 101);
  assert.match(text, /… 15900 more$/);
});

test('a line as long as a page is cut', () => {
  assert.ok(lineDiff('a', 'x'.repeat(100_000)).text.length < 400);
});
