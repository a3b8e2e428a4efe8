import type { Listed, ListOptions } from '../../src/core/ports/listed.ts';

/** A page of what is in memory; the cursor is an index. */
export function page<T>(items: T[], { limit, cursor }: ListOptions): Listed<T> {
  const from = cursor === undefined ? 0 : Number(cursor);
  const next = from + limit;
  return { items: items.slice(from, next), nextCursor: next < items.length ? String(next) : null };
}
