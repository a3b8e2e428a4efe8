/**
 * RichText → text with ranges of style. Nothing goes over the wire that could be read as markup. What Signal has no style
 * for is written out: the address of a link, the sign of a quote.
 */
import type { RichText, SpanStyle } from '../../../core/rich-text.ts';
import { addressAfter } from '../markup.ts';

/** Longer texts are sent as a file that begins with a preview (`MAX_MESSAGE_SIZE_BYTES` in Signal's clients). */
export const maxBytes = 2000;

export interface RenderedText {
  message: string;
  /** `start:length:STYLE`, in UTF-16 units. */
  textStyle: string[];
}

const styles: Partial<Record<SpanStyle, string>> = {
  bold: 'BOLD',
  heading: 'BOLD',
  italic: 'ITALIC',
  strike: 'STRIKETHROUGH',
  spoiler: 'SPOILER',
  code: 'MONOSPACE',
  pre: 'MONOSPACE',
};

interface Insertion {
  at: number;
  text: string;
}

export function render({ text, spans }: RichText): RenderedText {
  const plain = text.toWellFormed();
  const insertions: Insertion[] = [];
  let quotedTo = 0;
  for (const span of spans) {
    const { style, offset, length } = span;
    const end = offset + length;
    const content = plain.slice(offset, end);
    const address = addressAfter(span, content);
    if (address !== '') insertions.push({ at: end, text: address });
    if (style !== 'quote' || offset < quotedTo) continue;
    quotedTo = end;
    for (const line of content.matchAll(/^/gm)) insertions.push({ at: offset + line.index, text: '> ' });
  }
  insertions.sort((a, b) => a.at - b.at);
  let message = '';
  let at = 0;
  for (const insertion of insertions) {
    message += plain.slice(at, insertion.at) + insertion.text;
    at = insertion.at;
  }
  message += plain.slice(at);
  const textStyle = spans.flatMap(({ style, offset, length }) => {
    const name = styles[style];
    const start = moved(offset, insertions, true);
    const size = moved(offset + length, insertions, false) - start;
    return name === undefined || size <= 0 ? [] : [`${start}:${size}:${name}`];
  });
  return { message, textStyle };
}

export const measure = (rich: RichText): number => Buffer.byteLength(render(rich).message);

/** Where an offset stands after the insertions; what is inserted right at a beginning stands before it. */
const moved = (offset: number, insertions: readonly Insertion[], isStart: boolean): number =>
  insertions.reduce(
    (sum, { at, text }) => (at < offset || (isStart && at === offset) ? sum + text.length : sum),
    offset,
  );
