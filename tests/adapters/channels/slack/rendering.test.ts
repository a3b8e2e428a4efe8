import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { settledText, wholeText } from '../../../../src/adapters/channels/slack/markdown.ts';
import { maxLength, maxSpans, measure, render } from '../../../../src/adapters/channels/slack/render.ts';
import type { Block } from '../../../../src/adapters/channels/slack/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { splitRich } from '../../../../src/core/split.ts';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 300);
const markdown = createMarkdown();

const wordsOf = (blocks: readonly Block[]): string =>
  blocks
    .flatMap((block) => (block.type === 'rich_text' ? block.elements : []))
    .map(({ elements }) => elements.map(({ text }) => text).join(''))
    .join('\n');

/** Line breaks between blocks are Slack's. */
const solid = (text: string): string => text.toWellFormed().replaceAll('\n', '');

const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '**bold**',
    '*it _both_ it*',
    '`a*b`',
    '```ts\nlet x = 1;\n',
    '\n```\n',
    '\n\n',
    '> quoted\n',
    '- item\n',
    '1. one\n',
    '[a](https://e.example/?a=1&b=2)',
    '<!channel>',
    '<@U123>',
    '&amp;',
    'https://e.example/a_b).',
    '~~no~~',
    '# Head\n',
    ':smile:',
    '👩‍👩‍👧‍👦',
    '| a | b |\n|---|---|\n| 1 | 2 |\n',
    '\\*',
    '\ud800',
  ),
);
const source = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(' '));

test('no word is lost or changed by rendering, whatever a model writes', () => {
  fc.assert(
    fc.property(source, (text) => {
      const body = markdown.parse(text);
      const { blocks, text: fallback } = render(body);
      if (blocks.length > 0) assert.equal(solid(wordsOf(blocks)), solid(body.text));
      else assert.ok(!/[*_~`:]/.test(fallback) || solid(body.text) === '');
      assert.ok(!/<[@!#]/.test(fallback), fallback);
      for (const block of blocks)
        for (const { elements } of block.elements as { elements?: { text: string }[] }[])
          for (const element of elements ?? []) assert.notEqual(element.text, '');
    }),
    { numRuns: runs },
  );
});

test('a part that was measured is within what Slack takes, and the parts are the whole', () => {
  const long = fc.array(source, { minLength: 5, maxLength: 25 }).map((all) => all.join('\n\n').repeat(4));
  fc.assert(
    fc.property(long, (text) => {
      const body = markdown.parse(text);
      const parts = splitRich(body, { maxLength, maxSpans, measure });
      for (const part of parts) {
        const { blocks, text: fallback } = render(part);
        assert.ok(fallback.length <= maxLength && JSON.stringify(blocks).length < 13_000);
      }
      assert.equal(
        parts
          .map((part) => part.text)
          .join('')
          .replaceAll(/\s/g, ''),
        body.text.replaceAll(/\s/g, ''),
      );
    }),
    { numRuns: Math.ceil(runs / 20) },
  );
});

test('what is streamed is only what the words that follow cannot change, for plain prose', () => {
  const prose = fc.array(
    fc.constantFrom('Some', 'words', '**bold one**', '`code`', 'and', 'more.\n\n', '3', '<x>', '&'),
    {
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(prose, fc.integer({ min: 0, max: 200 }), (words, cut) => {
      const whole = words.join(' ');
      const before = settledText(markdown.parse(whole.slice(0, cut))).markdown;
      const after = wholeText(markdown.parse(whole)).markdown;
      assert.ok(after.startsWith(before.trimEnd()), JSON.stringify([before, after]));
    }),
    { numRuns: runs },
  );
});

test('streamed Markdown cannot be broken out of, by code or by addresses', () => {
  const streamed = (text: string): string => wholeText(markdown.parse(text)).markdown;
  assert.equal(
    streamed('[a](<https://e.example/x)(y>) <!channel>'),
    '[a](https://e.example/x%29%28y) &lt;!channel&gt;',
  );
  assert.equal(streamed('``a`b`` *x*'), '``a`b`` *x*');
  assert.equal(streamed('~~~~\n```\n~~~~'), '````\n```\n````');
  assert.equal(streamed('[x](tg://resolve) 1 * 2'), 'x 1 \\* 2');
  assert.equal(streamed('> a\n> b'), '> a\n> b');
});

test('formatting becomes blocks and styles, and nothing else is said', () => {
  const { blocks } = render(
    markdown.parse('# Head\n\nSome **bold _both_** and `code`\n\n> quote\n\n```js\nx\n```\n\n[t](https://e.example)'),
  );
  const [block] = blocks;
  assert.ok(block?.type === 'rich_text');
  assert.deepEqual(
    block.elements.map(({ type }) => type),
    ['rich_text_section', 'rich_text_quote', 'rich_text_preformatted', 'rich_text_section'],
  );
  assert.deepEqual(block.elements[0]?.elements, [
    { type: 'text', text: 'Head', style: { bold: true } },
    { type: 'text', text: '\n\nSome ' },
    { type: 'text', text: 'bold ', style: { bold: true } },
    { type: 'text', text: 'both', style: { bold: true, italic: true } },
    { type: 'text', text: ' and ' },
    { type: 'text', text: 'code', style: { code: true } },
  ]);
  assert.deepEqual(block.elements[3]?.elements, [{ type: 'link', url: 'https://e.example', text: 't' }]);
});

test('an address in a sentence can be followed, code and dangerous schemes cannot', () => {
  const elements = (text: string): unknown => {
    const [block] = render(markdown.parse(text)).blocks;
    return block?.type === 'rich_text' ? block.elements[0]?.elements.filter(({ type }) => type === 'link') : [];
  };
  assert.deepEqual(elements('see https://e.example/a?b=c, please'), [
    { type: 'link', url: 'https://e.example/a?b=c', text: 'https://e.example/a?b=c' },
  ]);
  assert.deepEqual(elements('`https://e.example` _x_'), []);
  assert.deepEqual(elements('[x](javascript:alert) [y](tg://resolve) _z_'), []);
});

test('a plain text goes as it is, without blocks, and its three special characters are escaped', () => {
  assert.deepEqual(render(plainText('a < b & c > d')), { text: 'a &lt; b &amp; c &gt; d', blocks: [] });
});
