/** What the configuration says about where a gateway would listen. Apart, because it loads the whole schema. */
import { loadConfig } from '../config/index.ts';
import type { Invocation } from './command.ts';

export function locate({ options, env, cwd, home }: Invocation): { url: string; token: string | null } {
  const file = options.value('config');
  const { config } = loadConfig({ ...(file === undefined ? {} : { file }), env, cwd, home, flags: {} });
  const { host, port, tls, auth } = config.server;
  const scheme = tls === undefined ? 'http' : 'https';
  // Listening on every address includes this machine's own.
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const bracketed = reachable.includes(':') ? `[${reachable}]` : reachable;
  return { url: `${scheme}://${bracketed}:${port}`, token: auth.token?.reveal() ?? null };
}
