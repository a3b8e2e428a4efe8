import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { mattermostCapabilities } from '../../../../src/adapters/channels/mattermost/index.ts';
import { render } from '../../../../src/adapters/channels/mattermost/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { splitRich } from '../../../../src/core/split.ts';

const markdown = createMarkdown();
const pieces = fc.constantFrom(
  ...'** * _ ` `` ``` ~~ > # - 1. [ ]( ) < > & &lt; \\ a x_y | --- === @all http://e.example/a_b :smile: key:*v* 😀 !'.split(
    ' ',
  ),
  '\n',
  '\n\n',
  '> ',
  '# ',
  '- ',
  '1. ',
  ' b ',
  ' ',
);
const texts = fc.array(pieces, { maxLength: 30 }).map((all) => all.join(''));

/** As a reader of CommonMark sees it, whatever the white space at the ends of lines and between blocks. */
const seen = (source: string): string =>
  markdown.parse(source).text.replaceAll('\u200b', '').replaceAll(/\s+/g, ' ').trim();
const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

test('plain text is read as it was written, whatever it looks like', () => {
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(seen(render(plainText(text))), squeezed(text));
    }),
    { numRuns: 2000, examples: [['http://e.example/a_b#_---_'], ['<---x_y@all>']] },
  );
});

test('nobody is ever called: no mention stands in what is sent, but for code, where it calls nobody', () => {
  for (const text of ['@all', 'hey @here!', '(@channel)', '@ada.l', 'x_@all', '-@all', 'http://e.example/@all x']) {
    assert.ok(!/(?<![A-Za-z0-9])@(?=all|here|channel|ada)/.test(render(plainText(text))), text);
  }
  assert.equal(render(plainText('ada@example.org')), 'ada@example.org');
  assert.equal(render(markdown.parse('`@Override` and `a_b`')), '`@Override` and `a_b`');
});

test('formatting is the Markdown that both clients read', () => {
  const source =
    '# Title\n\n**bold _both_** ~~old~~ `a*b` [link](https://e.example/a_(b))\n\n> quoted\n> twice\n\nafter\n\n```ts\nx = `1`;\n```';
  assert.equal(
    render(markdown.parse(source)),
    '**Title**\n\n**bold _both_** ~~old~~ `a*b` [link](https://e.example/a_%28b%29)\n\n> quoted\n> twice\n\nafter\n\n' +
      '```ts\nx = `1`;\n```',
  );
});

test('formatted text loses no word', () => {
  const words = fc.array(
    fc.constantFrom(
      '**bold**',
      '*it*',
      '`co de`',
      '~~no~~',
      '[li nk](https://e.example)',
      'plain',
      '\n\n',
      '> q',
      '```\nx\n```\n',
      '- item\n',
      '# h\n',
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(words, (all) => {
      const rich = markdown.parse(all.join(' '));
      const letters = (text: string): string => text.replaceAll(/[^\p{L}\p{N}]/gu, '');
      assert.equal(letters(seen(render(rich))), letters(rich.text));
    }),
  );
});

test('no part is longer than servers take', () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (text.trim() === '') return;
      for (const part of splitRich(plainText(text.repeat(2000)), mattermostCapabilities.text).slice(0, 2))
        assert.ok(render(part).length <= 16_383);
    }),
    { numRuns: 20 },
  );
});
