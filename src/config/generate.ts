/** The configuration written out for a person: as a commented file, and as the reference in docs/CONFIG.md. */
import type { FieldNotes } from '../core/fields.ts';
import { channelKinds } from './channels.ts';
import type { ChannelType } from './channels.ts';
import { aliasNames, environmentName } from './environment.ts';
import { configSchema } from './schema.ts';
import { isOptional, keys, writtenDefault } from './schema-walk.ts';
import type { Key } from './schema-walk.ts';
import { isTree } from './tree.ts';

/** A value as TOML writes it. */
function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  return JSON.stringify(value);
}

const sentence = (words: string): string =>
  `${words.charAt(0).toUpperCase()}${words.slice(1)}${words.endsWith('.') ? '' : '.'}`;

/** Words as comment lines of at most 110 characters. */
function comment(words: string): string[] {
  const lines = [''];
  for (const word of words.split(' ')) {
    if ((lines.at(-1)?.length ?? 0) + word.length > 108) lines.push('');
    lines.push(`${lines.pop() ?? ''} ${word}`);
  }
  return lines.map((line) => `#${line}`);
}

/** Names that show what a free name may be. */
const sampleNames: Readonly<Record<string, string>> = {
  providers: 'openai',
  agents: 'brief',
  'budgets.channels': 'telegram',
  'channels.webhook': 'sms',
  'tools.policy.channels': 'email',
  'webhooks.out': 'ops',
  ...Object.fromEntries(Object.keys(channelKinds).map((type) => [`channels.${type}.accounts`, 'second'])),
};

const isTable = ({ notes }: Key): boolean => notes.kind === 'table';

const isRows = ({ notes }: Key): boolean => notes.kind === 'rows';

/** The kind of a further account of a platform, whose keys are those of its plain table; else null. */
function furtherOf({ path: [top, type = '', accounts, ...name] }: Key): ChannelType | null {
  return top === 'channels' && accounts === 'accounts' && name.length === 1 ? (type as ChannelType) : null;
}

function keyLines({ path, schema, notes }: Key): string[] {
  const fallback = writtenDefault(schema);
  const without = notes.computed === undefined ? '' : ` Without it: ${notes.computed}.`;
  const value = fallback === undefined ? (notes.example ?? '""') : tomlValue(fallback);
  return [...comment(notes.about), ...comment(sentence(notes.form) + without), `#${path.at(-1)} = ${value}`, ''];
}

const head = `# The configuration of Open Clanker. Every key stands here with what it means, what it takes, and its default.
# A line such as "#port = 18789" shows the default, or an example where there is none: remove its "#" to change it.
# Texts may hold \${NAME} from the environment. Every key can also come from the environment: server.port is
# OPEN_CLANKER_SERVER__PORT. Keep secrets there, in .env beside this file, or in files named by the *_file keys.
`;

/** What a further account cannot be without; its secrets are its own. */
function furtherLines(type: ChannelType, inside: readonly Key[]): string[] {
  const required: readonly string[] = channelKinds[type].required;
  const lines = inside
    .filter(({ path }) => required.includes(path.at(-1) ?? ''))
    .map(({ path, notes }) => `#${path.at(-1)} = ${(notes.example ?? '""').replace('${', '${SECOND_')}`);
  return [...comment(`Every key of [channels.${type}], such as:`), ...lines, ''];
}

/** A complete configuration file in which every key is a comment; it is valid as it is. */
export function generateConfig(): string {
  const lines = [head];
  const names = (path: string[]): string[] => [sampleNames[path.join('.')] ?? 'name'];
  const all = [...keys(configSchema(), names)];
  for (const table of all.filter(isTable)) {
    const inside = all.filter(
      (key) =>
        !isTable(key) &&
        key.path.length === table.path.length + 1 &&
        table.path.every((part, i) => part === key.path[i]),
    );
    if (inside.length === 0) continue;
    // A header may only stand where an empty table is valid.
    const mark = isTree(writtenDefault(table.schema)) ? '' : '#';
    const further = furtherOf(table);
    const keyed = further === null ? inside.flatMap(keyLines) : furtherLines(further, inside);
    lines.push(...comment(table.notes.about), `${mark}[${table.path.join('.')}]`, ...keyed);
  }
  for (const { path, notes } of all.filter(isRows)) {
    const inside = (notes.example ?? '').split('\n').map((line) => `#${line}`);
    lines.push(...comment(notes.about), `#[[${path.join('.')}]]`, ...inside, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function defaultCell(key: Key): string {
  const value = writtenDefault(key.schema);
  if (value !== undefined) return `\`${tomlValue(value)}\``;
  return key.notes.computed ?? (isOptional(key.schema) ? '' : 'required');
}

function row(key: Key): string {
  const notes: FieldNotes = key.notes;
  return `| \`${key.path.at(-1)}\` | ${cell(notes.about)} | ${cell(notes.form)} | ${cell(defaultCell(key))} |`;
}

/** docs/CONFIG.md: every key in tables, generated so that it cannot be wrong. */
export function configReference(): string {
  const all = [...keys(configSchema())];
  const parts = all.filter(isTable).flatMap((table) => {
    const inside = all.filter(
      (key) =>
        !isTable(key) &&
        key.path.length === table.path.length + 1 &&
        table.path.every((part, i) => part === key.path[i]),
    );
    if (inside.length === 0) return [];
    const variable = environmentName([...table.path, 'KEY']);
    const further = furtherOf(table);
    if (further !== null)
      return [
        `## \`[${table.path.join('.')}]\``,
        `${table.notes.about} It takes every key of \`[channels.${further}]\`. From the environment: \`${variable}\`.`,
      ];
    return [
      `## \`[${table.path.join('.')}]\``,
      `${table.notes.about} From the environment: \`${variable}\`.`,
      ['| key | meaning | takes | default |', '|---|---|---|---|', ...inside.map(row)].join('\n'),
    ];
  });
  const listed = all
    .filter(isRows)
    .flatMap(({ path, notes }) => [
      `## \`[[${path.join('.')}]]\``,
      notes.about,
      ['```toml', `[[${path.join('.')}]]`, notes.example ?? '', '```'].join('\n'),
    ]);
  return `${[referenceHead(), ...parts, ...listed].join('\n\n')}\n`;
}

const referenceHead = (): string => `# Configuration

One TOML file, strict: an unknown key, a wrong type or a missing value is refused with file, line, key, the accepted form and the nearest known key. This page is written by \`configReference()\` from the schema that validates; a test holds the two together. \`open-clanker config generate\` writes the same as a commented file, \`config validate\` checks one, \`config show\` prints what is in force and where each value came from.

**Which file**: \`--config\`, \`$OPEN_CLANKER_CONFIG\`, \`./open-clanker.toml\`, \`./config.toml\`, \`~/.config/open-clanker/config.toml\`, \`/etc/open-clanker/config.toml\`; none is fine. **What wins**: flag, environment, \`.env\` (beside the file, else in the working directory), file, default.

**Environment**: every key has a name, \`server.port\` is \`OPEN_CLANKER_SERVER__PORT\`; lists are JSON or have commas. \`\${NAME}\` in a text of the file is a variable, \`$\${\` a literal \`\${\`. Also understood, each with the prefix \`OPENCLAW_\` too: ${aliasNames().join(', ')}; the last three set the level of the log.

**Secrets**: a key such as \`bot_token\` has a twin \`bot_token_file\`, the path of a file that holds it; \`api_key_env\` names a variable. **Data** is kept in \`$OPEN_CLANKER_DATA\`, else \`~/.local/share/open-clanker\` (\`/var/lib/open-clanker\` as a system service).

**Changes** are noticed within a second or two and take effect while everything goes on; so does a renewed certificate. Only where the gateway listens (\`server.host\`, \`server.port\`, whether there is TLS), where its data are (\`database.path\`) and how it logs (\`[logging]\` but for \`level\`) is settled at the start: \`status\` says when something of that waits for a restart. A file that is wrong, or gone, changes nothing.`;
