import type * as z from 'zod/mini';
import { isName, nameForm } from '../core/fields.ts';
import { excerpt } from '../core/redact.ts';
import { nearest } from './nearest.ts';
import { configSchema, laterKeys } from './schema.ts';
import type { WrittenConfig } from './schema.ts';
import { fixedKeys, keys, namedEntry, notesAt, schemaAt } from './schema-walk.ts';
import { isTree, valueAt } from './tree.ts';
import type { Problem } from './problem.ts';
import type { Path, Tree } from './tree.ts';

const maxShown = 60;

/** A value as a message may show it; never a secret. */
function shown(value: unknown, isSecret: boolean): string {
  if (typeof value === 'string') {
    if (isSecret) return `a text of ${value.length} characters`;
    return JSON.stringify(excerpt(value, maxShown));
  }
  if (value instanceof Date) return 'a date';
  if (Array.isArray(value)) return 'a list';
  return isTree(value) ? 'a table' : String(value);
}

const notAvailable = 'not available in this version';

function unknownKey(path: Path): string {
  const last = String(path.at(-1));
  const table = schemaAt(configSchema(), path.slice(0, -1));
  const here = table === undefined ? [] : fixedKeys(table).map(([key]) => key);
  const near = nearest(last, here);
  if (near !== null) return `unknown key; did you mean "${near}"?`;
  const everywhere = new Map<string, string>();
  for (const { path: key } of keys(configSchema())) {
    const name = key.at(-1) ?? '';
    if (!everywhere.has(name)) everywhere.set(name, key.join('.'));
  }
  const elsewhere = everywhere.get(nearest(last, everywhere.keys()) ?? '');
  if (elsewhere !== undefined) return `unknown key; did you mean "${elsewhere}"?`;
  return `unknown key; known here: ${here.join(', ')}`;
}

function wrongValue(tree: Tree, path: Path, said: string): string {
  const notes = notesAt(configSchema(), path);
  const value = valueAt(tree, path);
  const takes = notes === undefined ? '' : `; it takes ${notes.form}`;
  if (value === undefined) return `it is missing${takes}`;
  const isSecret = notes?.kind === 'secret' || notes?.kind === 'map';
  const parent = schemaAt(configSchema(), path.slice(0, -1));
  if (notes?.kind === 'table' && !isTree(value) && parent !== undefined && namedEntry(parent) !== undefined)
    return unknownKey(path);
  return `found ${shown(value, isSecret)}${said === '' ? '' : `: ${said}`}${takes}`;
}

function problemsOf(tree: Tree, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey([...path, key]) }));
  }
  if (issue.code === 'invalid_key' && notesAt(configSchema(), path)?.kind === 'choices') {
    const name = excerpt(String(path.at(-1)), maxShown);
    return [{ path, message: `"${name}" cannot stand here: ${issue.issues[0]?.message ?? ''}` }];
  }
  if (issue.code === 'invalid_key' && notesAt(configSchema(), path)?.kind !== 'map') {
    return [{ path, message: `"${excerpt(String(path.at(-1)), maxShown)}" cannot be a name; it takes ${nameForm}` }];
  }
  return [{ path, message: wrongValue(tree, path, issue.code === 'custom' ? issue.message : '') }];
}

/** Takes what belongs to a later version out of the tree and says so. */
function takeLater(tree: Tree): Problem[] {
  const problems: Problem[] = [];
  const take = (table: Tree, pattern: readonly string[], path: string[]): void => {
    const [key = '', ...rest] = pattern;
    for (const name of key === '*' ? Object.keys(table) : [key]) {
      if (!Object.hasOwn(table, name)) continue;
      const value = table[name];
      if (rest.length > 0) {
        if (isTree(value)) take(value, rest, [...path, name]);
        continue;
      }
      problems.push({ path: [...path, name], message: `${notAvailable}; remove it` });
      delete table[name];
    }
  };
  for (const key of laterKeys) take(tree, key.split('.'), []);
  return problems;
}

/** Names of tables that stand beside fixed keys, which the schema does not look at. */
function wrongNames(tree: Tree): Problem[] {
  const providers = tree['providers'];
  if (!isTree(providers)) return [];
  return Object.keys(providers)
    .filter((name) => isTree(providers[name]) && !isName(name))
    .map((name) => ({
      path: ['providers', name],
      message: `"${name.slice(0, maxShown)}" cannot be a name; it takes ${nameForm}`,
    }));
}

/** Holds written values against the schema. Finds everything that is wrong, not only the first. */
export function validate(
  tree: Tree,
): { value: WrittenConfig; problems: Problem[] } | { value: null; problems: Problem[] } {
  const problems = [...takeLater(tree), ...wrongNames(tree)];
  const result = configSchema().safeParse(tree);
  if (result.success) return { value: result.data, problems };
  return { value: null, problems: [...problems, ...result.error.issues.flatMap((issue) => problemsOf(tree, issue))] };
}
