/** How searches are asked for and answered, one function for each provider. */
import type { HttpRequest } from '../../../core/ports/http-client.ts';
import type { searchProviders } from './options.ts';

export type SearchProviderName = (typeof searchProviders)[number];

/** One search in a provider's words; without the signal. */
export type SearchCall = Omit<HttpRequest, 'signal'>;

export interface SearchProvider {
  baseUrl: string | null;
  /** Whether it costs money. */
  spends: boolean;
  call(query: string, options: { baseUrl: string; key: string; results: number }): SearchCall;
  /** The list of results in an answer, and how their snippet is called. */
  list(answer: Record<string, unknown>): unknown;
  snippet: string;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export const providers: Readonly<Record<SearchProviderName, SearchProvider>> = {
  // https://api-dashboard.search.brave.com/documentation; a token that is not known is answered 422
  brave: {
    baseUrl: 'https://api.search.brave.com',
    spends: true,
    call: (query, { baseUrl, key, results }) => ({
      method: 'GET',
      url: `${baseUrl}/res/v1/web/search?${new URLSearchParams({ q: query, count: String(results) }).toString()}`,
      headers: { accept: 'application/json', 'x-subscription-token': key },
    }),
    list: ({ web }) => record(web)['results'],
    snippet: 'description',
  },
  // https://docs.tavily.com/api-reference/introduction
  tavily: {
    baseUrl: 'https://api.tavily.com',
    spends: true,
    call: (query, { baseUrl, key, results }) => ({
      method: 'POST',
      url: `${baseUrl}/search`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query, max_results: results }),
    }),
    list: ({ results }) => results,
    snippet: 'content',
  },
  // https://docs.searxng.org/dev/search_api.html; `json` has to be among `search.formats` of its settings.
  searxng: {
    baseUrl: null,
    spends: false,
    call: (query, { baseUrl }) => ({
      method: 'GET',
      url: `${baseUrl}/search?${new URLSearchParams({ q: query, format: 'json' }).toString()}`,
      headers: { accept: 'application/json' },
    }),
    list: ({ results }) => results,
    snippet: 'content',
  },
};
