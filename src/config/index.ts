export { dataDir } from './data-dir.ts';
export { ConfigError, issueLine } from './errors.ts';
export type { ConfigIssue } from './errors.ts';
export { configReference, generateConfig } from './generate.ts';
export { loadConfig } from './load.ts';
export type { LoadedConfig, LoadOptions } from './load.ts';
export type { Config } from './schema.ts';
export { describeConfig } from './settings.ts';
export { watchConfig } from './watch.ts';
