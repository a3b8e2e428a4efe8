/** Finding one's way in the schema: what stands at a path, and what may stand beside it. */
import type * as z from 'zod/mini';
import { fieldNotes } from '../core/fields.ts';
import type { FieldNotes } from '../core/fields.ts';
import type { Path } from './tree.ts';

type Schema = z.core.$ZodType;

/** The few inner parts of zod's schemas that are looked at here: https://zod.dev/packages/core */
interface Inner {
  innerType?: Schema;
  shape?: Record<string, Schema>;
  catchall?: Schema;
  valueType?: Schema;
  defaultValue?: unknown;
  type: string;
}

const inner = (schema: Schema): Inner => schema._zod.def;

/** A schema without its wrappers: the one that has the notes. */
function bare(schema: Schema): Schema {
  let now = schema;
  while (!fieldNotes.has(now)) {
    const next = inner(now).innerType;
    if (next === undefined) break;
    now = next;
  }
  return now;
}

export const notesOf = (schema: Schema): FieldNotes | undefined => fieldNotes.get(bare(schema));

/** The default as a person would write it; undefined when there is none. */
export function writtenDefault(schema: Schema): unknown {
  const { type, defaultValue, innerType } = inner(schema);
  if (type === 'prefault') return defaultValue;
  return innerType === undefined || fieldNotes.has(schema) ? undefined : writtenDefault(innerType);
}

export const isOptional = (schema: Schema): boolean => schema._zod.optin === 'optional';

/** The fixed keys of a table. */
export function fixedKeys(schema: Schema): [string, Schema][] {
  return Object.entries(inner(bare(schema)).shape ?? {});
}

/** What stands under any other name, where names are free. */
export function namedEntry(schema: Schema): Schema | undefined {
  const { catchall, valueType, type } = inner(bare(schema));
  if (type === 'record') return notesOf(schema)?.kind === 'table' ? valueType : undefined;
  return catchall !== undefined && inner(catchall).type !== 'never' ? catchall : undefined;
}

function child(schema: Schema, key: string): Schema | undefined {
  const shape = inner(bare(schema)).shape ?? {};
  return Object.hasOwn(shape, key) ? shape[key] : namedEntry(schema);
}

/** The schema at a path; undefined where nothing may stand. */
export function schemaAt(root: Schema, path: Path): Schema | undefined {
  let now: Schema | undefined = root;
  for (const key of path) now = now === undefined ? undefined : child(now, String(key));
  return now;
}

/** The notes at a path, or of the nearest thing above it that has some (an item of a list has its list's). */
export function notesAt(root: Schema, path: Path): FieldNotes | undefined {
  for (let length = path.length; length >= 0; length--) {
    const schema = schemaAt(root, path.slice(0, length));
    if (schema !== undefined) return notesOf(schema);
  }
  return undefined;
}

export interface Key {
  path: string[];
  schema: Schema;
  notes: FieldNotes;
}

/**
 * Every table and key, in the order of the schema, a table before its keys. Free names appear as `names(path)` says,
 * by default as the one placeholder NAME.
 */
export function* keys(
  root: Schema,
  names: (path: string[]) => string[] = () => ['NAME'],
  path: string[] = [],
): Generator<Key> {
  const notes = notesOf(root);
  if (notes === undefined) return;
  if (path.length > 0) yield { path, schema: root, notes };
  if (notes.kind !== 'table') return;
  for (const [key, schema] of fixedKeys(root)) yield* keys(schema, names, [...path, key]);
  const entry = namedEntry(root);
  if (entry === undefined) return;
  for (const name of names(path)) yield* keys(entry, names, [...path, name]);
}
