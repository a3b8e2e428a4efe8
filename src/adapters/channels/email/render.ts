/** RichText → the two forms of a mail. Neither loads anything from anywhere, and no word of the text becomes markup. */
import type { RichText, Span } from '../../../core/rich-text.ts';
import { markup } from '../markup.ts';

const tags: Record<Exclude<Span['style'], 'link'>, [open: string, close: string]> = {
  bold: ['<b>', '</b>'],
  italic: ['<i>', '</i>'],
  underline: ['<u>', '</u>'],
  strike: ['<s>', '</s>'],
  code: ['<code>', '</code>'],
  pre: ['<code style="font-family:monospace;white-space:pre-wrap">', '</code>'],
  quote: ['<span style="border-left:3px solid #ccc;padding-left:8px">', '</span>'],
  // Mail programs hide nothing, so it is told apart only.
  spoiler: ['<span style="background:#eee">', '</span>'],
  heading: ['<b style="font-size:1.15em">', '</b>'],
};

export function renderHtml(body: RichText): string {
  const inner = markup(body, {
    open: (span) => (span.style === 'link' ? `<a href="${escape(href(span))}">` : tags[span.style][0]),
    close: ({ style }) => (style === 'link' ? '</a>' : tags[style][1]),
    escape,
  });
  return `<div style="white-space:pre-wrap">${inner}</div>`;
}

/** The text as it is, with the address behind a link that does not show it. */
export const renderPlain = (body: RichText): string =>
  markup(
    { ...body, spans: body.spans.filter(({ style }) => style === 'link') },
    {
      open: () => '',
      close: (span, content) => (href(span) === '#' || content.includes(href(span)) ? '' : ` <${href(span)}>`),
      escape: (text) => text,
    },
  );

/** Other schemes run things in some programs; such a link leads nowhere. */
const href = ({ url = '' }: Span): string =>
  url.length <= 2048 && /^(https?:\/\/|mailto:)[^\s<>"]+$/i.test(url) && URL.canParse(url) ? url : '#';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char).toWellFormed();
