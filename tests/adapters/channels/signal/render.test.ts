import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { signalCapabilities } from '../../../../src/adapters/channels/signal/index.ts';
import { render } from '../../../../src/adapters/channels/signal/render.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { splitRich } from '../../../../src/core/split.ts';

const markdown = createMarkdown();
const pieces = fc.constantFrom(
  '**',
  '_',
  '`',
  '~~',
  '\n',
  '\n\n',
  '> ',
  '[a](https://e.example)',
  '```\n',
  '😀',
  'x',
  ' ',
  '# ',
);
const sources = fc.array(pieces, { maxLength: 40 }).map((all) => all.join(''));

test('every style stands at exactly its words, whatever is written out before', () => {
  fc.assert(
    fc.property(sources, (source) => {
      const rich = markdown.parse(source);
      const { message, textStyle } = render(rich);
      const styled = rich.spans.filter(({ style }) => !['link', 'quote', 'underline'].includes(style));
      assert.equal(textStyle.length, styled.length);
      textStyle.forEach((range, index) => {
        const [start = 0, length = 0] = range.split(':').map(Number);
        const span = styled[index];
        const words = rich.text.slice(span?.offset, (span?.offset ?? 0) + (span?.length ?? 0));
        const shown = message
          .slice(start, start + length)
          .replaceAll(' (https://e.example)', '')
          .replaceAll(/^> /gm, '');
        assert.equal(shown, words.replaceAll(/^> /gm, ''));
      });
    }),
  );
});

test('what Signal has no style for is written out', () => {
  const { message, textStyle } = render(
    markdown.parse('**Look** [here](https://e.example/a) or <https://e.example>\n\n> one\n> two\n\n`x` ~~y~~ _z_'),
  );
  assert.equal(message, 'Look here (https://e.example/a) or https://e.example\n\n> one\n> two\n\nx y z');
  assert.deepEqual(textStyle, ['0:4:BOLD', '67:1:MONOSPACE', '69:1:STRIKETHROUGH', '71:1:ITALIC']);
  assert.deepEqual(render(markdown.parse('> **b**')), { message: '> b', textStyle: ['2:1:BOLD'] });
});

test('plain text goes as it is, and no part is so long that it becomes a file', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (unit) => {
      const text = unit.toWellFormed();
      assert.deepEqual(render(plainText(text)), { message: text, textStyle: [] });
      for (const part of splitRich(plainText(text.repeat(500)), signalCapabilities.text).slice(0, 3))
        assert.ok(Buffer.byteLength(render(part).message) <= 2000);
    }),
    { numRuns: 50 },
  );
});
