import * as z from 'zod/mini';
import {
  baseUrl,
  duration,
  flag,
  idList,
  choice,
  integer,
  list,
  secret,
  secretFile,
  size,
  table,
  withDefault,
  type ValueOf,
} from '../../../core/fields.ts';

/** As hosts are compared: in lower case, letters beyond ASCII as URLs write them (`xn--…`). */
function hostProblem(entry: string): string | null {
  const host = entry.replace(/^\*\./, '');
  return URL.parse(`http://${host}/`)?.hostname === host && !host.includes('*')
    ? null
    : 'it takes a host such as "example.com", or "*.example.com" for all below it, as URLs have it';
}

/** The one spelling that is compared: a host as URLs have it, and its port. */
function hostPortProblem(entry: string): string | null {
  const [, host = '', port = ''] = /^([^*]+):(\d{1,5})$/.exec(entry) ?? [];
  const url = URL.parse(`http://${host}:${port}`);
  return url !== null && url.hostname === host && url.pathname === '/'
    ? null
    : 'it takes a host or an address and its port, such as "192.168.1.5:8080"';
}

const portProblem = (entry: string): string | null =>
  /^[1-9]\d{0,4}$/.test(entry) && Number(entry) <= 65_535 ? null : 'a port is a number from 1 to 65535';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const methodProblem = (entry: string): string | null =>
  methods.some((method) => method === entry) ? null : `a method is one of ${methods.join(', ')}`;

export const httpClientTable = () =>
  table('Web pages and public HTTP services, by the tool `http_request`.', {
    enabled: withDefault(flag('Whether there is such a tool.'), true),
    methods: withDefault(list('What may be asked for.', 'a list of HTTP methods', methodProblem), [...methods]),
    timeout: withDefault(duration('The longest request, with redirects and the whole answer.', '1s', '2m'), '15s'),
    max_bytes: withDefault(size('The largest answer, once it is decompressed.', '1KB', '10MB'), '2MB'),
    ports: withDefault(idList('Ports beside 80 and 443.', 'a list of ports such as [8443]', portProblem), []),
    allow_hosts: withDefault(
      list(
        'When there are any, only these hosts can be asked.',
        'a list of hosts such as ["*.example.com"]',
        hostProblem,
      ),
      [],
    ),
    deny_hosts: withDefault(
      list('Hosts that are never asked.', 'a list of hosts such as ["*.example.com"]', hostProblem),
      [],
    ),
    allow_private: withDefault(
      list(
        'Services of the private network that may be asked, by people with the role owner only; no redirect leads there.',
        'a list of hosts with ports such as ["192.168.1.5:8080"]',
        hostPortProblem,
      ),
      [],
    ),
  });

export const searchProviders = ['brave', 'tavily', 'searxng'] as const;

export const webSearchTable = () =>
  table('Web search, by the tool `web_search`; there is none without a provider.', {
    provider: z.optional(choice('Who searches.', searchProviders, { example: '"brave"' })),
    api_key: z.optional(secret('The key of Brave or Tavily.', { example: '"${SEARCH_API_KEY}"' })),
    api_key_file: z.optional(secretFile('api_key')),
    base_url: z.optional(
      baseUrl('Where it is asked; may be in the private network, such as a SearXNG of your own.', {
        computed: "the provider's own",
        example: '"http://127.0.0.1:8888"',
      }),
    ),
    results: withDefault(integer('Results of one search.', 1, 20), 6),
  });

export type HttpClientOptions = ValueOf<typeof httpClientTable>;
export type WebSearchOptions = ValueOf<typeof webSearchTable>;
