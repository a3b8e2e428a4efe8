import type { Page } from '../../src/core/ports/gateway.ts';

/** A page of what is in memory; the cursor is an index. */
export function page<T>(items: T[], { limit, cursor }: { limit: number; cursor?: string }): Page<T> {
  const from = cursor === undefined ? 0 : Number(cursor);
  const next = from + limit;
  return { items: items.slice(from, next), nextCursor: next < items.length ? String(next) : null };
}
