/** Plugins as they are on disk; no gateway is asked, and nothing of them is run. */
import { inspectPlugins } from '../../compose/plugins.ts';
import type { Handler } from '../command.ts';
import { loadedConfig } from '../configured.ts';

export const list: Handler = async (invocation) => {
  const { terminal, options } = invocation;
  const plugins = await inspectPlugins(await loadedConfig(invocation));
  if (options.has('json')) {
    terminal.json({ plugins });
    return 0;
  }
  if (plugins.length === 0) terminal.line('No plugin is configured. docs/writing-a-plugin.md says what one is.');
  for (const { name, enabled, manifest, folder, sha256, problem } of plugins) {
    terminal.line(manifest === null ? name : `${name} ${manifest.version}: ${manifest.description}`);
    if (folder !== null) terminal.line(`  folder: ${folder}`);
    if (manifest !== null) terminal.line(`  asks for: ${manifest.capabilities.join(', ') || 'nothing'}`);
    if (sha256 !== null) terminal.line(`  sha256 = "${sha256}"`);
    terminal.line(problem === null ? `  ${enabled ? 'may be loaded' : 'switched off'}` : `  not used: ${problem}`);
  }
  return 0;
};
