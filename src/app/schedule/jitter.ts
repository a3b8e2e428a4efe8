import { createHash } from 'node:crypto';

/** How much later than its due time a slot of a job begins, in milliseconds: always the same for the same slot. */
export function jitterOf({ id, jitterMs }: { id: string; jitterMs: number }, due: number): number {
  if (jitterMs === 0) return 0;
  return createHash('sha256').update(`${id} ${due}`).digest().readUInt32BE() % (jitterMs + 1);
}
