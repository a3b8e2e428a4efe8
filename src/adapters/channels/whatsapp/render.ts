/**
 * RichText → what WhatsApp shows: `*bold*`, `_italic_`, `~struck~`, `` `code` ``, ```` ``` ````, `> quote`.
 * https://faq.whatsapp.com/539178204879377
 *
 * There is no escape character. Where text would be read as markup by chance, a character of no width keeps it apart;
 * nothing that is read changes.
 */
import type { RichText, Span, SpanStyle } from '../../../core/rich-text.ts';
import { addressAfter, type Dialect, markup } from '../markup.ts';

/** Of one text message; markup counts. */
export const maxText = 4096;
/** Of the words beside a file, and of a message with buttons. */
export const maxCaption = 1024;

const apart = '\u200B';
const marks: Partial<Record<SpanStyle, string>> = {
  bold: '*',
  heading: '*',
  italic: '_',
  strike: '~',
  code: '`',
  pre: '```',
};

export const render = (body: RichText): string => {
  const rich = trimmed(body);
  return markup(rich, dialectFor(rich));
};

/** White space at the ends is cut by the platform, which would bring marks to the beginning of a line. */
function trimmed({ text, spans }: RichText): RichText {
  const inner = text.trim();
  const lead = text.length - text.trimStart().length;
  const inside = spans.flatMap((span) => {
    const from = Math.max(0, span.offset - lead);
    const to = Math.min(inner.length, span.offset + span.length - lead);
    return from < to ? [{ ...span, offset: from, length: to - from }] : [];
  });
  return { text: inner.toWellFormed(), spans: inside };
}

export const measure = (body: RichText): number => render(body).length;

const isWordBefore = /[\p{L}\p{N}]$/u;
const isWordAfter = /^[\p{L}\p{N}]/u;

function dialectFor({ text, spans }: RichText): Dialect {
  const marked = new Map<Span, boolean>();
  /** Marks work on one line, at its words' ends, and not beside a letter: elsewhere they would be read as characters. */
  const isMarked = (span: Span, content: string): boolean => {
    const known = marked.get(span);
    if (known !== undefined) return known;
    const end = span.offset + span.length;
    const block = span.style === 'pre';
    const fits =
      marks[span.style] !== undefined &&
      (block || (!content.includes('\n') && content.trim() === content)) &&
      content.trim() !== '' &&
      !((block || span.style === 'code') && content.includes('`')) &&
      !isWordBefore.test(text.slice(Math.max(0, span.offset - 2), span.offset)) &&
      !isWordAfter.test(text.slice(end, end + 2)) &&
      // A heading is bold as it is, and bold within bold is nothing.
      !(span.style === 'bold' && spans.some((outer) => outer.style === 'heading' && holds(outer, span)));
    marked.set(span, fits);
    return fits;
  };
  return {
    open(span, content) {
      if (span.style === 'quote') return atLineStart(text, span.offset) ? '> ' : '';
      if (!isMarked(span, content)) return '';
      return span.style === 'pre' ? '```\n' : (marks[span.style] ?? '');
    },
    close(span, content) {
      if (span.style === 'link') return addressAfter(span, content);
      if (!isMarked(span, content)) return '';
      if (span.style === 'pre') return content.endsWith('\n') ? '```' : '\n```';
      return marks[span.style] ?? '';
    },
    escape(piece, within) {
      if (within.some((span) => (span.style === 'pre' || span.style === 'code') && marked.get(span) === true))
        return piece;
      const safe = keptApart(piece);
      return within.some(({ style }) => style === 'quote') ? safe.replaceAll('\n', '\n> ') : safe;
    },
  };
}

const holds = (outer: Span, inner: Span): boolean =>
  outer.offset <= inner.offset && outer.offset + outer.length >= inner.offset + inner.length;
const atLineStart = (text: string, at: number): boolean => at === 0 || text.charAt(at - 1) === '\n';

/** Marks that stand where one could begin or end, and what makes a line a list or a quote. Addresses stay whole. */
const keptApart = (text: string): string =>
  text
    .split(address)
    .map((piece, n) => (n % 2 === 1 ? piece : piece.replaceAll(mark, spaced).replaceAll(lineMark, `$1${apart}`)))
    .join('');

const address = /(https?:\/\/[^\s<>]+)/i;
const mark = /(?<![\p{L}\p{N}])[*_~]+(?=\S|$)|(?<=\S|^)[*_~]+(?![\p{L}\p{N}])|`+/gu;
const lineMark = /(^|\n)(?=>|[-*] |\d+\. )/g;
const spaced = (run: string): string => run.replaceAll(/./g, `$&${apart}`);
