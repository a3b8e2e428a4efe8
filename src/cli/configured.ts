/** The configuration as a command reads it. Apart, because it loads the whole schema: only commands that need it do. */
import { type LoadedConfig, loadConfig } from '../config/index.ts';
import type { Invocation } from './command.ts';

export function loadedConfig({ options, env, cwd, home }: Invocation): Promise<LoadedConfig> {
  const file = options.value('config');
  return loadConfig({ ...(file === undefined ? {} : { file }), env, cwd, home });
}

/** Where a gateway with this configuration listens, as this machine reaches it. */
export function listenUrl({ config }: LoadedConfig): string {
  const { host, port, tls } = config.server;
  const scheme = tls === undefined ? 'http' : 'https';
  // Listening on every address includes this machine's own.
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
