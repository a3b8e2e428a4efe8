/** What a plugin is and whether it may be loaded, found out without running any of it. */
import { realpath, stat } from 'node:fs/promises';
import type { Capability, PluginManifest } from '../../plugin-api/index.ts';
import { digestOf } from './digest.ts';
import { readManifest } from './manifest.ts';
import { PluginProblem } from './problem.ts';

/** A plugin as configured. */
export interface PluginSettings {
  name: string;
  /** Absolute. */
  path: string;
  grant: readonly string[];
  sha256: string | null;
}

export interface PluginReport {
  name: string;
  /** Its real folder; null while it was not found. */
  folder: string | null;
  manifest: PluginManifest | null;
  sha256: string | null;
  /** Why it is not loaded, with the fix; null when it may be. */
  problem: string | null;
}

/** Never rejects. */
export async function inspectPlugin(settings: PluginSettings): Promise<PluginReport> {
  const report: PluginReport = { name: settings.name, folder: null, manifest: null, sha256: null, problem: null };
  try {
    report.folder = await folderOf(settings);
    report.manifest = await readManifest(report.folder);
    report.sha256 = await digestOf(report.folder);
    report.problem = refusal(settings, report.manifest, report.sha256);
  } catch (error) {
    report.problem =
      error instanceof PluginProblem ? error.message : `it cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  return report;
}

function refusal({ name, grant, sha256 }: PluginSettings, manifest: PluginManifest, found: string): string | null {
  if (manifest.name !== name)
    return `its manifest calls it "${manifest.name}"; configure it as [plugins.${manifest.name}]`;
  const missing = manifest.capabilities.filter((capability) => !grant.includes(capability));
  if (missing.length > 0) {
    const all: Capability[] = [...new Set(manifest.capabilities)];
    const line = `grant = [${all.map((capability) => `"${capability}"`).join(', ')}]`;
    return `it asks for ${missing.join(', ')}, which is not granted; if that is meant, write under [plugins.${name}]: ${line}`;
  }
  if (sha256 !== null && sha256 !== found)
    return `its files are not those of sha256 = "${sha256}"; they have "${found}" now`;
  return null;
}

async function folderOf({ path: given }: PluginSettings): Promise<string> {
  const folder = await realpath(given).catch(() => null);
  if (folder === null || !(await stat(folder)).isDirectory()) throw new PluginProblem(`there is no folder ${given}`);
  return folder;
}
