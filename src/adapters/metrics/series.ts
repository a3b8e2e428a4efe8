import type { Labels } from '../../core/ports/system.ts';

/** Label sets of one metric; what comes after counts under `other`. */
export const maxLabelSets = 200;
const maxLabelLength = 128;
const maxRecent = 4;

const labelName = (name: string): string =>
  /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)|^$/, '_');

function labelValue(text: string): string {
  const value = text.slice(0, maxLabelLength);
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** `{ channel: 'telegram' }` → `channel="telegram"`, names in order, so that it also serves as a key. */
export function labelText(labels: Labels): string {
  const names = Object.keys(labels);
  // Most come in order already, and sorting costs more than all the rest.
  if (names.some((name, i) => i > 0 && name < (names[i - 1] ?? ''))) names.sort();
  let text = '';
  for (const name of names) text += `${text === '' ? '' : ','}${labelName(name)}="${labelValue(labels[name] ?? '')}"`;
  return text;
}

function areSame(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  for (const name in a) if (a[name] !== b[name]) return false;
  for (const name in b) if (!(name in a)) return false;
  return true;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

export const sampleLine = (name: string, labels: string, value: number): string =>
  `${name}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}`;

/** Rows of numbers, one row per label set, in one typed array that doubles up to its bound. */
export class Series {
  readonly #columns: number;
  readonly #rows = new Map<string, number>();
  #values: Float64Array;
  /** What was asked for last: who counts often counts the same few. */
  readonly #recent: { labels: Labels; row: number }[] = [];
  #next = 0;

  constructor(columns: number) {
    this.#columns = columns;
    this.#values = new Float64Array(columns);
  }

  /** The row of a label set; past the bound the row in which every label says `other`. */
  row(labels?: Labels): number {
    if (labels === undefined) return this.#add('');
    const recent = this.#recent;
    // By place: this is asked several times in every turn, and an iterator would cost more than the comparison.
    for (let i = 0; i < recent.length; i++) {
      const known = recent[i];
      if (known !== undefined && areSame(labels, known.labels)) return known.row;
    }
    const row = this.#rowOf(labels);
    recent[this.#next] = { labels, row };
    this.#next = (this.#next + 1) % maxRecent;
    return row;
  }

  add(row: number, column: number, value: number): void {
    const at = row * this.#columns + column;
    this.#values[at] = (this.#values[at] ?? 0) + value;
  }

  set(row: number, column: number, value: number): void {
    this.#values[row * this.#columns + column] = value;
  }

  rows(): { labels: string; values: Float64Array }[] {
    return Array.from(this.#rows, ([labels, row]) => ({
      labels,
      values: this.#values.subarray(row * this.#columns, (row + 1) * this.#columns),
    }));
  }

  /** One line per row, of its first column. */
  samples(name: string): string[] {
    return this.rows().map(({ labels, values }) => sampleLine(name, labels, values[0] ?? 0));
  }

  #rowOf(labels: Labels): number {
    const key = labelText(labels);
    if (this.#rows.size < maxLabelSets || this.#rows.has(key)) return this.#add(key);
    return this.#add(labelText(Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']))));
  }

  /** The row of this name, made if there is none. */
  #add(key: string): number {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = this.#rows.size;
    if ((row + 1) * this.#columns > this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#rows.set(key, row);
    return row;
  }
}
