import { configSchema } from './schema.ts';
import { keys, writtenDefault } from './schema-walk.ts';
import { isTree } from './tree.ts';
import type { Written } from './tree.ts';

/** One row of `config show`. */
export interface Setting {
  key: string;
  /** As it would be written in the file; a secret is `"[secret]"`; null when nothing is set and there is no default. */
  value: string | null;
  source: string;
}

/** A value as TOML writes it. */
export function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (isTree(value)) {
    const inside = Object.entries(value).map(
      ([key, item]) => `${/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)} = ${tomlValue(item)}`,
    );
    return inside.length === 0 ? '{}' : `{ ${inside.join(', ')} }`;
  }
  return JSON.stringify(value);
}

/** Every key that is set or has a default, in the order of the schema. Headers may hold keys, so they are masked too. */
export function describe(written: Written): Setting[] {
  const names = (path: string[]): string[] => {
    const table = written.get(path);
    return isTree(table) ? Object.keys(table).filter((name) => isTree(table[name])) : [];
  };
  const settings: Setting[] = [];
  for (const { path, schema, notes } of keys(configSchema, names)) {
    if (notes.kind === 'table') continue;
    const own = written.get(path);
    const value = own ?? writtenDefault(schema);
    const masked = value !== undefined && (notes.kind === 'secret' || notes.kind === 'map') ? '[secret]' : value;
    settings.push({
      key: path.join('.'),
      value: masked === undefined ? null : tomlValue(masked),
      source:
        own === undefined ? (value === undefined ? 'not set' : 'default') : (written.origin(path)?.text ?? 'default'),
    });
  }
  return settings;
}
