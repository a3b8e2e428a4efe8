/**
 * Stages what is published to npm in `build/npm/`: the bin, the bundle and its data files, with a package.json that has
 * no dependencies (the pure JavaScript ones are in the bundle), no scripts, and none of the repository's own Node
 * binaries. `npm publish build/npm` is all that is left to do.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const stage = path.join(root, 'build', 'npm');

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  bin: Record<string, string>;
  files: string[];
}

const { name, version, description, license, bin, files } = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
) as Manifest;

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
for (const file of [...files, 'README.md', 'LICENSE'])
  cpSync(path.join(root, file), path.join(stage, file), { recursive: true });
const published = { name, version, description, license, bin, engines: { node: '>=24.16' }, files };
writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
