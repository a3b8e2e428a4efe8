import { ConfigError, type Config, type LoadedConfig } from '../config/index.ts';
import { fingerprint } from './fingerprint.ts';

/** What a reload leaves as it was at the start, and how the log and `status` call it. */
const fixed: readonly { key: string; of: (loaded: LoadedConfig) => unknown }[] = [
  { key: 'server.host', of: ({ config }) => config.server.host },
  { key: 'server.port', of: ({ config }) => config.server.port },
  { key: 'server.tls', of: ({ config }) => config.server.tls !== undefined },
  { key: 'database.path', of: ({ config }) => config.database.path },
  { key: 'logging', of: ({ config }) => ({ ...config.logging, level: null }) },
  { key: 'the data directory', of: ({ dataDir }) => dataDir },
];

/**
 * The next configuration as a running gateway can take it up: where it listens, where its data and its log are was
 * settled when it started, and whoever asks (a backup copies the database of the configuration in force) must hear of
 * that. `waiting` names what stands otherwise in the file. Throws ConfigError when the file that was in force is gone and
 * no other took its place: a mount that is away for a moment must not turn everything off.
 */
export function untilRestart(
  next: LoadedConfig,
  before: LoadedConfig,
): { loaded: LoadedConfig; waiting: readonly string[] } {
  if (before.file !== null && next.file === null) {
    const message = 'the file is gone; put it back, or restart the gateway to run without it';
    throw new ConfigError([{ file: before.file, line: null, column: null, key: '', message }]);
  }
  const waiting = fixed.filter(({ of }) => fingerprint(of(next)) !== fingerprint(of(before))).map(({ key }) => key);
  if (waiting.length === 0) return { loaded: next, waiting };
  const { server, database, logging } = before.config;
  const { tls, ...asked } = next.config.server;
  // Another certificate is taken up; whether there is one is not.
  const certificate = server.tls === undefined ? undefined : (tls ?? server.tls);
  const config: Config = {
    ...next.config,
    server: {
      ...asked,
      host: server.host,
      port: server.port,
      ...(certificate === undefined ? {} : { tls: certificate }),
    },
    database,
    logging: { ...logging, level: next.config.logging.level },
  };
  return { loaded: { ...next, config, dataDir: before.dataDir }, waiting };
}

/** A sentence for people. */
export const waitingLine = (waiting: readonly string[]): string =>
  `${waiting.join(', ')} changed in the configuration and ${waiting.length === 1 ? 'takes' : 'take'} effect when the gateway is restarted.`;
