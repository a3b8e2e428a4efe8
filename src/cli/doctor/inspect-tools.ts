/** Looks at what tools need of the machine: the folders of people, and a sandbox. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import type { LoadedConfig } from '../../config/index.ts';
import type { ToolFacts } from './facts.ts';
import { look } from './inspect-files.ts';

export async function toolFacts({ config, dataDir }: LoadedConfig): Promise<ToolFacts> {
  const { sandboxTrouble } = await import('../../compose/person-tools.ts');
  const folder = path.join(dataDir, 'people');
  return {
    files: config.tools.files.enabled ? { folder, quota: config.tools.files.quota, ...inspect(folder) } : null,
    sandbox: await sandboxTrouble(config),
  };
}

function inspect(folder: string): { mode: number | null; usable: boolean } {
  const stat = look(folder);
  if (stat === null) return { mode: null, usable: true };
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return { mode: stat.mode & 0o777, usable: stat.isDirectory() };
  } catch {
    return { mode: stat.mode & 0o777, usable: false };
  }
}
