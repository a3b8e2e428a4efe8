/**
 * RichText → Discord's Markdown. Whatever is not ours to style is escaped, so that text is read as it was written;
 * where a style cannot be said safely it is the style that is dropped.
 * https://support.discord.com/hc/en-us/articles/210298617 and the rules of the clients' parser
 */
import type { RichText, Span, SpanStyle } from '../../../core/rich-text.ts';

const markers: Partial<Record<SpanStyle, string>> = {
  bold: '**',
  heading: '**',
  italic: '*',
  underline: '__',
  strike: '~~',
  spoiler: '||',
};

export const render = ({ text, spans }: RichText): string =>
  spans.length === 0 ? escaped(text, 0, text.length, false) : emit(text, 0, text.length, spans, []).trim();

/** The length as the platform counts it. */
export const measure = (body: RichText): number => render(body).length;

function emit(text: string, from: number, to: number, spans: readonly Span[], around: readonly string[]): string {
  let out = '';
  let at = from;
  for (const [n, span] of spans.entries()) {
    const end = span.offset + span.length;
    if (span.offset < at || end > to) continue;
    const inner = spans.slice(n + 1).filter((other) => other.offset + other.length <= end);
    const shown = styled(text, span, inner, around);
    if (shown === null) continue; // What it holds may still have a style.
    const touches = out !== '' && span.offset === at;
    const next = touches ? joined(out, shown) : out + escaped(text, at, span.offset, around.length > 0) + shown;
    if (next === null) continue;
    out = next;
    at = end;
  }
  return out + escaped(text, at, to, around.length > 0);
}

/**
 * Two styles without anything between: `**a****b**` would be read as neither, so of one kind they become one, and of
 * kinds that share a sign the second is dropped (null).
 */
function joined(before: string, shown: string): string | null {
  const [sign = ''] = shown;
  // What is struck out ends only before something else than `_`.
  if (sign === '_' && before.endsWith('~')) return null;
  if (!/[*_~|`]/.test(sign) || !before.endsWith(sign)) return before + shown;
  const marker = sign + sign;
  const same = before.endsWith(marker) && before.at(-3) !== '\\' && shown.startsWith(marker);
  if (sign === '`' || !same) return null;
  return joined(before.slice(0, -2), shown.slice(2));
}

/** Null when the span cannot be shown as what it is. */
function styled(text: string, span: Span, inner: readonly Span[], around: readonly string[]): string | null {
  const [from, to] = [span.offset, span.offset + span.length];
  const content = text.slice(from, to);
  if (content.trim() === '') return null;
  switch (span.style) {
    case 'pre':
      return around.length > 0 ? null : fenced(content, span.language);
    case 'code':
      // Inside of a style its signs would be read before the code is.
      return around.length > 0 && /[\\*_~|[\]]/.test(content) ? null : inlineCode(content);
    case 'quote':
      if (from > 0 && text[from - 1] !== '\n') return null;
      return emit(text, from, to, inner, around)
        .split('\n')
        .map((line) => `> ${line}`)
        .join('\n');
    case 'link':
      return link(text, span, inner, around);
    default:
      return emphasis(text, span, inner, around);
  }
}

function fenced(content: string, language = ''): string | null {
  if (content.includes('```')) return null; // Nothing escapes a fence inside of one.
  const name = /^[\w+.#-]{1,32}$/.test(language) ? language : '';
  return `\`\`\`${name}\n${content.replace(/\n$/, '')}\n\`\`\``;
}

function inlineCode(content: string): string | null {
  const runs = [...content.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = '`'.repeat(Math.max(0, ...runs) + 1);
  if (fence.length > 2) return null;
  const pad = content.startsWith('`') || content.endsWith('`') ? ' ' : '';
  return fence + pad + content + pad + fence;
}

function link(text: string, span: Span, inner: readonly Span[], around: readonly string[]): string | null {
  const { url = '' } = span;
  const label = text.slice(span.offset, span.offset + span.length);
  // A label that looks like an address is shown raw by the clients, with brackets and all.
  if (label === url || /:\/\/|[[\]\n]/.test(label) || !/^https?:\/\/\S+$/i.test(url) || !URL.canParse(url)) return null;
  const target = url.replaceAll(/[()<>\\*_~|`]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const soft = inner.filter(({ style }) => style !== 'link' && style !== 'quote' && style !== 'pre');
  return `[${emit(text, span.offset, span.offset + span.length, soft, [...around, '['])}](${target})`;
}

function emphasis(text: string, span: Span, inner: readonly Span[], around: readonly string[]): string | null {
  const marker = markers[span.style];
  if (marker === undefined || around.includes(marker) || inner.some(({ style }) => style === 'pre')) return null;
  // Markers stick to words: whitespace at the ends stays outside.
  const content = text.slice(span.offset, span.offset + span.length);
  const from = span.offset + content.length - content.trimStart().length;
  const to = span.offset + content.trimEnd().length;
  const sign =
    marker === '*'
      ? italicSign(text, from, to, [...around, ...inner.map(({ style }) => markers[style] ?? '')])
      : marker;
  if (sign === null) return null;
  const body = emit(text, from, to, inner, [...around, marker]);
  const edge = (at: number, end: number): string => escaped(text, at, end, around.length > 0);
  return edge(span.offset, from) + sign + body + sign + edge(to, span.offset + span.length);
}

/** `_` cannot be confused with bold but must stand at the edge of a word; `*` is the other way round. */
function italicSign(text: string, from: number, to: number, touching: readonly string[]): '_' | '*' | null {
  const atEdge = !/\w/.test(text.charAt(from - 1)) && !/\w/.test(text.charAt(to));
  if (atEdge && !touching.includes('__')) return '_';
  return touching.includes('**') ? null : '*';
}

/** Addresses the clients make clickable by themselves; nothing in them is read as markup. */
const address = /https?:\/\/[^\s<]+/gi;

/** A piece of the text so that it is read as it is. Inside of a style an address could end it, so it is no link there. */
function escaped(text: string, from: number, to: number, inStyle: boolean): string {
  const piece = text.slice(from, to);
  let out = '';
  let at = 0;
  for (const { 0: url, index } of piece.matchAll(address)) {
    out += escapedWords(text, from + at, from + index);
    // Directly before it the sign that escapes a bracket would belong to the address.
    const harmless = piece[index + url.length] !== '<' && !(inStyle && /[\\*_~|`[\]]/.test(url));
    out += harmless
      ? url
      : escapedWords(text, from + index, from + index + url.length).replaceAll(/(?<!\\):(?=\/\/)/g, '\\:');
    at = index + url.length;
  }
  return out + escapedWords(text, from + at, to);
}

/** Names of emoji are shorter. */
const maxEmoji = 66;

function escapedWords(text: string, from: number, to: number): string {
  const lineStart = /(?:^|\n)[^\S\n]*$/.test(text.slice(Math.max(0, from - 40), from)) || from === 0;
  const words = text
    .slice(from, to)
    .replaceAll(/[\\*_~|`<[]|@(?=everyone|here)|:/g, (sign: string, at: number) =>
      sign === ':' && !/^:[\w+-]+:/.test(text.slice(from + at, from + at + maxEmoji)) ? sign : `\\${sign}`,
    );
  // Headings, small print, quotes, lists; what ends here may go on in a style.
  const atLine = /(^|\n)([^\S\n]*)(?:(?=#{1,3}(?:\s|$)|-#|>|[-+](?:\s|$))|(\d{1,9})(?=[.)](?:\s|$)))/g;
  return words.replaceAll(atLine, (whole, start: string, space: string, number = '') =>
    start === '' && !lineStart ? whole : `${start}${space}${number}\\`,
  );
}
