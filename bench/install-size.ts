/** What a person gets who installs the package from npm: what `npm run pack` stages, and the dependencies it names. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const stage = path.join(root, 'build', 'npm');

export interface InstallSize {
  /** Ours included. */
  packages: number;
  bytes: number;
  /** Scripts that npm would run at install. */
  scripts: number;
}

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
}

export function installSize(): InstallSize {
  execFileSync(process.execPath, [path.join(root, 'tools', 'pack.ts')], { cwd: root });
  const manifest = JSON.parse(readFileSync(path.join(stage, 'package.json'), 'utf8')) as Manifest;
  const named = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).length;
  const bytes = globSync('**', { cwd: stage })
    .map((file) => statSync(path.join(stage, file)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  return { packages: named + 1, bytes, scripts: Object.keys(manifest.scripts ?? {}).length };
}
