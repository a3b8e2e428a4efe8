/**
 * Holds the layering rules of docs/ARCHITECTURE.md against every import in src/ and fails on the first broken one.
 * Import cycles are oxlint's job (import/no-cycle); this tool knows only who may import whom.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** The room a file lives in: `core`, `app`, `config`, `cli`, `root`, or one adapter such as `adapters/channels/telegram`. */
function roomOf(file: string): string {
  const [top, ...rest] = file.split('/');
  if (rest.length === 0 || top === 'compose') return 'root';
  if (top !== 'adapters') return top ?? 'root';
  const nested = ['channels', 'providers', 'store', 'tools'].includes(rest[0] ?? '') && rest.length > 2;
  return nested ? `adapters/${rest[0]}/${rest[1]}` : `adapters/${rest[0]}`;
}

function allowed(from: string, to: string, target: string): boolean {
  if (from === to || to === 'core') return true;
  if (from === 'root') return true; // compose.ts and main.ts wire everything
  if (from === 'core') return false;
  if (from === 'app') return false;
  // What plugins are written against, and what makes it true.
  if (from === 'adapters/plugins' && to === 'plugin-api') return true;
  if (from === 'config') return path.basename(target) === 'options.ts';
  if (from === 'cli') return to === 'config' || to === 'root';
  // Inside adapters: siblings of one kind share the kind's own files (adapters/providers/sse.ts), never each other's folders.
  return from.startsWith(`${to}/`);
}

const broken: string[] = [];
for (const file of globSync('src/**/*.ts', { cwd: root })) {
  const from = roomOf(path.relative('src', file));
  const source = readFileSync(path.join(root, file), 'utf8');
  for (const match of source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
    const target = path.relative('src', path.join(path.dirname(file), match[1] ?? ''));
    if (target.startsWith('..')) continue;
    const to = roomOf(target);
    if (!allowed(from, to, target)) broken.push(`${file} imports ${target}: ${from} must not know ${to}`);
  }
  for (const match of source.matchAll(/from\s*'([^'.][^']*)'/g)) {
    if (from === 'core' && !['zod/mini'].includes(match[1] ?? ''))
      broken.push(`${file} imports ${match[1]}: core does no I/O and knows no library`);
  }
}
for (const line of broken) console.error(line);
if (broken.length > 0) process.exit(1);
