import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { createMarkdown } from '../../../src/adapters/markdown/index.ts';
import type { Span } from '../../../src/core/rich-text.ts';

const markdown = createMarkdown();
/** Spans as `style(text)`, which reads better than offsets. */
function show(source: string): { text: string; spans: string[] } {
  const { text, spans } = markdown.parse(source);
  const name = (span: Span): string => `${span.style}${span.language === undefined ? '' : `:${span.language}`}`;
  return {
    text,
    spans: spans.map((span) => {
      const words = text.slice(span.offset, span.offset + span.length);
      return `${name(span)}(${words})${span.url === undefined ? '' : `→${span.url}`}`;
    }),
  };
}

test('emphasis, code, strike and links become spans, nested ones inside their outer', () => {
  assert.deepEqual(show('a **b *c* `d`** ~~e~~ [f](https://x.example/a_b)'), {
    text: 'a b c d e f',
    spans: ['bold(b c d)', 'italic(c)', 'code(d)', 'strike(e)', 'link(f)→https://x.example/a_b'],
  });
});

test('headings, paragraphs, rules and line breaks keep their distance', () => {
  assert.deepEqual(show('# One\ntwo\nthree\n\nfour\n\n---\nfive'), {
    text: 'One\n\ntwo\nthree\n\nfour\n\n———\n\nfive',
    spans: ['heading(One)'],
  });
});

test('lists keep bullets, numbers and nesting', () => {
  assert.equal(
    show('intro\n\n- a\n- b\n  - c\n    more\n- d\n\n3. x\n4. y').text,
    'intro\n\n• a\n• b\n  • c\n    more\n• d\n\n3. x\n4. y',
  );
  assert.equal(show('-\n- b\n-').text, '• \n• b\n• ');
  assert.equal(show('- a\n\n- b\n\n  second').text, '• a\n\n• b\n\n  second');
});

test('a code fence keeps its language, its spaces and its backticks', () => {
  assert.deepEqual(show('see\n```js x\nif (a) {\n  `b`\n}\n```\nend'), {
    text: 'see\n\nif (a) {\n  `b`\n}\n\nend',
    spans: ['pre:js(if (a) {\n  `b`\n})'],
  });
  assert.deepEqual(show('- item\n  ```\n    x\n  ```').spans, ['pre(  x)']);
});

test('what streams in half-written still reads well', () => {
  assert.deepEqual(show('```py\nprint(1'), { text: 'print(1', spans: ['pre:py(print(1)'] });
  assert.deepEqual(show('```py\n'), { text: '', spans: [] });
  assert.equal(show('this is **bo').text, 'this is **bo');
  assert.equal(show('see [the docs](https://exa').text, 'see [the docs](https://exa');
});

test('raw HTML and addresses of unknown schemes arrive as the text they are', () => {
  assert.deepEqual(show('<b>x</b> <script>alert(1)</script> <email@x>'), {
    text: '<b>x</b> <script>alert(1)</script> email@x',
    spans: ['link(email@x)→mailto:email@x'],
  });
  assert.deepEqual(show('[x](javascript:alert(1)) [y](file:///etc/passwd)').spans, []);
  assert.deepEqual(show('<https://a.example> [m](mailto:a@b.example) [t](tg://user?id=1)').spans, [
    'link(https://a.example)→https://a.example',
    'link(m)→mailto:a@b.example',
    'link(t)→tg://user?id=1',
  ]);
});

test('an image is a link, and a link without words shows its address', () => {
  assert.deepEqual(show('![a *cat*](https://x.example/c.png) [](https://y.example)').spans, [
    'link(a cat)→https://x.example/c.png',
    'link(https://y.example)→https://y.example',
  ]);
});

test('quotes hold their paragraphs', () => {
  assert.deepEqual(show('> one\n>\n> **two**\n\nthree'), {
    text: 'one\n\ntwo\n\nthree',
    spans: ['quote(one\n\ntwo)', 'bold(two)'],
  });
});

test('a small table is aligned, a wide one stays readable', () => {
  assert.deepEqual(show('| a | bb |\n|---|---|\n| 1 | **2** |\n| 333 | |'), {
    text: 'a   | bb\n----+---\n1   | 2\n333 |',
    spans: ['pre(a   | bb\n----+---\n1   | 2\n333 |)'],
  });
  const wide = show(`| a | b |\n|---|---|\n| ${'x'.repeat(50)} | ${'y'.repeat(50)} |`);
  assert.deepEqual(wide.spans, ['bold(a | b)']);
});

test('hostile input costs no more than its length', () => {
  const deep = ['[', '*', '_', '`', '~', '>', '- ', '<', '![', '[a](', '*a **a ', '\\', '&', '|', '*_'];
  for (const piece of deep) {
    const source = piece.repeat(Math.floor(100_000 / piece.length));
    assert.equal(typeof markdown.parse(source).text, 'string'); // quadratic code takes minutes
  }
  const huge = 'x'.repeat(200_001);
  assert.deepEqual(markdown.parse(huge), { text: huge, spans: [] });
});

test('no word is ever lost, however deep or odd the markup around it', () => {
  for (const opener of ['>', '- ', '1. ', '> - ', '*a **b ', '[a', '![']) {
    for (const depth of [1, 15, 31, 32, 40, 63, 64, 65, 500]) {
      assert.match(markdown.parse(`${opener.repeat(depth)} hello`).text, /hello/, `${opener} ${depth}`);
    }
  }
  assert.match(show('see [1]\n\n[1]: https://x.example "title"').text, /https:\/\/x\.example/);
  const pieces = [
    '**',
    '*',
    '_',
    '`',
    '~~',
    '\n> ',
    '\n- ',
    '\n    ',
    '[',
    '](https://x.y)',
    ']: ',
    '\n# ',
    '\n',
    '\n\n',
    '<b>',
    '\n---\n',
    '\\',
    '![',
    '&amp;',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
      const source = parts.map((piece, index) => `${piece}w${index}w`).join('');
      const { text, spans } = markdown.parse(source);
      const all = text + JSON.stringify(spans);
      for (const index of parts.keys()) assert.ok(all.includes(`w${index}w`), JSON.stringify({ source, text, index }));
    }),
    { numRuns: 1000 },
  );
});

test('any text gives sorted, nested, bounded spans', () => {
  const pieces = [
    '*',
    '**',
    '_',
    '`',
    '```\n',
    '~~',
    '> ',
    '- ',
    '1. ',
    '[',
    '](https://x.y)',
    '# ',
    '\n',
    '\n\n',
    ' ',
    'a',
    '|',
    '---',
    '😀',
    '\\',
    '<b>',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (parts) => {
      const { text, spans } = markdown.parse(parts.join(''));
      const open: Span[] = [];
      let last: Span | null = null;
      for (const span of spans) {
        assert.ok(span.offset >= 0 && span.length > 0 && span.offset + span.length <= text.length);
        if (last !== null) {
          assert.ok(last.offset < span.offset || (last.offset === span.offset && last.length >= span.length));
        }
        while ((open.at(-1)?.offset ?? 0) + (open.at(-1)?.length ?? Infinity) <= span.offset) open.pop();
        const outer = open.at(-1);
        if (outer !== undefined) assert.ok(span.offset + span.length <= outer.offset + outer.length);
        open.push(span);
        last = span;
      }
    }),
    { numRuns: 1000 },
  );
});
