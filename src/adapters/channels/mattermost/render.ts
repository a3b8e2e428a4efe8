/**
 * RichText → Mattermost's Markdown. Its web client reads with a fork of marked, its mobile client with CommonMark; what
 * is written here means the same to both. What no backslash can quiet is parted by a character of no width.
 */
import type { RichText, Span } from '../../../core/rich-text.ts';
import { markup } from '../markup.ts';
import type { Dialect } from '../markup.ts';

/** Servers take 16,383 characters (their `MaxPostSize`). */
export const maxLength = 15_000;

const apart = '\u200b';

export function render(rich: RichText): string {
  const source = { text: rich.text.toWellFormed(), spans: rich.spans };
  let out = '';
  let at = 0;
  for (const quote of outerQuotes(source)) {
    out += inline(slice(source, at, quote.offset));
    if (out !== '' && !out.endsWith('\n')) out += '\n';
    at = quote.offset + quote.length;
    out += inline(slice(source, quote.offset, at)).replaceAll(/^/gm, '> ');
    // Without an empty line what follows would still be quoted.
    const rest = source.text.slice(at);
    if (rest !== '') out += '\n'.repeat(Math.max(0, 2 - (/^\n*/.exec(rest)?.[0].length ?? 0)));
  }
  return out + inline(slice(source, at, source.text.length));
}

export const measure = (rich: RichText): number => render(rich).length;

function outerQuotes({ spans }: RichText): Span[] {
  let end = 0;
  return spans.filter((span) => {
    if (span.style !== 'quote' || span.offset < end) return false;
    end = span.offset + span.length;
    return true;
  });
}

/** A part of a text, with the spans in it; quotes are written by the caller. */
function slice({ text, spans }: RichText, from: number, to: number): RichText {
  const inside = spans.flatMap((span) => {
    const start = Math.max(span.offset, from);
    const end = Math.min(span.offset + span.length, to);
    return span.style === 'quote' || start >= end ? [] : [{ ...span, offset: start - from, length: end - start }];
  });
  return { text: text.slice(from, to), spans: inside };
}

const inline = (rich: RichText): string => markup(tight(rich), markdown);

const emphasis: Partial<Record<Span['style'], string>> = { bold: '**', heading: '**', italic: '_', strike: '~~' };

/** Marks stand right at their words, or they would be read as signs; where that cannot be, the words go without. */
function tight({ text, spans }: RichText): RichText {
  const found: Span[] = [];
  for (const span of spans) {
    const content = text.slice(span.offset, span.offset + span.length);
    if (emphasis[span.style] === undefined && span.style !== 'link') {
      found.push(span);
      continue;
    }
    const lead = content.length - content.trimStart().length;
    const offset = span.offset + lead;
    const length = content.trim().length;
    const before = text[offset - 1] ?? ' ';
    const after = text[offset + length] ?? ' ';
    const edges = [text[offset], text[offset + length - 1]].join('');
    const stuck = isWord(before) || isWord(after);
    const unreadable =
      length === 0 || /\n\s*\n/.test(content) || (stuck && (span.style === 'italic' || /[^\p{L}\p{N}]/u.test(edges)));
    if (span.style === 'link' ? length > 0 : !unreadable) found.push({ ...span, offset, length });
  }
  return { text, spans: found.sort((a, b) => a.offset - b.offset || b.length - a.length) };
}

const isWord = (sign: string): boolean => /[\p{L}\p{N}_*~]/u.test(sign);

const markdown: Dialect = {
  open(span, content) {
    if (span.style === 'link') return isLinkable(span.url) ? '[' : '';
    if (span.style === 'code') return `${fence(content, 1)}${pad(content)}`;
    if (span.style === 'pre') return `${fence(content, 3)}${language(span.language)}\n`;
    return emphasis[span.style] ?? '';
  },
  close(span, content) {
    if (span.style === 'link') return isLinkable(span.url) ? `](${address(span.url ?? '')})` : '';
    if (span.style === 'code') return `${pad(content)}${fence(content, 1)}`;
    if (span.style === 'pre') return `${content.endsWith('\n') ? '' : '\n'}${fence(content, 3)}`;
    return emphasis[span.style] ?? '';
  },
  escape(text, within) {
    if (within.some(({ style }) => style === 'code' || style === 'pre')) return text;
    return quiet(
      text,
      within.some(({ style }) => style === 'link'),
    );
  },
};

/** Longer than any run of backticks inside. */
const fence = (content: string, least: number): string =>
  '`'.repeat(Math.max(least, ...[...content.matchAll(/`+/g)].map(([run]) => run.length + 1)));

const pad = (content: string): string => (/^`|`$|^ .* $/s.test(content) ? ' ' : '');

const language = (name = ''): string => (/^[\w+#.-]{1,40}$/.test(name) ? name : '');

const isLinkable = (url: string | undefined): boolean =>
  url !== undefined && url.length <= 2048 && /^(https?|mailto):[^\s<>]+$/i.test(url);

const address = (url: string): string =>
  url.replaceAll(/[()\\]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Addresses that clients make links of by themselves: inside them a backslash would be part of the address. They end
 * before what would be a sign even there.
 */
const bareUrl = /\b(?:(?:https?|ftp|mailto):|www\.)(?:[^\s<>"`*[\]\\|~&_]|(?<=[A-Za-z0-9_])_|~(?!~)|&(?!#?\w+;))+/gi;

/** Text that means nothing but itself and calls nobody. */
function quiet(text: string, inLink: boolean): string {
  if (inLink) return escapeSigns(text.replaceAll(bareUrl, (url) => url.replace(/[:.]/, `$&${apart}`)));
  let out = '';
  let at = 0;
  for (const match of text.matchAll(bareUrl)) {
    out += escapeSigns(text.slice(at, match.index));
    // In angle brackets an address would lose them.
    if (out.endsWith('<')) out += apart;
    out += match[0].replaceAll(/@(?=(?:all|channel|here)\b)/gi, `@${apart}`);
    at = match.index + match[0].length;
  }
  return out + escapeSigns(text.slice(at));
}

function escapeSigns(text: string): string {
  return (
    text
      // Mentions: people, groups, @all, @channel and @here; not the @ inside of a mail address.
      .replaceAll(/(?<![A-Za-z0-9])@(?=[\p{L}\p{N}_.-])/gu, `@${apart}`)
      .replaceAll(/(?<![A-Za-z0-9]):(?=[a-z+][a-z0-9_+-]*:)/gi, `:${apart}`)
      // An entity, an address or a tag in angle brackets, a "scheme" that would begin an address.
      .replaceAll(/&(?=#?\w+;)/g, `&${apart}`)
      .replaceAll(/<(?=[A-Za-z/!?]|[^\s<>]*@)/g, `<${apart}`)
      .replaceAll(/([A-Za-z][A-Za-z\d.+-]*:)(?=[\p{L}\d%/]\S*[`*[\]|~_\\])/gu, `$1${apart}`)
      // Indented code, a line below a title.
      .replaceAll(/^(?=[ \t]{4}| {0,3}\t|[ \t]*=+[ \t]*$)/gm, apart)
      .replaceAll(/\\(?!\w)/g, '\\\\')
      .replaceAll(/[`*[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\$&')
      // Titles, quotes, lists and rules are only what begins a line.
      .replaceAll(/^([ \t]*)([#>+-])/gm, '$1\\$2')
      .replaceAll(/^([ \t]*\d+)([.)])/gm, '$1\\$2')
  );
}
