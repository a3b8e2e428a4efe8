/** A word, a number or a sign of what somebody wrote. */
export interface Token {
  /** Lower case, without accents: `Nächsten` is `nachsten`. */
  text: string;
  /** Where it stands in what was written. */
  start: number;
  end: number;
  /** No white space is before it. */
  glued: boolean;
}

/** An expression in code marks or quotes; a number with what holds its digits together; a word; any other sign. */
const sign = /`[^`\n]*`|"[^"\n]*"|“[^“”\n]*”|\d+(?:[.:,/-]\d+)*|[\p{L}\p{M}]+['’]?|[^\s]/gu;

/** Each pattern ends where the next token may begin, so the time it takes grows with the text and no faster. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(sign)) {
    const start = match.index;
    const end = start + match[0].length;
    tokens.push({ text: plain(match[0]), start, end, glued: tokens.at(-1)?.end === start });
  }
  return tokens;
}

/** How words are compared: without case, accents, and the shapes of apostrophes. */
export const plain = (text: string): string =>
  text.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('’', "'").replaceAll('ß', 'ss').toLowerCase();
