import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ErasureReceipt } from '../../core/ports/rights-store.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { jsonText } from '../terminal.ts';

const pathOf = ({ positionals }: Invocation): string => `/api/v1/people/${encodeURIComponent(positionals[0] ?? '')}`;

/** One line of an export, see docs/PRIVACY.md. */
type Line =
  | { table: string; row: unknown }
  | { file: string; base64: string }
  | { path: string; base64: string }
  | { path: string; problem: string }
  | { end: { rows: Record<string, number>; sha256: string } }
  | { export: unknown };

/**
 * A folder that a person can open: a file of JSON lines for each table, `files` that were attached, by their ids, and
 * `folder`, the person's own files as they were.
 */
export const exportPerson: Handler = async (invocation) => {
  const { options, terminal, cwd, positionals } = invocation;
  const to = options.value('to') ?? `open-clanker-${positionals[0] ?? ''}`;
  const folder = to === '-' ? null : path.resolve(cwd, to);
  const client = await GatewayClient.of(invocation);
  if (folder !== null) await makeEmpty(folder);
  const hash = createHash('sha256');
  let rows: Record<string, number> | null = null;
  for await (const text of client.lines(`${pathOf(invocation)}/export`)) {
    const line = JSON.parse(text) as Line;
    if (folder === null) terminal.write(`${jsonText(line, 0)}\n`);
    else await keep(folder, line);
    if ('end' in line) rows = line.end.sha256 === hash.digest('hex') ? line.end.rows : null;
    else hash.update(text).update('\n');
  }
  if (rows === null) throw new CliError('The export is not whole; remove what was written and try again.');
  if (folder === null) return 0;
  if (options.has('json')) terminal.json({ folder, rows });
  else {
    terminal.line(`Everything is in ${folder}:`);
    for (const [table, count] of Object.entries(rows))
      terminal.line(`  ${table}.jsonl  ${count} ${count === 1 ? 'row' : 'rows'}`);
  }
  return 0;
};

export const erasePerson: Handler = async (invocation) => {
  const { options, terminal, positionals } = invocation;
  if (!options.has('yes')) {
    throw new CliError(
      `This removes all that belongs to ${positionals[0]} for good. If you mean it, add --yes; ` +
        '"open-clanker people export" keeps a copy.',
      2,
    );
  }
  const client = await GatewayClient.of(invocation);
  const receipt = await client.postPatiently<ErasureReceipt>(`${pathOf(invocation)}/erase`);
  if (options.has('json')) terminal.json(receipt);
  else for (const line of receiptLines(receipt)) terminal.line(line);
  return 0;
};

async function makeEmpty(folder: string): Promise<void> {
  // Not recursive: on file systems that refuse a folder as if it had no parent (/proc), Node would try for ever.
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if ((await readdir(folder)).length > 0) {
    throw new CliError(`${folder} is not empty; name another folder with --to.`);
  }
}

/** Names come from the gateway: one that is none of ours writes nothing. */
async function keep(folder: string, line: Line): Promise<void> {
  if ('table' in line) {
    const name = plain(line.table, /^[a-z_]{1,64}$/);
    await appendFile(path.join(folder, `${name}.jsonl`), `${JSON.stringify(line.row)}\n`, { mode: 0o600 });
  } else if ('file' in line) {
    const name = plain(line.file, /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/);
    await add(path.join(folder, 'files', name), line.base64);
  } else if ('base64' in line) {
    const names = line.path.split('/').map((name) => plain(name, /^(?!\.{1,2}$)[^/\\\0]{1,255}$/));
    await add(path.join(folder, 'folder', ...names), line.base64);
  } else if ('path' in line) {
    await add(path.join(folder, 'missing.jsonl'), Buffer.from(`${JSON.stringify(line)}\n`).toString('base64'));
  }
}

async function add(file: string, base64: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await appendFile(file, Buffer.from(base64, 'base64'), { mode: 0o600 });
}

function plain(name: string, pattern: RegExp): string {
  if (!pattern.test(name)) throw new CliError('What the gateway sent is no export; nothing more is written.');
  return name;
}

const receiptLines = ({ person, finishedAt, removed, compacted, kept, digest }: ErasureReceipt): string[] => [
  `${person} was erased, ${new Date(finishedAt).toISOString()}.`,
  ...Object.entries(removed).map(([table, count]) => `  ${table}: ${count}`),
  ...(compacted ? [] : ['The database is too large to be rewritten while it runs; see docs/PRIVACY.md.']),
  'What stays:',
  ...kept.map((line) => `  ${line}`),
  `Receipt: ${digest}`,
];
