/** Values as a person wrote them, before they are checked: nested plain objects, and for each value where it came from. */

export type Tree = { [key: string]: unknown };
export type Path = readonly (string | number)[];

/** From weak to strong. */
export const layers = ['default', 'prompt', 'file', '.env', 'environment', 'flag'] as const;
export type Layer = (typeof layers)[number];

export interface Origin {
  layer: Layer;
  /** For people: `file`, `environment OPENAI_API_KEY`, `flag --port`, or the prompt file. */
  text: string;
  /** In a prompt file, from 1. */
  line?: number;
}

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

export const keyOf = (path: Path): string => path.join('.');

/** The own value at a path; undefined when there is none. */
export function valueAt(tree: Tree, path: Path): unknown {
  let value: unknown = tree;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isTree(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

/** The written values with their origins. A later `set` wins; callers go from weak layers to strong ones. */
export class Written {
  readonly tree: Tree = Object.create(null) as Tree;
  readonly #origins = new Map<string, Origin>();

  /** Puts one value at a path. Where something else than a table stands on the way, nothing happens: the schema complains about that. */
  set(path: readonly string[], value: unknown, origin: Origin): void {
    let table = this.tree;
    for (const key of path.slice(0, -1)) {
      if (!Object.hasOwn(table, key)) table[key] = Object.create(null);
      const next = table[key];
      if (!isTree(next)) return;
      table = next;
    }
    const last = path.at(-1);
    if (last === undefined) return;
    table[last] = value;
    this.#origins.set(keyOf(path), origin);
  }

  /** Like `set`, but only where nothing stands yet. */
  setDefault(path: readonly string[], value: unknown): void {
    if (this.get(path) === undefined) this.set(path, value, { layer: 'default', text: 'default' });
  }

  get(path: Path): unknown {
    return valueAt(this.tree, path);
  }

  /** Where the value at a path, or the table around it, came from. */
  origin(path: Path): Origin | null {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#origins.get(keyOf(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return null;
  }

  /** Every value that is not a table, with its path. Empty tables count, so that `[providers.demo]` is seen. */
  addTree(tree: Tree, origin: Origin, path: readonly string[] = []): void {
    for (const [key, value] of Object.entries(tree)) {
      const here = [...path, key];
      if (!isTree(value)) this.set(here, value, origin);
      else {
        if (this.get(here) === undefined) this.set(here, Object.create(null), origin);
        this.addTree(value, origin, here);
      }
    }
  }
}
