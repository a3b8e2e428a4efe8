/**
 * RichText → Markdown, for messages that Slack streams: pieces are appended and never taken back, so only what later
 * words cannot change is given out. https://docs.slack.dev/reference/methods/chat.appendStream
 */
import type { RichText, Span } from '../../../core/rich-text.ts';
import { markup, type Dialect } from '../markup.ts';
import { isLinkable } from './render.ts';

export interface StreamText {
  markdown: string;
  /** False when Slack's reading of it may differ in a character: text that looks like markup is in it. */
  exact: boolean;
}

/** What would be read as markup in the middle of a text. Mentions and tags are made of `<`, which is an entity here. */
const special = /[\\`*_~[\]#|]/g;
/** What would be read as a list, whose numbers Slack may change. */
const lineMark = /^\s*(?:[-+]|\d+[.)])\s/m;

const marks: Partial<Record<Span['style'], string>> = { bold: '**', heading: '**', italic: '*', strike: '~~' };

/** The whole text. */
export const wholeText = (body: RichText): StreamText => markdownOf(body, false);

/** The beginning of a text that goes on: the part that stays as it is whatever follows. */
export const settledText = (body: RichText): StreamText => markdownOf(settledPart(body), true);

function markdownOf(body: RichText, growing: boolean): StreamText {
  let exact = true;
  const end = body.text.length;
  const dialect: Dialect = {
    open: (span, content) => {
      if (span.style === 'pre') return `${fence(content, 3)}${(span.language ?? '').replaceAll(/[^\w+#-]/g, '')}\n`;
      if (span.style === 'code') return fence(content, 1);
      if (span.style === 'link') return isLinkable(span.url) ? '[' : '';
      return span.style === 'quote' ? '> ' : (marks[span.style] ?? '');
    },
    close: (span, content) => {
      if (content.includes('`')) exact = false;
      if (span.style === 'pre') {
        // Code that may still grow stays open.
        if (growing && span.offset + span.length >= end) return '';
        return `${content.endsWith('\n') ? '' : '\n'}${fence(content, 3)}`;
      }
      if (span.style === 'code') return fence(content, 1);
      if (span.style === 'link') return isLinkable(span.url) ? `](${addressOf(span.url ?? '')})` : '';
      return marks[span.style] ?? '';
    },
    escape: (text, within) => {
      const has = (...styles: Span['style'][]): boolean => within.some(({ style }) => styles.includes(style));
      const plain = text.toWellFormed();
      if (has('code', 'pre')) return plain;
      const whole = plain
        .replaceAll(special, String.raw`\$&`)
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;');
      if (whole !== plain || lineMark.test(plain)) exact = false;
      return has('quote') ? whole.replaceAll('\n', '\n> ') : whole;
    },
  };
  return { markdown: markup(body, dialect), exact };
}

/** More backticks than the code holds in a row. */
function fence(content: string, least: number): string {
  const longest = Math.max(0, ...[...content.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  return '`'.repeat(Math.max(least, longest + 1));
}

/** Nothing in it ends the link. */
const addressOf = (url: string): string =>
  url.toWellFormed().replaceAll(/[()<>\\]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function settledPart({ text, spans }: RichText): RichText {
  const solidEnd = text.trimEnd().length;
  const lineStart = text.lastIndexOf('\n') + 1;
  const growing = spans.find(({ offset, length }) => offset + length >= solidEnd);
  let end = Math.max(text.lastIndexOf(' '), text.lastIndexOf('\n')) + 1;
  // Of code all lines but the last are final; of anything else that reaches the end, nothing is.
  if (growing !== undefined) end = growing.style === 'pre' && lineStart > growing.offset ? lineStart : growing.offset;
  // The beginning of markup that is not closed yet looks like text.
  for (const { index } of text.slice(lineStart, end).matchAll(special)) {
    const at = lineStart + index;
    if (spans.some(({ offset, length }) => offset <= at && at < offset + length)) continue;
    end = at;
    break;
  }
  // A line that says nothing yet may turn out to be the mark of a list or a rule.
  if (!/\p{L}/u.test(text.slice(lineStart, end))) end = Math.min(end, lineStart);
  return {
    text: text.slice(0, end),
    spans: spans.flatMap((span) => {
      const length = Math.min(span.offset + span.length, end) - span.offset;
      return length > 0 ? [{ ...span, length }] : [];
    }),
  };
}
