import { invalidInput } from '../../../core/errors.ts';
import type { Listed } from '../../../core/ports/listed.ts';

/** Opaque to callers: the sort key of the last row, as base64url JSON. */
export const cursorText = (key: (number | string)[]): string => Buffer.from(JSON.stringify(key)).toString('base64url');

// oxlint-disable typescript/no-unnecessary-type-parameters -- the type of a sort key is the caller's
/** Null without a cursor; throws invalid_input `bad_cursor` for one that we did not make. */
export function readCursor<T extends (number | string)[]>(cursor: string | undefined): T | null {
  if (cursor === undefined) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.every((part) => typeof part === 'number' || typeof part === 'string'))
      return key as T;
  } catch {
    // Not ours: the same answer as for any other text.
  }
  throw badCursor();
}

export const badCursor = (): Error =>
  invalidInput('bad_cursor', 'The cursor is not one that a page before this gave; begin again without one.');

/** Turns `limit + 1` rows into a page; the extra one only tells that there is more. */
export function page<R, T>(records: R[], limit: number, map: (record: R) => T, key: (last: R) => string): Listed<T> {
  const shown = records.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(map),
    nextCursor: records.length > limit && last !== undefined ? key(last) : null,
  };
}
