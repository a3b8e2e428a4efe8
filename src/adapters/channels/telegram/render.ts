/**
 * RichText → text with entities. No markup goes over the wire, so nothing can fail to parse and every length is known.
 * Rules of nesting: https://core.telegram.org/bots/api#formatting-options
 */
import type { MessageEntity } from '@grammyjs/types';
import type { RichText, Span, SpanStyle } from '../../../core/rich-text.ts';

/** More are ignored by the platform. */
export const maxEntities = 100;

export interface RenderedText {
  text: string;
  entities: MessageEntity[];
}

/** These may hold and be held by anything but code. */
const emphasis: Partial<Record<SpanStyle, 'bold' | 'italic' | 'underline' | 'strikethrough' | 'spoiler'>> = {
  bold: 'bold',
  heading: 'bold',
  italic: 'italic',
  underline: 'underline',
  strike: 'strikethrough',
  spoiler: 'spoiler',
};

export function render({ text, spans }: RichText): RenderedText {
  // The server strips whitespace from both ends, which would shift every entity; done here the offsets stay right.
  const trimmed = text.trim();
  const lead = text.length - text.trimStart().length;
  const inside = spans.flatMap((span) => {
    const from = Math.max(span.offset - lead, 0);
    const to = Math.min(span.offset + span.length - lead, trimmed.length);
    return from < to ? [{ ...span, offset: from, length: to - from }] : [];
  });
  const solid = withoutOverlap(inside.filter((span) => emphasis[span.style] === undefined));
  const code = solid.filter((span) => span.style === 'code' || span.style === 'pre');
  const soft = inside.filter((span) => emphasis[span.style] !== undefined).flatMap((span) => around(span, code));
  const entities = [...solid, ...soft]
    .sort((a, b) => a.offset - b.offset || b.length - a.length)
    .map(entityOf)
    .slice(0, maxEntities);
  // A lone surrogate would make the whole request invalid; its replacement has the same length.
  return { text: trimmed.toWellFormed(), entities };
}

/** Links, code and quotes: a quote may hold the others, nothing else may overlap; the outer one stays. */
function withoutOverlap(spans: readonly Span[]): Span[] {
  const kept: Span[] = [];
  let quoteEnd = 0;
  let innerEnd = 0;
  for (const span of spans) {
    const end = span.offset + span.length;
    if (span.style === 'quote') {
      if (span.offset < Math.max(quoteEnd, innerEnd)) continue;
      quoteEnd = end;
    } else {
      if (span.offset < innerEnd || (span.style === 'link' && !isLinkable(span.url))) continue;
      innerEnd = end;
    }
    kept.push(span);
  }
  return kept;
}

/** The pieces of an emphasis outside of code. */
function around(span: Span, code: readonly Span[]): Span[] {
  const pieces: Span[] = [];
  const end = span.offset + span.length;
  let from = span.offset;
  for (const hole of code) {
    const holeEnd = hole.offset + hole.length;
    if (holeEnd <= from) continue;
    if (hole.offset >= end) break;
    if (hole.offset > from) pieces.push({ ...span, offset: from, length: hole.offset - from });
    from = holeEnd;
  }
  if (from < end) pieces.push({ ...span, offset: from, length: end - from });
  return pieces;
}

/** Telegram makes no text link of other schemes; mail addresses in the text it finds by itself. */
const isLinkable = (url: string | undefined): boolean =>
  url !== undefined && url.length <= 2048 && /^(https?|tg):\/\/[^\s]+$/i.test(url) && URL.canParse(url);

function entityOf({ style, offset, length, url, language }: Span): MessageEntity {
  if (style === 'link') return { type: 'text_link', offset, length, url: url ?? '' };
  if (style === 'pre') return { type: 'pre', offset, length, ...(language === undefined ? {} : { language }) };
  if (style === 'code') return { type: 'code', offset, length };
  if (style === 'quote') return { type: 'blockquote', offset, length };
  return { type: emphasis[style] ?? 'bold', offset, length };
}
