import { TomlError, parse } from 'smol-toml';
import type { ConfigIssue } from './errors.ts';
import { ConfigError } from './errors.ts';
import { locate } from './locate.ts';
import { isTree } from './tree.ts';
import type { Path, Tree } from './tree.ts';

/** No key of ours stands deeper than 5; a few more leave room for a clear message. */
const maxDepth = 16;

/** Where the first thing below `maxDepth` is; null when all is shallow. Walks by hand: a recursion could overflow. */
function tooDeep(tree: Tree): Path | null {
  const open: { value: unknown; path: string[] }[] = [{ value: tree, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (path.length > maxDepth) return path;
    const entries: [string, unknown][] = Array.isArray(value)
      ? value.map((item, i) => [String(i), item])
      : isTree(value)
        ? Object.entries(value)
        : [];
    for (const [key, inside] of entries) open.push({ value: inside, path: [...path, key] });
  }
  return null;
}

const related = new Set(['runtime', 'llm', 'telegram', 'discord', 'slack', 'gateway', 'rabbitmq']);

/** The place where a file shows that it was written for a related system; null when it was not. */
function relatedKey(tree: Tree): Path | null {
  const top = Object.keys(tree).find((key) => related.has(key));
  if (top !== undefined) return [top];
  const { agent, channels } = tree;
  const key = isTree(agent) ? ['provider', 'api_key_env'].find((name) => Object.hasOwn(agent, name)) : undefined;
  if (key !== undefined) return ['agent', key];
  const telegram = isTree(channels) ? channels['telegram'] : undefined;
  return isTree(telegram) && Object.hasOwn(telegram, 'allowed_chats')
    ? ['channels', 'telegram', 'allowed_chats']
    : null;
}

function foreign(file: string, place: Pick<ConfigIssue, 'line' | 'column' | 'key'>): ConfigError {
  const message = `this file is in the layout of a related system; run \`open-clanker config import ${file}\``;
  return new ConfigError([{ file, ...place, message }]);
}

/** The values of a TOML text. Throws ConfigError for a text that is none, is too deep, or belongs to a related system. */
export function parseToml(text: string, file: string): Tree {
  const fail = (message: string, place: { line: number | null; column: number | null; key?: string }): never => {
    throw new ConfigError([{ file, key: '', ...place, message }]);
  };
  const start = /^\s*(?=[{]|---)/.exec(text);
  if (start !== null) throw foreign(file, { line: start[0].split('\n').length, column: 1, key: '' });
  const nul = text.indexOf('\0');
  if (nul >= 0)
    fail('a NUL character stands here; this is not a text file', {
      line: text.slice(0, nul).split('\n').length,
      column: nul - text.lastIndexOf('\n', nul),
    });
  let tree: Tree;
  try {
    tree = parse(text, { maxDepth, unsafeKeyBehaviour: 'throw' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n', 1)[0] ?? '').replace(/^Invalid TOML document: /, '').slice(0, 200);
    const line = text.split('\n').at(error.line - 1) ?? '';
    const rest = line.slice(error.column - 1).trim();
    // The parser calls a line break in a text a control character, which helps nobody.
    const closing = rest === '' && reason.includes('control characters');
    // Ids of Discord are mostly what is written so.
    const large = reason.includes('losslessly');
    const words = closing
      ? 'a text is not closed at the end of its line'
      : large
        ? `this number is too large for TOML; an id of that length is written in quotes, "${/^[+-]?[\d_]+/.exec(rest)?.[0] ?? '…'}"`
        : reason;
    return fail(`not valid TOML: ${words}`, { line: error.line, column: error.column });
  }
  const deep = tooDeep(tree);
  if (deep !== null) {
    const { line, column } = locate(text, deep.slice(0, 1)) ?? { line: null, column: null };
    fail(`nested deeper than ${maxDepth} tables`, { line, column, key: deep.slice(0, 3).join('.').slice(0, 100) });
  }
  const path = relatedKey(tree);
  if (path !== null)
    throw foreign(file, { ...(locate(text, path) ?? { line: null, column: null }), key: path.join('.') });
  return tree;
}
