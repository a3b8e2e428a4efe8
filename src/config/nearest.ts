/** Edits (insert, delete, replace, swap of neighbours) from one word to another. */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

const maxCompared = 100;

/** The known word that was probably meant, or null when none is close. */
export function nearest(word: string, known: Iterable<string>): string | null {
  if (word.length > maxCompared) return null;
  const plain = (text: string): string => text.toLowerCase().replaceAll('-', '_');
  let [best, bestDistance]: [string | null, number] = [null, Math.max(1, Math.floor(word.length / 3)) + 1];
  for (const candidate of known) {
    if (candidate.length > maxCompared) continue;
    const steps = distance(plain(word), plain(candidate));
    if (steps < bestDistance) [best, bestDistance] = [candidate, steps];
  }
  return best;
}
