/**
 * Cuts formatted text into parts a platform accepts. Cutting happens here, on text and spans, before anything is
 * rendered, so a cut can never land inside markup. Pure: the same text always gives the same parts.
 */
import { once } from './once.ts';
import type { RichText, Span } from './rich-text.ts';

export interface SplitLimits {
  /** UTF-16 units per part, at least 2. */
  maxLength: number;
  /** Spans per part, at least 1. */
  maxSpans: number;
  /** The length of a part as its platform counts it, markup included; without it the UTF-16 units of its text. */
  measure?: (part: RichText) => number;
}

/** A natural break counts only when it leaves the part at least this full; crumbs read worse than a cut paragraph. */
const minFill = 1 / 3;
/** Links and inline code up to this length stay whole where possible. */
const maxAtomLength = 256;
/** How far back grapheme segmentation looks for a place to begin. */
const segmentReach = 1024;

/** Kinds of break; the smaller the better. */
const paragraph = 0;
const line = 1;
const sentence = 2;
const word = 3;
const noBreak = 4;

/** Made for the first text that is cut: with it the library of all languages is loaded. */
const graphemes = once(() => new Intl.Segmenter(undefined, { granularity: 'grapheme' }));

/**
 * Parts whose texts, joined, are the source. Breaks are chosen in the order paragraph, line, sentence, word, grapheme;
 * never inside a surrogate pair, inside a grapheme cluster only when that alone is longer than a part. Spans cut in
 * two go on in the next part with all their properties. No part is empty or blank, as platforms refuse those: of a run
 * of whitespace at least half a part long, a piece that would be a part of its own is left out. Blank text gives one
 * part at most, empty text none.
 */
export function splitRich(source: RichText, limits: SplitLimits): RichText[] {
  const { text } = source;
  const spans = source.spans.filter((span) => !isBlank(text, span.offset, span.offset + span.length));
  const parts: RichText[] = [];
  let start = 0;
  /** Spans before this one have ended; only those in reach are looked at, or many would make it quadratic. */
  let first = 0;
  while (start < text.length) {
    const at = start;
    while (endOf(spans[first]) <= at) first++;
    let last = first;
    while ((spans[last]?.offset ?? Infinity) < at + limits.maxLength) last++;
    const { part, end } = nextPart(text, spans.slice(first, last), start, limits);
    if (!isBlank(text, start, end)) parts.push(part);
    start = end;
  }
  if (parts.length === 0 && text !== '') return [{ text: text.slice(0, limits.maxLength), spans: [] }];
  return parts;
}

/** The longest part from `start` on; where markup makes it too long, a shorter cut is tried. */
function nextPart(
  text: string,
  spans: readonly Span[],
  start: number,
  limits: SplitLimits,
): { part: RichText; end: number } {
  const { maxLength, maxSpans, measure } = limits;
  for (let reach = maxLength; ;) {
    const end = partEnd(text, spans, start, { maxLength: reach, maxSpans });
    const part = cutOut(text, spans, start, end, maxSpans);
    const length = measure?.(part) ?? 0;
    if (length <= maxLength || reach <= 2) return { part, end };
    reach = Math.max(2, Math.min(reach - 1, Math.floor((Math.min(reach, end - start) * maxLength) / length)));
  }
}

function partEnd(text: string, spans: readonly Span[], start: number, limits: SplitLimits): number {
  const full = Math.min(start + limits.maxLength, text.length);
  const inReach = spans.filter((span) => span.offset < full && span.offset + span.length > start);
  const tooMany = inReach[limits.maxSpans];
  if (full === text.length && tooMany === undefined) return full;
  // What is left after this part must have something to show, or it could not be sent.
  const lastSolid = text.trimEnd().length - 1;
  const limit = full === text.length ? full : Math.min(full, lastSolid);
  if (tooMany !== undefined && tooMany.offset > start) {
    const cut = bestCut(text, inReach, start, Math.min(limit, tooMany.offset));
    if (cut !== null) return cut;
  }
  if (full === text.length) return full; // Nested deeper than the platform allows: the innermost spans are dropped.
  return bestCut(text, inReach, start, limit) ?? codePointCut(text, start, limit > start ? limit : full);
}

/** The best place to cut in (start, limit], or null when the part would be blank. */
function bestCut(text: string, spans: readonly Span[], start: number, limit: number): number | null {
  const firstSolid = solidFrom(text, start);
  const floor = Math.max(Math.ceil(start + (limit - start) * minFill), firstSolid + 1);
  let best = noBreak;
  let cut = -1;
  for (let at = limit; at >= floor && best > paragraph; at--) {
    // Whitespace stays with the part before it, so a break is where a run of it ends, or where the part is full.
    if (isSpace(text, at) && at < limit) continue;
    const rank = breakAt(text, spans, at);
    if (rank < best && !insideAtom(spans, at) && isBoundary(text, start, at)) {
      best = rank;
      cut = at;
    }
  }
  if (cut !== -1) return cut;
  const atom = spans.find((span) => isAtom(span) && span.offset < limit && span.offset + span.length > limit);
  const beforeAtom = atom === undefined ? -1 : boundaryBefore(text, start, atom.offset);
  if (beforeAtom >= floor) return beforeAtom;
  const anywhere = boundaryBefore(text, start, limit);
  return anywhere > firstSolid ? anywhere : null;
}

function breakAt(text: string, spans: readonly Span[], at: number): number {
  let from = at;
  let newlines = 0;
  for (; from > 0 && isSpace(text, from - 1); from--) if (text[from - 1] === '\n') newlines++;
  let to = at;
  for (; isSpace(text, to); to++) if (text[to] === '\n') newlines++;
  const before = text[from - 1] ?? '';
  if (from === to) return before !== '' && '。！？'.includes(before) ? sentence : noBreak;
  // A blank line inside code is no better than any other line of it.
  if (newlines > 1 && !spans.some((span) => span.style === 'pre' && holds(span, at))) return paragraph;
  if (newlines > 0) return line;
  return '.!?…:;。！？'.includes(before) ? sentence : word;
}

const endOf = (span: Span | undefined): number => (span === undefined ? Infinity : span.offset + span.length);
const isAtom = (span: Span): boolean =>
  (span.style === 'link' || span.style === 'code') && span.length <= maxAtomLength;
const holds = (span: Span, at: number): boolean => span.offset < at && span.offset + span.length > at;
const insideAtom = (spans: readonly Span[], at: number): boolean =>
  spans.some((span) => isAtom(span) && holds(span, at));

const isSpace = (text: string, at: number): boolean => at < text.length && /\s/.test(text.charAt(at));
const isBlank = (text: string, from: number, to: number): boolean => solidFrom(text, from) >= to;

/** Where the first character that is not whitespace stands, at or after `from`; the length when there is none. */
function solidFrom(text: string, from: number): number {
  const solid = /\S/g;
  solid.lastIndex = from;
  return solid.exec(text)?.index ?? text.length;
}

function isBoundary(text: string, start: number, at: number): boolean {
  // Only a mark can join to whitespace or a full stop, so a few units decide; this keeps the search linear.
  if (isSpace(text, at - 1) || '。！？'.includes(text.charAt(at - 1))) {
    const [first] = graphemes().segment(text.slice(at - 1, at + 3));
    return first?.segment.length === 1;
  }
  return boundaryBefore(text, start, at) === at;
}

/** The last grapheme boundary in (start, at]; `start` when one cluster fills it all. */
function boundaryBefore(text: string, start: number, at: number): number {
  if (at >= text.length) return text.length;
  let from = at - 1;
  const lowest = Math.max(start, at - segmentReach);
  // Segmentation may begin at a printable ASCII character after another: nothing joins two of those.
  while (from > lowest && !(isAscii(text, from) && isAscii(text, from - 1))) from--;
  let boundary = start;
  for (const { index } of graphemes().segment(text.slice(from, at + segmentReach))) {
    if (from + index > at) break;
    boundary = Math.max(boundary, from + index);
  }
  return boundary;
}

function isAscii(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0x20 && unit < 0x7f;
}

function codePointCut(text: string, start: number, limit: number): number {
  const whole = Math.max(boundaryBefore(text, start, limit), start);
  // Whitespace alone before an endless cluster would be a blank part, and lost.
  if (!isBlank(text, start, whole)) return whole;
  const splitsPair = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) && /[\udc00-\udfff]/.test(text.charAt(limit));
  if (!splitsPair) return limit;
  return limit - 1 > start ? limit - 1 : limit + 1;
}

function cutOut(text: string, spans: readonly Span[], start: number, end: number, maxSpans: number): RichText {
  const kept: Span[] = [];
  for (const span of spans) {
    const from = Math.max(span.offset, start);
    const to = Math.min(span.offset + span.length, end);
    if (kept.length === maxSpans) break;
    if (from < to && !isBlank(text, from, to)) kept.push({ ...span, offset: from - start, length: to - from });
  }
  return { text: text.slice(start, end), spans: kept };
}
