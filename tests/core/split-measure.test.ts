/** Splitting where the platform counts more than the text: entities, tags, bytes. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { RichText, Span } from '../../src/core/rich-text.ts';
import { splitRich } from '../../src/core/split.ts';

/** 10,000 of each dialect before a release: `npm run prove -- split`. */
const cases = Number(process.env['SPLIT_CASES'] ?? 500);

const entity = (text: string): number => text.length + 4 * (text.match(/[&<>]/g)?.length ?? 0);

/** How long a part is on platforms of each kind, and the most that one span can add to it. */
const dialects: Record<string, { measure: (part: RichText) => number; perSpan: number; perUnit: number }> = {
  'its own units': { measure: ({ text }) => text.length, perSpan: 0, perUnit: 1 },
  'tags and entities': {
    measure: ({ text, spans }) =>
      entity(text) + spans.reduce((sum, { url = '' }) => sum + 7 + (url === '' ? 0 : 9 + entity(url)), 0),
    perSpan: 7 + 9 + 23,
    perUnit: 5,
  },
  'bytes of UTF-8': {
    measure: ({ text, spans }) => Buffer.byteLength(text) + 4 * spans.length,
    perSpan: 4,
    perUnit: 3,
  },
  'code points': { measure: ({ text, spans }) => Array.from(text).length + 2 * spans.length, perSpan: 2, perUnit: 1 },
};

/** One cluster, longer than many a part. */
const endless = `😀${'\u200d😀'.repeat(30)}`;

const pieces = [
  'a',
  'word',
  'Ein Satz. ',
  ' ',
  '\n',
  '\n\n',
  '.',
  '&',
  '<<<',
  '&lt;',
  '😀',
  '👨‍👩‍👧‍👦',
  '🇩🇪',
  'e\u0301',
  'ق',
  '한',
  '。',
];
const piece = fc.constantFrom(endless, ...pieces);
const styles = ['bold', 'italic', 'code', 'link', 'pre', 'quote'] as const;
const mark = fc.tuple(fc.nat(), fc.nat(30), fc.constantFrom(...styles));

/** Text with spans that nest. */
const source = fc
  .tuple(fc.array(piece, { maxLength: 150, size: 'max' }), fc.array(mark, { maxLength: 15, size: 'max' }))
  .map(([words, marks]): RichText => {
    const text = words.join('');
    const spans: Span[] = [];
    for (const [at, length, style] of text === '' ? [] : marks) {
      const offset = at % text.length;
      const end = Math.min(offset + length + 1, text.length);
      const crosses = spans.some((other) => {
        const otherEnd = other.offset + other.length;
        const apart = end <= other.offset || otherEnd <= offset;
        const nested = (offset >= other.offset && end <= otherEnd) || (other.offset >= offset && otherEnd <= end);
        return !apart && !nested;
      });
      if (crosses) continue;
      spans.push({
        style,
        offset,
        length: end - offset,
        ...(style === 'link' ? { url: 'https://a.example/?b=c&d' } : {}),
      });
    }
    return { text, spans: spans.sort((a, b) => a.offset - b.offset || b.length - a.length) };
  });

/** The most spans that lie over one place. */
const depthOf = ({ text, spans }: RichText): number =>
  Math.max(
    0,
    ...Array.from(
      { length: text.length },
      (_, at) => spans.filter(({ offset, length }) => offset <= at && at < offset + length).length,
    ),
  );

for (const [name, { measure, perSpan, perUnit }] of Object.entries(dialects)) {
  test(`counted in ${name}: nothing lost, every part within the limit, no surrogate pair cut`, () => {
    fc.assert(
      fc.property(source, fc.integer({ min: 20, max: 120 }), (rich, room) => {
        // Room for the spans that lie over one place; less than their markup is no limit that could be kept.
        const maxLength = room * perUnit + depthOf(rich) * perSpan;
        const parts = splitRich(rich, { maxLength, maxSpans: 100, measure });
        const blank = Math.max(0, ...(rich.text.match(/\s+/g) ?? []).map((run) => run.length));
        if (rich.text.trim() !== '' && blank < 5) assert.equal(parts.map(({ text }) => text).join(''), rich.text);
        for (const part of parts) {
          assert.ok(measure(part) <= maxLength, `${measure(part)} > ${maxLength}: ${JSON.stringify(part)}`);
          assert.ok(part.text.isWellFormed(), JSON.stringify(part));
          for (const { offset, length } of part.spans) {
            assert.ok(offset >= 0 && length > 0 && offset + length <= part.text.length);
          }
        }
      }),
      { numRuns: cases },
    );
  });
}
