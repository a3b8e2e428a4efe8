/** RichText → plain text: what is read stays, and so does where a link leads. */
import type { RichText, Span } from '../../../core/rich-text.ts';
import { markup } from '../markup.ts';

/** The address is written after the words of a link, unless the words are the address. */
function addressOf({ style, url }: Span, content: string): string {
  if (style !== 'link' || url === undefined || url === content || url === `mailto:${content}`) return '';
  return ` (${url})`;
}

export const renderPlain = (body: RichText): string =>
  markup(body, { open: () => '', close: addressOf, escape: (text) => text }).toWellFormed();
