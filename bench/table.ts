/** The one table that the bench prints, and what its rows mean for the exit code. */

export interface Row {
  what: string;
  /** For people, with units. */
  measured: string;
  budget: string;
  /** `over` fails the bench; `slow` is a timing over its budget, which the machine's load may explain, and only shown. */
  verdict: 'ok' | 'over' | 'slow' | 'shown';
  /** For programs; units are in the names. */
  figures: Record<string, number>;
}

/** A row judged by one figure against its limit. Timings depend on the neighbours, so they never fail the bench. */
export function judged(
  what: string,
  kind: 'memory' | 'cpu' | 'size' | 'timing',
  measured: string,
  figure: { name: string; value: number; limit: number; budget: string },
  figures: Record<string, number> = {},
): Row {
  const { name, value, limit, budget } = figure;
  const within = value <= limit;
  const verdict = within ? 'ok' : kind === 'timing' ? 'slow' : Number.isNaN(value) ? 'shown' : 'over';
  return { what, measured, budget, verdict, figures: { [name]: value, ...figures } };
}

export function printTable(rows: readonly Row[]): void {
  const lines = [
    ['what', 'measured', 'budget', 'verdict'],
    ...rows.map((r) => [r.what, r.measured, r.budget, r.verdict]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const [index, line] of lines.entries()) {
    console.log(`| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 7)).join(' | ')} |`);
    if (index === 0) console.log(`|${[...widths, 7].map((width) => '-'.repeat(width + 2)).join('|')}|`);
  }
}

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** The value below which a share of the sorted or unsorted values lies (nearest rank); NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const percentiles = (values: readonly number[]): { p50: number; p95: number; p99: number } => ({
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  p99: percentile(values, 0.99),
});
