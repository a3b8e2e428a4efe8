/** Lists of names as people write them in the configuration: `["pdf-*", "!pdf-print"]`. */

/**
 * Whether a list names something that has these names: the last pattern that fits one of them decides, and a pattern
 * that begins with `!` takes away.
 */
export function named(patterns: readonly string[], ...names: readonly string[]): boolean {
  const last = patterns.findLast((pattern) => {
    const name = pattern.startsWith('!') ? pattern.slice(1) : pattern;
    return names.some((of) => fits(name, of));
  });
  return last !== undefined && !last.startsWith('!');
}

/** `*` stands for any characters, none among them. Linear: what was passed is never looked at again. */
function fits(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
