import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { render } from '../../../../src/adapters/channels/telegram/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import type { Span } from '../../../../src/core/rich-text.ts';
import { splitRich } from '../../../../src/core/split.ts';
import { entityFault } from '../../../support/telegram-rules.ts';

const markdown = createMarkdown();

test('entities follow the text when the platform strips its ends', () => {
  const spans: Span[] = [
    { style: 'bold', offset: 0, length: 6 },
    { style: 'italic', offset: 7, length: 5 },
  ];
  assert.deepEqual(render({ text: '  bold it  \n', spans }), {
    text: 'bold it',
    entities: [
      { type: 'bold', offset: 0, length: 4 },
      { type: 'italic', offset: 5, length: 2 },
    ],
  });
});

test('emphasis stops at code and goes on after it', () => {
  const { text, entities } = render(markdown.parse('**a `b` c**'));
  assert.equal(text, 'a b c');
  assert.deepEqual(entities, [
    { type: 'bold', offset: 0, length: 2 },
    { type: 'code', offset: 2, length: 1 },
    { type: 'bold', offset: 3, length: 2 },
  ]);
});

test('code in a link, a quote in a quote and links of other schemes lose what the platform would refuse', () => {
  assert.deepEqual(
    render(markdown.parse('[`x`](https://a.example)')).entities.map((e) => e.type),
    ['text_link'],
  );
  assert.deepEqual(
    render(markdown.parse('> a\n> > b')).entities.map((e) => e.type),
    ['blockquote'],
  );
  assert.deepEqual(render(markdown.parse('[m](mailto:a@b.example)')).entities, []);
  assert.deepEqual(
    render({ text: 'x', spans: [{ style: 'link', offset: 0, length: 1, url: 'https://' }] }).entities,
    [],
  );
});

test('C-22: characters that mean something elsewhere arrive as themselves', () => {
  const text =
    'a_b * c ~ d # + - = | { } . ! <script>alert(1)</script> @everyone <@&5> <!channel> \u202e t.me/joinchat';
  assert.deepEqual(render({ text, spans: [] }), { text, entities: [] });
});

test('C-23: half a surrogate pair does not spoil the request', () => {
  assert.ok(render({ text: 'x\ud800y', spans: [] }).text.isWellFormed());
});

test('whatever a model writes, split and rendered it is what Telegram takes', () => {
  const pieces = [
    '**',
    '*',
    '_',
    '`',
    '```js\n',
    '```\n',
    '~~',
    '> ',
    '- ',
    '[a](https://x.y)',
    '[',
    '](tg://u)',
    '# ',
    '\n',
    '\n\n',
    ' ',
    'word',
    '😀',
    'e\u0301',
    '|a|b|\n|-|-|\n',
    '\ud800',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 80 }), (parts) => {
      for (const part of splitRich(markdown.parse(parts.join('')), { maxLength: 40, maxSpans: 10 })) {
        const { text, entities } = render(part);
        assert.equal(entityFault(text, entities), null, JSON.stringify({ text, entities }));
        assert.ok(text.length <= 40 && text === text.trim() && text.isWellFormed());
      }
    }),
    { numRuns: 1500 },
  );
});
