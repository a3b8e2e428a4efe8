/** A wider table would wrap on a phone and lose its columns. */
const maxWidth = 60;

/** In code points: near enough to columns. */
const width = (text: string): number => Array.from(text).length;

/**
 * The rows as columns of a monospace block, or null when they do not fit. The first row is the head.
 */
export function alignTable(rows: readonly string[][]): string | null {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  if (widths.reduce((sum, each) => sum + each + 3, -3) > maxWidth) return null;
  const line = (row: readonly string[]): string =>
    widths
      .map((each, column) => (row[column] ?? '') + ' '.repeat(each - width(row[column] ?? '')))
      .join(' | ')
      .trimEnd();
  const [head = [], ...body] = rows;
  const rule = widths.map((each) => '-'.repeat(each)).join('-+-');
  return [line(head), rule, ...body.map(line)].join('\n');
}
