/** From the written form to the Config that the program uses. */
import path from 'node:path';
import { providerDefaultsFor } from '../adapters/providers/options.ts';
import { configuredChannels } from './channels.ts';
import type { AgentOptions, Config, ConfiguredProvider, WrittenConfig } from './schema.ts';
import { fixedKeys, schemaAt } from './schema-walk.ts';
import { configSchema } from './schema.ts';
import { isTree } from './tree.ts';
import type { Written } from './tree.ts';
import type { Problem } from './problem.ts';

/** Writes the defaults that depend on other values: those of a provider's name and place, and those in the data directory. */
export function addComputedDefaults(written: Written, dataDir: string): void {
  const schema = schemaAt(configSchema(), ['providers']);
  const fixed = new Set(schema === undefined ? [] : fixedKeys(schema).map(([key]) => key));
  const providers = written.get(['providers']);
  for (const [name, table] of Object.entries(isTree(providers) ? providers : {})) {
    if (fixed.has(name) || !isTree(table)) continue;
    for (const [key, value] of Object.entries(providerDefaultsFor(name, table))) {
      written.setDefault(['providers', name, key], value);
    }
  }
  written.setDefault(['database', 'path'], path.join(dataDir, 'open-clanker.db'));
  if (written.get(['logging', 'output']) === 'file')
    written.setDefault(['logging', 'file'], path.join(dataDir, 'open-clanker.log'));
}

const present = <T extends object>(table: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const resolved = (files: { cert_path: string; key_path: string }, folder: string) => ({
  cert_path: path.resolve(folder, files.cert_path),
  key_path: path.resolve(folder, files.key_path),
});

/** Relative paths of data start at `dataDir`; of what is given to the gateway, at the `folder` of the configuration. */
export function buildConfig(
  written: WrittenConfig,
  { dataDir, folder }: { dataDir: string; folder: string },
): { config: Config; problems: Problem[] } {
  const { providers, agents, channels, database, logging, backup, server, ...rest } = written;
  const { default: preferred, fallback, ...named } = providers;
  const { channels: configured, problems } = configuredChannels(channels);
  const config: Config = {
    ...rest,
    server: server.tls === undefined ? server : { ...server, tls: resolved(server.tls, folder) },
    logging: logging.file === undefined ? logging : { ...logging, file: path.resolve(dataDir, logging.file) },
    backup: backup.folder === undefined ? backup : { ...backup, folder: path.resolve(dataDir, backup.folder) },
    providers: {
      ...(preferred === undefined ? {} : { default: preferred }),
      fallback,
      named: named as Record<string, ConfiguredProvider>,
    },
    agents: Object.fromEntries(
      Object.entries(agents).map(([name, { limits, ...own }]): [string, AgentOptions] => [
        name,
        { ...rest.agent, ...present(own), limits: { ...rest.agent.limits, ...present(limits ?? {}) } },
      ]),
    ),
    channels: configured,
    database: { path: path.resolve(dataDir, database.path ?? 'open-clanker.db') },
  };
  return { config, problems };
}
