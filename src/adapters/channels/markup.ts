/** RichText → the markup of a platform: text and spans are walked once, a dialect says how its platform writes them. */
import type { RichText, Span } from '../../core/rich-text.ts';

export interface Dialect {
  /** What stands before a span; empty where the platform has no such style. `content` is the span's own text. */
  open(span: Span, content: string): string;
  close(span: Span, content: string): string;
  /** A piece of text that no end of a span cuts; `within` are the spans around it, outermost first. */
  escape(text: string, within: readonly Span[]): string;
}

/** Spans that overlap without one holding the other are cut to the outer one, so markup always nests. */
export function markup({ text, spans }: RichText, dialect: Dialect): string {
  let out = '';
  let at = 0;
  const open: { span: Span; end: number }[] = [];
  const write = (to: number): void => {
    if (to <= at) return;
    const within = open.map(({ span }) => span);
    out += dialect.escape(text.slice(at, to), within);
    at = to;
  };
  const advance = (to: number): void => {
    for (let inner = open.at(-1); inner !== undefined && inner.end <= to; inner = open.at(-1)) {
      write(inner.end);
      open.pop();
      out += dialect.close(inner.span, text.slice(inner.span.offset, inner.end));
    }
    write(to);
  };
  for (const span of spans) {
    advance(span.offset);
    const end = Math.min(span.offset + span.length, open.at(-1)?.end ?? text.length);
    if (end <= span.offset) continue;
    out += dialect.open(span, text.slice(span.offset, end));
    open.push({ span, end });
  }
  advance(text.length);
  return out;
}

/**
 * Where a platform has no links of its own: the address in parentheses after the words of a link, unless the words say
 * it themselves. Empty for other spans.
 */
export function addressAfter({ style, url }: Span, content: string): string {
  if (style !== 'link' || url === undefined) return '';
  const spellings = [url, url.replace(/^mailto:/i, ''), url.replace(/^https?:\/\//i, '')];
  return spellings.some((spelling) => spelling === content || spelling === `${content}/`) ? '' : ` (${url})`;
}
