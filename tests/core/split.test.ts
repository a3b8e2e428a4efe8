import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { RichText, Span } from '../../src/core/rich-text.ts';
import { splitRich } from '../../src/core/split.ts';

/** 10,000 before a release: `SPLIT_CASES=10000 node --test tests/core/split.test.ts`. */
const cases = Number(process.env['SPLIT_CASES'] ?? 1500);

const plain = (text: string): RichText => ({ text, spans: [] });
const texts = (text: string, maxLength: number): string[] =>
  splitRich(plain(text), { maxLength, maxSpans: 100 }).map((part) => part.text);

test('short text stays one part with its spans untouched', () => {
  const source: RichText = { text: 'hello', spans: [{ style: 'bold', offset: 0, length: 5 }] };
  assert.deepEqual(splitRich(source, { maxLength: 5, maxSpans: 1 }), [source]);
});

test('a paragraph break wins over a later line, sentence or word', () => {
  assert.deepEqual(texts('one two.\n\nthree.\nfour five', 20), ['one two.\n\n', 'three.\nfour five']);
  assert.deepEqual(texts('one two three.\nfour. five six', 24), ['one two three.\n', 'four. five six']);
  assert.deepEqual(texts('one two. three four', 14), ['one two. ', 'three four']);
  assert.deepEqual(texts('one two three', 10), ['one two ', 'three']);
});

test('a break that would leave a crumb is not taken', () => {
  assert.deepEqual(texts(`a\n\n${'b'.repeat(30)}`, 20), [`a\n\n${'b'.repeat(17)}`, 'b'.repeat(13)]);
});

test('a family emoji, a flag and a combining mark are never cut', () => {
  const family = '👨‍👩‍👧‍👦';
  for (const cluster of [family, '🇩🇪', 'e\u0301', '👍🏽']) {
    for (const part of texts(cluster.repeat(40), 29)) assert.equal(part.length % cluster.length, 0, part);
  }
  assert.deepEqual(texts('abcdef \u0301ghi', 7), ['abcdef', ' \u0301ghi']);
});

test('a cluster longer than a part is cut between code points, never inside a surrogate pair', () => {
  const zalgo = `a${'\u0301'.repeat(50)}`;
  assert.equal(texts(zalgo, 20).join(''), zalgo);
  for (const part of texts(`x${'😀'.repeat(20)}`, 4)) assert.ok(part.isWellFormed());
});

test('text that ends in a line break leaves no blank last part', () => {
  assert.deepEqual(texts(`${'a'.repeat(10)}\n`, 10), ['a'.repeat(9), 'a\n']);
  assert.deepEqual(
    texts(`${'a'.repeat(10)}${' '.repeat(50)}`, 10).map((part) => part.trim() !== ''),
    [true, true],
  );
  assert.deepEqual(
    texts(`a${' '.repeat(50)}b`, 10).map((part) => part.trim()),
    ['a', 'b'],
  );
});

test('blank text is one part and empty text none', () => {
  assert.deepEqual(texts('  \n', 2), ['  ']);
  assert.deepEqual(texts('', 10), []);
});

test('code goes on in the next part with its language', () => {
  const text = 'line one\nline two\nline three\n';
  const spans: Span[] = [{ style: 'pre', offset: 0, length: text.length, language: 'js' }];
  const parts = splitRich({ text, spans }, { maxLength: 20, maxSpans: 10 });
  assert.deepEqual(parts, [
    { text: 'line one\nline two\n', spans: [{ style: 'pre', offset: 0, length: 18, language: 'js' }] },
    { text: 'line three\n', spans: [{ style: 'pre', offset: 0, length: 11, language: 'js' }] },
  ]);
});

test('a short link is not torn apart', () => {
  const text = 'please read the manual page now';
  const spans: Span[] = [{ style: 'link', offset: 16, length: 11, url: 'https://a.example' }];
  const [first, second] = splitRich({ text, spans }, { maxLength: 24, maxSpans: 10 });
  assert.equal(first?.text, 'please read the ');
  assert.deepEqual(second?.spans, [{ style: 'link', offset: 0, length: 11, url: 'https://a.example' }]);
});

test('more spans than a part may carry cut it before the first that is too many', () => {
  const text = 'a b c d e f';
  const spans: Span[] = [0, 2, 4, 6, 8, 10].map((offset) => ({ style: 'bold', offset, length: 1 }));
  const parts = splitRich({ text, spans }, { maxLength: 100, maxSpans: 2 });
  assert.deepEqual(
    parts.map((part) => part.text),
    ['a b ', 'c d ', 'e f'],
  );
  for (const part of parts) assert.equal(part.spans.length, 2);
});

test('nesting deeper than the platform allows loses the innermost spans, not the text', () => {
  const spans: Span[] = Array.from({ length: 20 }, () => ({ style: 'bold', offset: 0, length: 4 }));
  const parts = splitRich({ text: 'deep', spans }, { maxLength: 100, maxSpans: 5 });
  assert.deepEqual(
    parts.map((part) => [part.text, part.spans.length]),
    [['deep', 5]],
  );
});

const piece = fc.constantFrom(
  'a',
  'word',
  'Ein Satz. ',
  ' ',
  '\n',
  '\n\n',
  '\r\n',
  '.',
  '😀',
  '👨‍👩‍👧‍👦',
  '🇩🇪',
  'e\u0301',
  '\u0301',
  '\u200d',
  'ق',
  '한',
  '。',
);
const source = fc
  .tuple(fc.array(piece, { maxLength: 120 }), fc.array(fc.tuple(fc.nat(), fc.nat(30), fc.nat(5)), { maxLength: 15 }))
  .map(([pieces, marks]): RichText => {
    const text = pieces.join('');
    const styles = ['bold', 'italic', 'code', 'link', 'pre', 'quote'] as const;
    const spans: Span[] = [];
    for (const [at, length, style] of marks) {
      const offset = text.length === 0 ? 0 : at % text.length;
      const span: Span = { style: styles[style] ?? 'bold', offset, length: Math.min(length + 1, text.length - offset) };
      const end = offset + span.length;
      const crosses = spans.some((other) => {
        const otherEnd = other.offset + other.length;
        return (
          offset < otherEnd &&
          other.offset < end &&
          !(offset >= other.offset && end <= otherEnd) &&
          !(other.offset >= offset && otherEnd <= end)
        );
      });
      if (text !== '' && !crosses) spans.push(span);
    }
    return { text, spans: spans.sort((a, b) => a.offset - b.offset || b.length - a.length) };
  });

test('any text in any limits: nothing lost, nothing over, nothing blank, every formatted character still formatted', () => {
  fc.assert(
    fc.property(
      source,
      fc.integer({ min: 24, max: 90 }),
      fc.integer({ min: 4, max: 20 }),
      (rich, maxLength, maxSpans) => {
        const parts = splitRich(rich, { maxLength, maxSpans });
        const longestBlank = Math.max(0, ...(rich.text.match(/\s+/g) ?? []).map((run) => run.length));
        const longestCluster = Math.max(
          0,
          ...[...new Intl.Segmenter().segment(rich.text)].map(({ segment }) => segment.length),
        );
        if (rich.text.trim() === '' || longestBlank >= maxLength / 2 || longestCluster >= maxLength / 2) return;
        assert.equal(parts.map((part) => part.text).join(''), rich.text);
        const boundaries = new Set([...new Intl.Segmenter().segment(rich.text)].map(({ index }) => index));
        let start = 0;
        for (const part of parts) {
          assert.ok(part.text.length <= maxLength && part.text.trim() !== '', JSON.stringify(part));
          assert.ok(boundaries.has(start), `cut inside a grapheme at ${start}`);
          assert.ok(part.spans.length <= maxSpans);
          for (const { offset, length } of part.spans) {
            assert.ok(offset >= 0 && length > 0 && offset + length <= part.text.length);
          }
          if (maxSpans >= rich.spans.length) {
            for (let i = 0; i < part.text.length; i++) {
              const at = start + i;
              const has = (spans: readonly Span[], position: number): string =>
                spans
                  .filter((span) => span.offset <= position && position < span.offset + span.length)
                  .map((span) => span.style)
                  .join();
              if (part.text[i]?.trim() !== '') assert.equal(has(part.spans, i), has(rich.spans, at));
            }
          }
          start += part.text.length;
        }
      },
    ),
    { numRuns: cases },
  );
});

test('two million characters without one break are cut in reasonable time', () => {
  assert.equal(texts('x'.repeat(2_000_000), 4096).length, 489);
  assert.equal(texts(`${' '.repeat(200_000)}x`, 4096).length, 1);
  assert.equal(texts('。\u0301'.repeat(50_000), 4096).length, 25);
});
