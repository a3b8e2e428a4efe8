/** Finds where in a TOML text a key stands: the parser gives values without positions. */
import type { Path } from './tree.ts';

export interface Position {
  line: number;
  column: number;
}

/** Where a string that begins at `at` ends (the index after it). The text is valid TOML. */
function endOfString(text: string, at: number): number {
  const quote = text[at] ?? '';
  const fence = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
  let i = at + fence.length;
  while (i < text.length && !text.startsWith(fence, i)) i += text[i] === '\\' && quote === '"' ? 2 : 1;
  i += fence.length;
  while (fence.length === 3 && text[i] === quote) i++; // up to two quotes may stand before the closing three
  return i;
}

/** Where a value that begins at `at` ends: at the line's end, outside of strings, brackets and comments. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  let i = at;
  while (i < text.length) {
    const c = text[i];
    if (c === '"' || c === "'") {
      i = endOfString(text, i);
      continue;
    }
    if (c === '#') {
      while (i < text.length && text[i] !== '\n') i++;
      continue;
    }
    if (c === '[' || c === '{') depth++;
    if (c === ']' || c === '}') depth--;
    if (c === '\n' && depth <= 0) break;
    i++;
  }
  return i;
}

/** `a."b.c" . d` → its parts, and the index after it. */
function readKey(text: string, at: number): { parts: string[]; end: number } {
  const parts: string[] = [];
  let i = at;
  for (;;) {
    while (text[i] === ' ' || text[i] === '\t') i++;
    const start = i;
    if (text[i] === '"' || text[i] === "'") {
      i = endOfString(text, i);
      parts.push(text.slice(start + 1, i - 1));
    } else {
      while (i < text.length && /[A-Za-z0-9_-]/.test(text[i] ?? '')) i++;
      parts.push(text.slice(start, i));
    }
    while (text[i] === ' ' || text[i] === '\t') i++;
    if (text[i] !== '.') return { parts, end: i };
    i++;
  }
}

/**
 * Every table header and key of a valid TOML text; those of `[[name]]` with its index. Keys inside inline tables stand
 * where their table stands.
 */
function* entries(text: string): Generator<{ path: string[]; at: number }> {
  let table: string[] = [];
  const listed = new Map<string, number>();
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    if (c === ' ' || c === '\t' || c === '\r' || c === '\n' || c === '\uFEFF') i++;
    else if (c === '#') i = endOfValue(text, i);
    else if (c === '[') {
      const inList = text[i + 1] === '[';
      table = readKey(text, inList ? i + 2 : i + 1).parts;
      if (inList) {
        const name = table.join('.');
        const index = listed.get(name) ?? 0;
        listed.set(name, index + 1);
        table = [...table, String(index)];
      }
      yield { path: table, at: i };
      i = endOfValue(text, i);
    } else {
      const { parts, end } = readKey(text, i);
      yield { path: [...table, ...parts], at: i };
      i = endOfValue(text, Math.max(end, i + 1));
    }
  }
}

/** How much of `path` a found entry explains: all of it, or as a table around it or a key inside it. */
function match(found: readonly string[], path: Path): number {
  let same = 0;
  while (same < found.length && same < path.length && found[same] === String(path[same])) same++;
  return same === found.length || same === path.length ? same : 0;
}

/** The line and column (from 1) of the key at `path`, or of the nearest table around it; null when nothing fits. */
export function locate(text: string, path: Path): Position | null {
  let [best, at] = [0, -1];
  for (const entry of entries(text)) {
    const fit = match(entry.path, path);
    if (fit > best) [best, at] = [fit, entry.at];
    if (best === path.length) break;
  }
  if (at < 0) return null;
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
