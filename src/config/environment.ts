/** What the environment says about the configuration: full names, the aliases of related systems, and .env files. */
import type { FieldKind } from '../core/fields.ts';
import { isName } from '../core/fields.ts';
import { nearest } from './nearest.ts';
import { configSchema } from './schema.ts';
import { fixedKeys, keys, namedEntry, notesOf, schemaAt } from './schema-walk.ts';
import { isTree, valueAt } from './tree.ts';
import type { Layer, Tree, Written } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'OPEN_CLANKER_';

/** Names with our prefix that are no keys: where things are, how commands find the gateway, and where a test kills it. */
const ownNames = new Set(['CONFIG', 'DATA', 'URL', 'TOKEN', 'CRASH_AT'].map((name) => prefix + name));

/** The environment variable of a key: `server.port` → `OPEN_CLANKER_SERVER__PORT`. */
export const environmentName = (path: readonly string[]): string =>
  prefix + path.map((part) => part.replaceAll('-', '_').toUpperCase()).join('__');

const levels: Record<string, string> = {
  warning: 'warn',
  notice: 'info',
  fatal: 'error',
  critical: 'error',
  verbose: 'debug',
};
const known = ['trace', 'debug', 'info', 'warn', 'error'];

/** `INFO`, `warning`, `info,hyper=warn` (RUST_LOG) → a level; undefined when there is none in it. */
function logLevel(text: string): string | undefined {
  const words = text
    .toLowerCase()
    .split(',')
    .map((word) => word.trim());
  return words.map((word) => levels[word] ?? word).find((word) => known.includes(word));
}

/** What Ollama itself accepts in OLLAMA_HOST: `0.0.0.0`, `host:port`, `:port`, a URL. https://docs.ollama.com/faq */
function ollamaUrl(text: string): string {
  const url = URL.parse(
    /^https?:\/\//.test(text) ? text : `http://${text.startsWith(':') ? `127.0.0.1${text}` : text}`,
  );
  if (url === null) return text;
  const explicitPort = /:\d+(\/|$)/.test(text.replace(/^https?:\/\//, ''));
  if (url.port === '' && !explicitPort && !/^https?:/.test(text)) url.port = '11434';
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1'; // bound everywhere, reached here
  return url.href.replace(/\/$/, '');
}

interface Alias {
  names: readonly string[];
  path: readonly string[];
  read?: (text: string) => string | undefined;
}

/** Strongest name last. Each name also counts with the prefix OPENCLAW_, weaker than without. */
const aliases: readonly Alias[] = [
  { names: ['TELEGRAM_BOT_TOKEN'], path: ['channels', 'telegram', 'bot_token'] },
  { names: ['DISCORD_BOT_TOKEN'], path: ['channels', 'discord', 'bot_token'] },
  { names: ['SLACK_BOT_TOKEN'], path: ['channels', 'slack', 'bot_token'] },
  { names: ['SLACK_APP_TOKEN'], path: ['channels', 'slack', 'app_token'] },
  { names: ['SLACK_SIGNING_SECRET'], path: ['channels', 'slack', 'signing_secret'] },
  { names: ['OPENAI_API_KEY'], path: ['providers', 'openai', 'api_key'] },
  { names: ['ANTHROPIC_API_KEY'], path: ['providers', 'anthropic', 'api_key'] },
  { names: ['OLLAMA_HOST', 'OLLAMA_BASE_URL'], path: ['providers', 'ollama', 'base_url'], read: ollamaUrl },
  { names: ['RUST_LOG', 'RUSTCLAW_LOG_LEVEL', 'LOG_LEVEL'], path: ['logging', 'level'], read: logLevel },
];

/** As the reference lists them. */
export const aliasNames = (): string[] => aliases.flatMap(({ names }) => names.map((name) => `\`${name}\``));

/** A text of the environment in the shape its key wants; what does not fit stays a text, and the schema says so. */
function shaped(text: string, kind: FieldKind): unknown {
  const json = (wanted: (value: unknown) => boolean): unknown => {
    try {
      const value: unknown = JSON.parse(text);
      return wanted(value) ? value : text;
    } catch {
      return text;
    }
  };
  switch (kind) {
    case 'number':
      return /^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'boolean':
      if (/^(true|1|yes|on)$/i.test(text.trim())) return true;
      return /^(false|0|no|off)$/i.test(text.trim()) ? false : text;
    case 'list':
      if (text.trim().startsWith('[')) return json(Array.isArray);
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'rows':
      return json(Array.isArray);
    case 'map':
    case 'choices':
      return json(isTree);
    default:
      return text;
  }
}

/** The key that a variable's name means; null when there is none. A `_` in a free name also finds a `-`. */
function pathOf(name: string, tree: Tree): { path: string[]; kind: FieldKind } | null {
  const path: string[] = [];
  for (const segment of name.slice(prefix.length).toLowerCase().split('__')) {
    const here = schemaAt(configSchema(), path);
    if (here === undefined) return null;
    const fixed = fixedKeys(here).some(([key]) => key === segment);
    if (!fixed && (namedEntry(here) === undefined || !isName(segment))) return null;
    const table = valueAt(tree, path);
    const existing = isTree(table) ? Object.keys(table).find((key) => key.replaceAll('-', '_') === segment) : undefined;
    path.push(fixed ? segment : (existing ?? segment));
  }
  const schema = schemaAt(configSchema(), path);
  const kind = schema === undefined ? undefined : notesOf(schema)?.kind;
  return kind === undefined || kind === 'table' ? null : { path, kind };
}

/** Adds one layer of variables to the written values: aliases first, so that a full name wins. Returns warnings. */
export function addEnvironment(
  written: Written,
  env: Environment,
  layer: Extract<Layer, '.env' | 'environment'>,
): string[] {
  const warnings: string[] = [];
  const from = (name: string) => ({ layer, text: `${layer} ${name}` });
  for (const { names, path, read } of aliases) {
    // A key that names its own variable is not answered by another one.
    if (path[2] === 'api_key' && written.get([...path.slice(0, 2), 'api_key_env']) !== undefined) continue;
    for (const name of [...names.map((name) => `OPENCLAW_${name}`), ...names]) {
      const text = env[name]?.trim();
      if (text === undefined || text === '') continue;
      const value = read === undefined ? text : read(text);
      if (value !== undefined) written.set(path, value, from(name));
      else
        warnings.push(
          `${name}=${JSON.stringify(text.slice(0, 40))} names no log level (${known.join(', ')}); it is ignored.`,
        );
    }
  }
  for (const name of Object.keys(env).sort()) {
    const text = env[name];
    if (text === undefined || !name.startsWith(prefix) || ownNames.has(name)) continue;
    const target = pathOf(name, written.tree);
    if (target !== null) {
      written.set(target.path, shaped(text, target.kind), from(name));
      continue;
    }
    const candidates = Array.from(keys(configSchema()))
      .filter(({ notes }) => notes.kind !== 'table')
      .map(({ path }) => environmentName(path));
    const near = nearest(name, candidates);
    warnings.push(
      `${name.slice(0, 100)} names no key of the configuration${near === null ? '' : `; did you mean ${near}?`}`,
    );
  }
  return warnings;
}
