import type { Environment } from './environment.ts';
import { isTree } from './tree.ts';
import type { Path, Tree } from './tree.ts';
import type { Problem } from './problem.ts';

/**
 * Puts the environment into the texts of a file: `${NAME}` is the variable, `$${` a literal `${`. What a variable
 * holds is taken as it is: it is not searched again and never parsed, so it cannot make keys. Returns a new tree.
 */
export function interpolate(tree: Tree, env: Environment): { tree: Tree; problems: Problem[] } {
  const problems: Problem[] = [];

  const replaced = (text: string, path: Path): string =>
    text.replaceAll(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, name: string | undefined, end: string) => {
      if (name === undefined) return '${';
      if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        const message = 'a "${" without a plain name and "}"; write ${NAME} for the environment, $${ for a literal ${';
        problems.push({ path, message });
      } else if (env[name] === undefined) {
        problems.push({
          path,
          message: `the environment variable ${name} is not set (a literal is written $\${${name}})`,
        });
      } else return env[name];
      return whole;
    });

  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return replaced(value, path);
    if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i]));
    if (!isTree(value)) return value;
    const table = Object.create(null) as Tree;
    for (const [key, inside] of Object.entries(value)) table[key] = walk(inside, [...path, key]);
    return table;
  };
  return { tree: walk(tree, []) as Tree, problems };
}
