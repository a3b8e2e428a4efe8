import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { discordCapabilities } from '../../../../src/adapters/channels/discord/index.ts';
import { measure, render } from '../../../../src/adapters/channels/discord/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import type { RichText, Span, SpanStyle } from '../../../../src/core/rich-text.ts';
import { splitRich } from '../../../../src/core/split.ts';
import { read } from '../../../support/discord-markdown.ts';

const numRuns = Number(process.env['DISCORD_RUNS'] ?? 1500);
const markdown = createMarkdown();

const styled: [string, string][] = [
  ['**bold** and *italic*', '**bold** and _italic_'],
  ['***both***', '_**both**_'],
  ['**bold _nested_ end**', '**bold _nested_ end**'],
  ['~~gone~~', '~~gone~~'],
  ['# Title', '**Title**'],
  ['`code *with* stars`', '`code *with* stars`'],
  ['`` a`b ``', '``a`b``'],
  ['[words](https://example.org/a_(b))', '[words](https://example.org/a%5F%28b%29)'],
  ['<https://example.org/a_b>', 'https://example.org/a_b'],
  ['[https://evil.example](https://other.example)', 'https://evil.example'],
  ['> quoted\n> twice', '> quoted\n> twice'],
  ['```ts\nconst a = `${b}`;\n```', '```ts\nconst a = `${b}`;\n```'],
  ['un*frigging*believable', 'un*frigging*believable'],
];
for (const [source, shown] of styled) {
  test(`${JSON.stringify(source)} is shown as Discord writes it`, () => {
    assert.equal(render(markdown.parse(source)), shown);
  });
}

const inert: string[] = [
  '@everyone and @here, <@123456789012345678> <@&1> <#2> </help:3> <t:4:R> <a:dance:5>',
  ':smile: 12:30:45 ::',
  '# no\n## no\n-# no\n> no\n>>> no\n- no\n* no\n+ no\n1. no\n  2) no',
  '[a](https://b.example) [c](<https://d.example>)',
  '**a** __b__ ~~c~~ ||d|| `e` ```f```',
  'snake_case_name and 2*3*4 and a|b||c',
  'https://example.org/a_b*c?d=e|f (https://example.org/x_y_z) <https://example.org/_>',
  '\\ \\\\ \\* \\a ¯\\_(ツ)_/¯',
  '``` unfinished',
];
for (const text of inert) {
  test(`nothing is read into ${JSON.stringify(text)}`, () => {
    assert.equal(read(render(plainText(text))), text);
  });
}

/** What breaks renderers: markers, brackets, addresses, line begins. */
const pieces = fc.constantFrom(
  ...'* ** _ __ ~ ~~ | || ` `` ``` [ ] ( ) < > # - + . : @ \\ / & ! 1. 😀 é \u202e'.split(' '),
  ' ',
  '\n',
  'word',
  'Two words',
  'https://example.org/a_b',
  ':smile:',
  '@everyone',
  '<@1>',
);
const text = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(''));

test('plain text of any kind is read as it was written', () => {
  fc.assert(
    fc.property(text, (source) => {
      assert.equal(read(render(plainText(source))).trim(), source.trim());
    }),
    { numRuns },
  );
});

const styles: SpanStyle[] = ['bold', 'italic', 'underline', 'strike', 'spoiler', 'heading', 'code', 'link'];

/** Properly nested spans over a text of words: a few cuts, each a pair of ends. */
const rich = fc
  .tuple(
    fc.array(fc.constantFrom('alpha', 'beta', 'c', ' ', ' ', '. ', '-', 'x*y', 'a_b'), { minLength: 1, maxLength: 12 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(...styles)), { maxLength: 5 }),
  )
  .map(([words, marks]): RichText => {
    const joined = words.join('');
    const spans: Span[] = [];
    for (const [a, b, style] of marks) {
      const [from, to] = [a % joined.length, b % joined.length].sort((x, y) => x - y) as [number, number];
      const span: Span = { style, offset: from, length: to - from };
      if (style === 'link') span.url = 'https://example.org/';
      const end = to;
      const nested = spans.every((other) => {
        const otherEnd = other.offset + other.length;
        const apart = end <= other.offset || otherEnd <= from;
        return apart || (other.offset <= from && end <= otherEnd) || (from <= other.offset && otherEnd <= end);
      });
      if (to > from && nested) spans.push(span);
    }
    return { text: joined, spans: spans.sort((x, y) => x.offset - y.offset || y.length - x.length) };
  });

test('styles of any nesting lose and add no word', () => {
  fc.assert(
    fc.property(rich, (body) => {
      assert.equal(read(render(body)).trim(), body.text.trim(), JSON.stringify([body, render(body)]));
    }),
    { numRuns },
  );
});

test('every part of a split text is within the limit as Discord counts', () => {
  const limits = { ...discordCapabilities.text, maxLength: 120 };
  fc.assert(
    fc.property(fc.array(text, { maxLength: 30 }), (sources) => {
      const source = markdown.parse(sources.join(' '));
      const parts = splitRich(source, limits);
      for (const part of parts) assert.ok(measure(part) <= 120, render(part));
    }),
    { numRuns: Math.ceil(numRuns / 10) },
  );
});
