/**
 * Whether a path matches a pattern: `*` and `?` stand for what is within a name, `**` for any number of names, and a
 * pattern without a slash is about the last name. Case does not count. No pattern takes long: each side is walked with
 * one place to come back to.
 */
export function matchesGlob(path: string, pattern: string): boolean {
  const names = path.toLowerCase().split('/');
  const wanted = pattern.normalize('NFC').toLowerCase().split('/');
  if (wanted.length === 1 && wanted[0] !== '**') return matchesName(names.at(-1) ?? '', wanted[0] ?? '');
  return matches(names, wanted, '**', (name, part) => matchesName(name, part));
}

const matchesName = (name: string, pattern: string): boolean =>
  matches(Array.from(name), Array.from(pattern), '*', (letter, wanted) => wanted === '?' || letter === wanted);

/** The greedy walk over two lists, `many` standing for any number of items. */
function matches(
  items: readonly string[],
  pattern: readonly string[],
  many: string,
  same: (item: string, wanted: string) => boolean,
): boolean {
  let [at, place] = [0, 0];
  /** Where the last `many` stood, and the item it was tried to end before. */
  let back: { place: number; at: number } | null = null;
  while (at < items.length) {
    const [item, wanted] = [items[at] ?? '', pattern[place]];
    if (wanted === many) {
      back = { place, at };
      place++;
    } else if (wanted !== undefined && same(item, wanted)) {
      at++;
      place++;
    } else if (back !== null) {
      back.at++;
      [at, place] = [back.at, back.place + 1];
    } else return false;
  }
  return pattern.slice(place).every((wanted) => wanted === many);
}
