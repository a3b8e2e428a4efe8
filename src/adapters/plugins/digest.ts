import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { PluginProblem } from './problem.ts';

const maxFiles = 5000;
const maxBytes = 64 * 1024 * 1024;
const maxDepth = 32;
const worldWritable = 0o002;

/**
 * SHA-256 over the files of a folder: for each, in the order of their paths, path, NUL, size, NUL and content. `.git`
 * does not count. Dependencies that lie outside of the folder do not, either. Throws PluginProblem for links, for what
 * anybody on this machine may change, and for a folder that is too large.
 */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const name of await filesOf(folder)) {
    const file = path.join(folder, name);
    const { size } = await checked(file, name);
    bytes += size;
    if (bytes > maxBytes) throw new PluginProblem(`its files are larger than ${maxBytes} bytes together`);
    hash.update(`${name}\0${size}\0`);
    if (size === 0) continue;
    for await (const chunk of createReadStream(file, { end: size - 1 })) hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

async function filesOf(folder: string): Promise<string[]> {
  const files: string[] = [];
  const waiting = [{ under: '', depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { under, depth } = next;
    await checked(path.join(folder, under), under === '' ? 'its folder' : under);
    if (depth > maxDepth) throw new PluginProblem('its folders are nested too deeply');
    for await (const entry of await opendir(path.join(folder, under))) {
      const name = under === '' ? entry.name : `${under}/${entry.name}`;
      if (name === '.git') continue;
      if (entry.isDirectory()) waiting.push({ under: name, depth: depth + 1 });
      else if (entry.isFile()) files.push(name);
      // npm links the commands of packages here; nothing is loaded by way of them.
      else if (!under.endsWith('node_modules/.bin')) throw new PluginProblem(`${name} is a link or no regular file`);
      if (files.length > maxFiles) throw new PluginProblem(`it has more than ${maxFiles} files`);
    }
  }
  return files.sort((a, b) => (a < b ? -1 : 1));
}

async function checked(file: string, name: string): Promise<{ size: number }> {
  const stat = await lstat(file);
  if (process.platform !== 'win32' && (stat.mode & worldWritable) !== 0)
    throw new PluginProblem(`anybody on this machine may change ${name}; run chmod o-w on it`);
  return stat;
}
