/**
 * Stages what is published to npm in `build/npm/`: the bin, the bundle and its data files, with a package.json that has
 * no dependencies (the pure JavaScript ones are in the bundle), no scripts, and none of the repository's own Node
 * binaries; beside them the types that plugins are written against and the licences of what is bundled.
 * `npm publish build/npm` is all that is left to do.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { noticesOf } from './notices.ts';

const root = path.resolve(import.meta.dirname, '..');
const stage = path.join(root, 'build', 'npm');
const notices = 'THIRD-PARTY.txt';

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
writeFileSync(path.join(stage, notices), noticesOf(root));
// Types only: what runs in a plugin is handed to it.
const project = path.join(root, 'build', 'plugin-types.json');
const compilerOptions = {
  noEmit: false,
  declaration: true,
  emitDeclarationOnly: true,
  rootDir: '../src',
  outDir: 'npm/types',
};
const types = { extends: '../tsconfig.json', compilerOptions, include: [], files: ['../src/plugin-api/index.ts'] };
writeFileSync(project, JSON.stringify(types));
execFileSync(path.join(root, 'node_modules', '.bin', 'tsc'), ['--project', project], { stdio: 'inherit' });
const exported = { './plugin': { types: './types/plugin-api/index.d.ts' }, './package.json': './package.json' };
const published = {
  name,
  version,
  description,
  license,
  bin,
  exports: exported,
  engines: { node: '>=24.16' },
  files: [...files, notices, 'types'],
};
writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
