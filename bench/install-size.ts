/** What a person gets who installs the package from npm: our files and the production dependencies behind them. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

export interface InstallSize {
  /** Ours included. */
  packages: number;
  bytes: number;
  /** Packages that would run a script at install. */
  scripted: string[];
}

interface LockedPackage {
  dependencies?: Record<string, string>;
  hasInstallScript?: boolean;
}

export function installSize(): InstallSize {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as unknown;
  // npm 12 answers with an object keyed by name, older ones with an array.
  const [own] = Object.values(packed as Record<string, { unpackedSize: number }>);
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const needed = new Set<string>();
  const collect = (name: string): void => {
    const key = `node_modules/${name}`;
    if (needed.has(key)) return;
    needed.add(key);
    for (const dependency of Object.keys(lock.packages[key]?.dependencies ?? {})) collect(dependency);
  };
  for (const name of Object.keys(lock.packages['']?.dependencies ?? {})) collect(name);
  const sizes = [...needed].map((folder) =>
    globSync(`${folder}/**`, { cwd: root })
      .map((file) => statSync(path.join(root, file)))
      .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0),
  );
  return {
    packages: needed.size + 1,
    bytes: sizes.reduce((sum, size) => sum + size, own?.unpackedSize ?? Number.NaN),
    scripted: [...needed].filter((key) => lock.packages[key]?.hasInstallScript === true),
  };
}
