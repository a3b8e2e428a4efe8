/**
 * The one representation of formatted text: plain text plus spans over it. Markdown is parsed into it once; every
 * channel renders from it; splitting cuts it. Offsets count UTF-16 units, as JavaScript and Telegram do.
 */
export type SpanStyle =
  | 'bold'
  | 'italic'
  | 'underline'
  | 'strike'
  | 'code'
  | 'pre'
  | 'link'
  | 'quote'
  | 'spoiler'
  | 'heading';

export interface Span {
  style: SpanStyle;
  offset: number;
  length: number;
  /** Of a `link`. */
  url?: string;
  /** Of a `pre`: the language after the fence. */
  language?: string;
}

/** Spans are sorted by offset, longer first, and properly nested: two spans overlap only when one holds the other. */
export interface RichText {
  text: string;
  spans: Span[];
}

export const plainText = (text: string): RichText => ({ text, spans: [] });

/** Markdown (CommonMark with tables and strikethrough; raw HTML is text) → RichText. Never throws. */
export interface Markdown {
  parse(source: string): RichText;
}

/** Whether nobody would see anything of a text: white space, controls, and what only joins or steers other signs. */
export const showsNothing = (text: string): boolean => !/[^\s\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}]/u.test(text);

/** Text inside Markdown, where it stays what it is. */
export const inMarkdown = (text: string): string => text.replaceAll(/[\\`*_~<>[\]!#|]/g, '\\$&');
