import { webTools } from '../adapters/tools/web/index.ts';
import type { Config } from '../config/schema.ts';
import type { PublicHttpClient } from '../core/ports/public-http.ts';
import type { ToolGroup } from '../core/ports/tool.ts';
import type { UrlRules } from '../core/public-url.ts';
import type { Ground } from './ground.ts';

/** The search service is asked directly: its address is the operator's. */
export function webGroup({ tools }: Config, ground: Ground): ToolGroup {
  const publicHttp = publicHttpOf(() => tools, ground);
  return webTools({ options: tools, request: { ...ground, http: publicHttp }, search: ground });
}

/** What the operator says of addresses that others chose. */
export function urlRules({ http_client }: Pick<Config['tools'], 'http_client'>): UrlRules {
  const { ports, allow_hosts, deny_hosts, allow_private } = http_client;
  return { ports: ports.map(Number), allowHosts: allow_hosts, denyHosts: deny_hosts, allowPrivate: allow_private };
}

/** The way out to addresses that others chose, by the rules of the operator. */
export function publicHttpOf(
  tools: () => Pick<Config['tools'], 'http_client'>,
  { log, metrics }: Ground,
): PublicHttpClient {
  const rules = (): UrlRules => urlRules(tools());
  // With its decoders it takes megabytes, so it is loaded by the first request.
  let loaded: Promise<PublicHttpClient> | null = null;
  return {
    request: async (request) => {
      loaded ??= import('../adapters/http-client/public/index.ts').then(({ createPublicHttpClient }) =>
        createPublicHttpClient({ rules, log, metrics }),
      );
      return (await loaded).request(request);
    },
  };
}
