/** The configuration as `config show` presents it: every key, its value with secrets masked, and where it came from. */
import { isSecretName, redact, registerSecret } from '../core/redact.ts';
import type { LoadedConfig } from './load.ts';
import { configSchema } from './schema.ts';
import { keys, writtenDefault } from './schema-walk.ts';
import type { Key } from './schema-walk.ts';
import { isTree, valueAt } from './tree.ts';
import type { Tree, Written } from './tree.ts';

/** One row of `config show`. */
export interface Setting {
  key: string;
  /** As written in the file, or the default; a secret is `[secret]`; null when nothing is set and there is no default. */
  value: unknown;
  source: string;
}

/** The keys of the schema with the names that stand in a tree. */
function* namedKeys(tree: Tree): Generator<Key> {
  const names = (path: string[]): string[] => {
    const table = valueAt(tree, path);
    return isTree(table) ? Object.keys(table).filter((name) => isTree(table[name])) : [];
  };
  for (const key of keys(configSchema(), names)) if (key.notes.kind !== 'table') yield key;
}

/** Where each key that has a value got it. */
export function sourcesOf(written: Written): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { path, schema } of namedKeys(written.tree)) {
    const own = written.get(path) !== undefined;
    if (own || writtenDefault(schema) !== undefined) {
      sources.set(path.join('.'), own ? (written.origin(path)?.text ?? 'default') : 'default');
    }
  }
  return sources;
}

/**
 * Takes the secrets out of the written values, in place, after the config was built from them; from now on the log masks
 * them too. Headers may hold keys, so they are not shown either.
 */
export function maskSecrets(written: Written): Tree {
  for (const { path, notes } of namedKeys(written.tree)) {
    const value = written.get(path);
    if (notes.kind === 'secret' && typeof value === 'string') registerSecret(value);
    if (notes.kind === 'map' && isTree(value)) registerHeaders(value);
    const secret = notes.kind === 'secret' || notes.kind === 'map';
    const origin = written.origin(path);
    if (secret && origin !== null && value !== undefined) written.set(path, '[secret]', origin);
    // Many an address is a secret by its query.
    else if (typeof value === 'string' && origin !== null && /^[a-z]+:\/\/\S+\?/i.test(value))
      written.set(path, redact(value), origin);
    else if (notes.kind === 'list' && Array.isArray(value) && origin !== null)
      written.set(path, withoutSecrets(value), origin);
  }
  return written.tree;
}

/** Programs are given keys as `--token abc`, `--token=abc`, or inside an address. */
function withoutSecrets(list: readonly unknown[]): unknown[] {
  return list.map((item, n) => {
    if (typeof item !== 'string') return item;
    const [, name = '', value = ''] = /^--?([\w-]+)=(.+)$/s.exec(item) ?? [];
    const before = list[n - 1];
    const named = typeof before === 'string' && /^--?[\w-]+$/.test(before) && isSecretName(before.replace(/^-+/, ''));
    const secret = isSecretName(name) ? value : named && !item.startsWith('-') ? item : '';
    if (secret === '') return redact(item);
    registerSecret(secret);
    return item.slice(0, item.length - secret.length) + '[secret]';
  });
}

/** `Bearer abc` is also known as `abc`. */
function registerHeaders(headers: Tree): void {
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !isSecretName(name)) continue;
    registerSecret(value);
    registerSecret(value.slice(value.indexOf(' ') + 1));
  }
}

/** Every key in the order of the schema. */
export function describeConfig({ written, sources }: Pick<LoadedConfig, 'written' | 'sources'>): Setting[] {
  return Array.from(namedKeys(written), ({ path, schema }) => {
    const key = path.join('.');
    return {
      key,
      value: valueAt(written, path) ?? writtenDefault(schema) ?? null,
      source: sources.get(key) ?? 'not set',
    };
  });
}
