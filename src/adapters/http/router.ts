import { parseId } from '../../core/ids.ts';
import { parseSessionKey } from '../../core/session-key.ts';
import { HttpError } from './errors.ts';
import type { Route } from './route.ts';
import { decodeSegment } from './target.ts';

type Methods = Map<string, Route>;

interface Pattern {
  segments: string[];
  methods: Methods;
}

export type Match =
  | { kind: 'found'; route: Route; params: Record<string, string> }
  | { kind: 'wrong_method'; allow: string }
  | { kind: 'none' };

/** Finds routes by path: fixed paths by a map, those with parameters by their segments. */
export class Router {
  readonly #fixed = new Map<string, Methods>();
  readonly #patterns: Pattern[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const methods = route.path.includes('{') ? this.#pattern(route.path) : this.#methods(route.path);
      methods.set(route.method, route);
      if (route.method === 'GET') methods.set('HEAD', route);
    }
  }

  /** The ids of the path are not parsed yet: see `parseParams`. */
  match(method: string, path: string): Match {
    const fixed = this.#fixed.get(path);
    const route = fixed?.get(method);
    if (route !== undefined) return { kind: 'found', route, params: {} };
    const segments = path.split('/');
    for (const { segments: parts, methods } of this.#patterns) {
      const params = capture(parts, segments);
      // A session may be called as an action on all of them is: `sessions/cleanup`.
      if (params !== null && (fixed === undefined || methods.has(method))) return pick(methods, method, params);
    }
    return fixed === undefined ? { kind: 'none' } : pick(fixed, method, {});
  }

  #methods(path: string): Methods {
    const known = this.#fixed.get(path) ?? new Map<string, Route>();
    this.#fixed.set(path, known);
    return known;
  }

  #pattern(path: string): Methods {
    const known = this.#patterns.find((pattern) => pattern.segments.join('/') === path);
    if (known !== undefined) return known.methods;
    const methods: Methods = new Map();
    this.#patterns.push({ segments: path.split('/'), methods });
    return methods;
  }
}

function pick(methods: Methods, method: string, params: Record<string, string>): Match {
  const route = methods.get(method);
  return route === undefined
    ? { kind: 'wrong_method', allow: [...methods.keys()].join(', ') }
    : { kind: 'found', route, params };
}

function capture(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i] ?? '';
    if (part.startsWith('{')) params[part.slice(1, -1)] = segment;
    else if (part !== segment) return null;
  }
  return params;
}

/** Decodes and checks the path's ids; `key` is a session key, all others are ids. */
export function parseParams(raw: Record<string, string>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, segment] of Object.entries(raw)) {
    const text = decodeSegment(segment);
    if (text === null) throw new HttpError(400, 'bad_path', 'The path is not UTF-8.');
    params[name] = name === 'key' ? parseSessionKey(text) : parseId(text);
  }
  return params;
}
