import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { matrixCapabilities } from '../../../../src/adapters/channels/matrix/index.ts';
import { measure, render } from '../../../../src/adapters/channels/matrix/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { splitRich } from '../../../../src/core/split.ts';
import { readable } from '../../../support/matrix-counterpart.ts';

const markdown = createMarkdown();
const pieces = fc.constantFrom(
  '**',
  '_',
  '`',
  '```\n',
  '\n',
  '\n\n',
  '> ',
  '[a](https://e.example/?b=1&c="2")',
  '&amp;',
  '<b>',
  '  ',
  '😀',
  'x',
  '# ',
  '~~',
  '"',
);
const sources = fc.array(fc.oneof(pieces, fc.string({ maxLength: 6 })), { maxLength: 40 }).map((all) => all.join(''));

test('whatever the formatting, the reader sees exactly the text', () => {
  fc.assert(
    fc.property(sources, (source) => {
      const rich = markdown.parse(source);
      assert.equal(readable({ ...render(rich) }), rich.text.toWellFormed());
    }),
  );
});

test('markup is HTML of the kind Matrix knows, and always nested', () => {
  const { formatted_body: html } = render(
    markdown.parse('**a _b_** `c<d>` [e](https://f.example) ~~g~~\n\n> h\n\n```ts\ni  j\n```'),
  );
  assert.equal(
    html,
    '<strong>a <em>b</em></strong> <code>c&lt;d&gt;</code> <a href="https://f.example">e</a> <del>g</del><br><br>' +
      '<blockquote>h</blockquote><br><br><pre><code class="language-ts">i  j</code></pre>',
  );
});

test('a link that would be a mention or run something is words only', () => {
  for (const url of ['https://matrix.to/#/@one:test', 'javascript:alert(1)', 'mxc://a/b', 'https://a b']) {
    const rich = { text: 'x', spans: [{ style: 'link' as const, offset: 0, length: 1, url }] };
    assert.equal(render(rich).formatted_body, 'x', url);
  }
});

test('no part becomes an event that servers refuse', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), (unit) => {
      const source = { text: unit.toWellFormed().repeat(4000), spans: [] };
      for (const part of splitRich(source, matrixCapabilities.text).slice(0, 2)) {
        assert.ok(measure(part) <= matrixCapabilities.text.maxLength);
        const { body } = render(part);
        assert.ok(Buffer.byteLength(JSON.stringify({ body: `* ${body}`, 'm.new_content': render(part) })) < 61_000);
      }
    }),
    { numRuns: 15 },
  );
});
