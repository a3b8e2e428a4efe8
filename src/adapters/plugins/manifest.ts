import { open } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod/mini';
import { isName } from '../../core/fields.ts';
import type { PluginManifest } from '../../plugin-api/index.ts';
import { capabilities } from './options.ts';
import { PluginProblem } from './problem.ts';

export const manifestName = 'open-clanker.plugin.json';
const maxManifestBytes = 65_536;

const manifest = z.strictObject({
  name: z.string().check(z.refine(isName)),
  version: z.string().check(z.regex(/^[0-9A-Za-z.+-]{1,64}$/)),
  api: z.literal(1),
  entry: z.string().check(z.refine(isEntry)),
  capabilities: z.array(z.enum(capabilities)).check(z.maxLength(capabilities.length)),
  description: z.string().check(z.minLength(1), z.maxLength(300)),
});

/** A plain way down from the manifest to a module. */
function isEntry(entry: string): boolean {
  const steps = entry.split('/');
  const plain = steps.every(
    (step, index) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(step) || (index === 0 && step === '.'),
  );
  return entry.length <= 200 && plain && /\.(?:js|mjs|cjs|ts|mts)$/.test(entry);
}

const forms: Record<string, string> = {
  name: 'a name of 1 to 32 characters a-z 0-9 _ - that begins with a letter',
  version: 'a version such as "1.0.0"',
  api: '1, the version of the plugin API of this gateway',
  entry: 'a module of the plugin such as "index.js"',
  capabilities: `a list of ${capabilities.join(', ')}`,
  description: 'a sentence of at most 300 characters',
};

/** Throws PluginProblem. */
export async function readManifest(folder: string): Promise<PluginManifest> {
  const result = manifest.safeParse(await readJson(path.join(folder, manifestName)));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw new PluginProblem(`${manifestName}: unknown key ${JSON.stringify(issue.keys[0]?.slice(0, 60))}`);
  const key = String(issue?.path[0] ?? '');
  throw new PluginProblem(
    `${manifestName}: ${key === '' ? 'it takes a table' : `${key} takes ${forms[key] ?? 'something else'}`}`,
  );
}

async function readJson(file: string): Promise<unknown> {
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      if (size > maxManifestBytes) throw new PluginProblem(`${manifestName} is larger than ${maxManifestBytes} bytes`);
      return JSON.parse(await handle.readFile('utf8'));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof PluginProblem) throw error;
    if (error instanceof SyntaxError) throw new PluginProblem(`${manifestName} is not valid JSON`);
    const { code } = error as NodeJS.ErrnoException;
    throw new PluginProblem(
      code === 'ENOENT' ? `there is no ${manifestName} in its folder` : `${manifestName} cannot be read (${code})`,
    );
  }
}
