/**
 * What changed in a text, line by line, as people read it. Lines that both texts begin or end with are passed over; of what
 * lies between, the longest common part stays. Where that would take too long to find, lines are only counted: what one
 * text has more often than the other is told, in order, and what merely moved is not.
 */

/** Pairs of lines that are compared. */
const maxPairs = 1_000_000;
/** Lines that are told. */
const maxShown = 100;
const maxLineLength = 300;

export interface LineDiff {
  /** `- ` and `+ ` before each line; what is left out is counted in the last one. Empty: nothing changed. */
  text: string;
  removed: number;
  added: number;
}

export function lineDiff(before: string, after: string): LineDiff {
  const old = linesOf(before);
  const now = linesOf(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const a = old.slice(start, old.length - end);
  const b = now.slice(start, now.length - end);
  const changes = a.length * b.length <= maxPairs ? byOrder(a, b) : byCount(a, b);
  const shown = changes.slice(0, maxShown).map((line) => cut(line));
  if (changes.length > maxShown) shown.push(`… ${changes.length - maxShown} more`);
  const removed = changes.filter((line) => line.startsWith('-')).length;
  return { text: shown.join('\n'), removed, added: changes.length - removed };
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'));

const cut = (line: string): string =>
  line.length <= maxLineLength ? line : `${line.slice(0, maxLineLength).toWellFormed()}…`;

/** `common[i * width + j]`: lines that a from i on and b from j on have in common, in order. */
function byOrder(a: readonly string[], b: readonly string[]): string[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const changes: string[] = [];
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) changes.push(`- ${a[i++]}`);
    else changes.push(`+ ${b[j++]}`);
  }
  return changes;
}

function byCount(a: readonly string[], b: readonly string[]): string[] {
  const beyond = (lines: readonly string[], others: readonly string[], sign: string): string[] => {
    const left = new Map<string, number>();
    for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
    return lines.flatMap((line) => {
      const count = left.get(line) ?? 0;
      left.set(line, count - 1);
      return count > 0 ? [] : [`${sign} ${line}`];
    });
  };
  return [...beyond(a, b, '-'), ...beyond(b, a, '+')];
}
