import { webTools } from '../adapters/tools/web/index.ts';
import type { Config } from '../config/schema.ts';
import type { MintId } from '../core/ids.ts';
import type { FileStorage } from '../core/ports/files.ts';
import type { HttpClient } from '../core/ports/http-client.ts';
import type { PublicHttpClient } from '../core/ports/public-http.ts';
import type { Store } from '../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../core/ports/system.ts';
import type { ToolGroup } from '../core/ports/tool.ts';
import type { UrlRules } from '../core/public-url.ts';

export interface WebToolDeps {
  /** For the search service, whose address is the operator's. */
  http: HttpClient;
  store: Store;
  files: FileStorage;
  clock: Clock;
  mintId: MintId;
  log: Log;
  metrics: Metrics;
}

export function webGroup({ tools }: Config, deps: WebToolDeps): ToolGroup {
  const { http, log, metrics, ...kept } = deps;
  const publicHttp = publicHttpOf(() => tools, { log, metrics });
  return webTools({ options: tools, request: { http: publicHttp, ...kept }, search: { http } });
}

/** The way out to addresses that others chose, by the rules of the operator. */
export function publicHttpOf(
  tools: () => Pick<Config['tools'], 'http_client'>,
  deps: Pick<WebToolDeps, 'log' | 'metrics'>,
): PublicHttpClient {
  const rules = (): UrlRules => {
    const { ports, allow_hosts, deny_hosts, allow_private } = tools().http_client;
    return { ports: ports.map(Number), allowHosts: allow_hosts, denyHosts: deny_hosts, allowPrivate: allow_private };
  };
  // With its decoders it takes megabytes, so it is loaded by the first request.
  let loaded: Promise<PublicHttpClient> | null = null;
  return {
    request: async (request) => {
      loaded ??= import('../adapters/http-client/public/index.ts').then(({ createPublicHttpClient }) =>
        createPublicHttpClient({ rules, ...deps }),
      );
      return (await loaded).request(request);
    },
  };
}
