/** RichText → a plain body and the HTML subset of Matrix. https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes */
import type { RichText, Span } from '../../../core/rich-text.ts';
import { markup } from '../markup.ts';
import type { Dialect } from '../markup.ts';

/**
 * An event may have 65,536 bytes with all that servers add to it (spec, "Size limits"). An edit holds its plain text
 * twice and its HTML once; four bytes of that count as one unit.
 */
export const maxUnits = 15_000;
const bytesPerUnit = 4;

export interface RenderedText {
  body: string;
  format?: 'org.matrix.custom.html';
  formatted_body?: string;
}

/** Plain text goes without HTML: clients keep its line breaks and look for nothing in it. */
export function render(rich: RichText): RenderedText {
  const body = rich.text.toWellFormed();
  if (rich.spans.length === 0) return { body };
  return { body, format: 'org.matrix.custom.html', formatted_body: markup({ ...rich, text: body }, html) };
}

export function measure(rich: RichText): number {
  const { body, formatted_body = '' } = render(rich);
  return Math.ceil((2 * jsonBytes(body) + jsonBytes(formatted_body)) / bytesPerUnit);
}

const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));

const tags: Partial<Record<Span['style'], string>> = {
  bold: 'strong',
  heading: 'strong',
  italic: 'em',
  underline: 'u',
  strike: 'del',
  code: 'code',
  quote: 'blockquote',
};

const html: Dialect = {
  open(span) {
    if (span.style === 'link') return isLinkable(span.url) ? `<a href="${escape(span.url ?? '')}">` : '';
    if (span.style === 'spoiler') return '<span data-mx-spoiler>';
    if (span.style === 'pre') return `<pre><code${languageClass(span.language)}>`;
    return `<${tags[span.style]}>`;
  },
  close(span) {
    if (span.style === 'link') return isLinkable(span.url) ? '</a>' : '';
    if (span.style === 'spoiler') return '</span>';
    if (span.style === 'pre') return '</code></pre>';
    return `</${tags[span.style]}>`;
  },
  escape(text, within) {
    const safe = escape(text);
    if (within.some(({ style }) => style === 'pre')) return safe;
    // HTML would run spaces together and drop them where a line begins; these it keeps.
    return safe.replaceAll(/(?<=\n) | (?= )/g, '&nbsp;').replaceAll('\n', '<br>');
  },
};

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? sign);

const languageClass = (language: string | undefined): string =>
  language !== undefined && /^[\w+#.-]{1,40}$/.test(language) ? ` class="language-${language}"` : '';

/** Schemes that clients leave in place. A link to matrix.to would become a mention. */
const isLinkable = (url: string | undefined): boolean =>
  url !== undefined && url.length <= 2048 && /^(https?|mailto):[^\s]+$/i.test(url) && !/\/\/matrix\.to\//i.test(url);
