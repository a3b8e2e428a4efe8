/** RichText → plain text: what is read stays, and so does where a link leads. */
import type { RichText } from '../../../core/rich-text.ts';
import { addressAfter, markup } from '../markup.ts';

export const renderPlain = (body: RichText): string =>
  markup(body, { open: () => '', close: addressAfter, escape: (text) => text }).toWellFormed();
