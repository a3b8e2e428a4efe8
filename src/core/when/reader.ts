/** What was written, and the words of a language that is looked for in it. Readers of the grammar are functions over it. */
import type { Dictionary, Found, Lexicon } from './lexicon.ts';
import type { Token } from './tokens.ts';

export interface Reader {
  text: string;
  tokens: readonly Token[];
  dictionary: Dictionary;
}

type Marker = { [K in keyof Lexicon]: Lexicon[K] extends Readonly<Record<string, true>> ? K : never }[keyof Lexicon];

/** Behind a word of this kind; null where none stands. */
export const past = ({ dictionary, tokens }: Reader, marker: Marker, at: number): number | null =>
  dictionary.find(marker, tokens, at)?.end ?? null;

/** Behind a word of this kind if there is one. */
export const skip = (reader: Reader, marker: Marker, at: number): number => past(reader, marker, at) ?? at;

export const skipSign = ({ tokens }: Reader, sign: string, at: number): number =>
  tokens[at]?.text === sign ? at + 1 : at;

/** The dot of `Dec.` and `24.` */
export const skipDot = ({ tokens }: Reader, at: number): number =>
  tokens[at]?.text === '.' && tokens[at].glued ? at + 1 : at;

/** Digits alone, `min` to `max`. */
export function digits({ tokens }: Reader, at: number, min: number, max: number): Found<number> | null {
  const text = tokens[at]?.text ?? '';
  const value = /^\d{1,4}$/.test(text) ? Number(text) : -1;
  return value >= min && value <= max ? { value, end: at + 1 } : null;
}

/** A whole number in digits or words. */
export function whole(reader: Reader, at: number, min: number, max: number): Found<number> | null {
  const found = digits(reader, at, min, max) ?? reader.dictionary.find('numbers', reader.tokens, at);
  return found !== null && Number.isInteger(found.value) && found.value >= min && found.value <= max ? found : null;
}

/** `a, b and c`: one or more of them, at most `maxListed`. */
export function listed<T>(reader: Reader, at: number, read: (at: number) => Found<T> | null): Found<T[]> | null {
  const first = read(at);
  if (first === null) return null;
  const list = { value: [first.value], end: first.end };
  while (list.value.length < maxListed) {
    const comma = skipSign(reader, ',', list.end);
    const between = past(reader, 'and', comma) ?? (comma > list.end ? comma : null);
    const next = between === null ? null : read(between);
    if (next === null) break;
    list.value.push(next.value);
    list.end = next.end;
  }
  return list;
}

const maxListed = 12;
const mayFollow = /^[,.;:!?)\]–—-]$/;

/** Whether a word ends here: `20m` does not in `20m²`. */
export function isBoundary({ tokens }: Reader, at: number): boolean {
  const next = tokens[at];
  return next === undefined || !next.glued || mayFollow.test(next.text);
}
