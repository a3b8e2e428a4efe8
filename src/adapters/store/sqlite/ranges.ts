/**
 * Lists over several states at once that never read more than they show: each range of an index gives the keys of a page,
 * and only the rows of the page itself are read.
 */
import type { Listed, ListOptions } from '../../../core/ports/listed.ts';
import type { Database } from './database.ts';
import { cursorText, page } from './paging.ts';

/** Where a row stands in its list. */
export interface RangeKey {
  at: number;
  seq: number;
}

interface RangeList<R, T> {
  table: 'jobs' | 'tasks';
  columns: string;
  order: 'ascending' | 'descending';
  /** The first keys of each range, in the order of the list, at most one more than `limit`. */
  keys: RangeKey[];
  map: (record: R) => T;
}

export function listRanges<R extends { seq: number }, T>(
  db: Database,
  { table, columns, order, keys, map }: RangeList<R, T>,
  { limit }: ListOptions,
): Listed<T> {
  const sign = order === 'ascending' ? 1 : -1;
  const shown = keys.sort((a, b) => sign * (a.at - b.at || a.seq - b.seq)).slice(0, limit + 1);
  const { items, nextCursor } = page(
    shown,
    limit,
    ({ seq }) => seq,
    ({ at, seq }) => cursorText([at, seq]),
  );
  const records = db.all<R>(
    `SELECT ${columns} FROM ${table} WHERE seq IN (SELECT value FROM json_each(?))`,
    JSON.stringify(items),
  );
  const bySeq = new Map(records.map((record) => [record.seq, record]));
  return { items: items.flatMap((seq) => bySeq.get(seq) ?? []).map(map), nextCursor };
}

/** The values of the column `chore` that a list is about. */
export const choreFlags = (chores: 'with' | 'without' | 'only' = 'with'): (0 | 1)[] =>
  chores === 'with' ? [0, 1] : [chores === 'only' ? 1 : 0];
