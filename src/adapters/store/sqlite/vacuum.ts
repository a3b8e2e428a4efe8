import type { Database } from './database.ts';
import { rewrite } from './erasures.ts';

/** Rewrites a database that is small enough and has enough free space to make it worth it; see the Store. */
export function vacuum(
  db: Database,
  maxBytes: number,
  worthPart: number,
): { bytes: number; free: number; done: boolean } {
  const page = db.pragma<number>('page_size');
  const bytes = page * db.pragma<number>('page_count');
  const free = page * db.pragma<number>('freelist_count');
  const done = bytes <= maxBytes && free >= bytes * worthPart;
  if (done) rewrite(db);
  return { bytes, free, done };
}
