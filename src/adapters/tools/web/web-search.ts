import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { holdsSecret } from '../../../core/leaks.ts';
import { HttpFailure, readBody, type HttpClient } from '../../../core/ports/http-client.ts';
import type { Tool, ToolOutput } from '../../../core/ports/tool.ts';
import type { WebSearchOptions } from './options.ts';
import { readable } from './readable.ts';
import { providers } from './search-providers.ts';

export interface WebSearchDeps {
  /** The plain client: the operator's own service may be in the private network. */
  http: HttpClient;
}

const timeoutMs = 20_000;
const maxAnswerBytes = 1_000_000;
const maxQueryLength = 400;
const maxTitleLength = 200;
const maxUrlLength = 1000;
const maxSnippetLength = 400;

const problem = (text: string): ToolOutput => ({ text, isError: true });

const input = () => z.strictObject({ query: z.string().check(z.minLength(1), z.maxLength(maxQueryLength)) });

/** Searches the web at the provider of the configuration; null when there is none. */
export function webSearchTool(options: WebSearchOptions, { http }: WebSearchDeps): Tool | null {
  if (options.provider === undefined) return null;
  const provider = providers[options.provider];
  const place = {
    baseUrl: (options.base_url ?? provider.baseUrl ?? '').replace(/\/+$/, ''),
    key: options.api_key?.reveal() ?? '',
    results: options.results,
  };
  return defineTool({
    name: 'web_search',
    description: 'Searches the web.',
    effects: provider.spends ? ['read', 'spend'] : ['read'],
    timeoutMs,
    input,
    async run({ query }, { signal }) {
      if (holdsSecret(query))
        return problem('The query holds a secret of the gateway, which must not leave. Nothing was sent.');
      try {
        const response = await http.request({ ...provider.call(query, place), signal });
        const body = await readBody(response, maxAnswerBytes);
        if (response.status !== 200) return problem(refusal(response.status));
        const results = listOf(provider.list(objectIn(body)), provider.snippet).slice(0, options.results);
        const text = results.map((result, i) => `${i + 1}. ${result}`).join('\n');
        return { text: text || 'Nothing was found.', outside: 'web search' };
      } catch (error) {
        if (error instanceof HttpFailure) return problem(`The search did not work: ${error.message}`);
        throw error;
      }
    },
  });
}

function refusal(status: number): string {
  if (status === 401 || status === 403 || status === 422)
    return `The search service answered HTTP ${status}: the operator has to look at tools.web_search.api_key.`;
  if (status === 429) return 'The search service wants fewer searches; try again later.';
  return `The search service answered HTTP ${status}.`;
}

function objectIn(body: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new HttpFailure('body', 'maybe', 'bad_answer', 'its answer is not JSON.');
}

function listOf(list: unknown, snippet: string): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) => {
    const result = (each ?? {}) as Record<string, unknown>;
    const url = typeof result['url'] === 'string' ? URL.parse(result['url'])?.href : undefined;
    if (url === undefined || !/^https?:/.test(url) || url.length > maxUrlLength) return [];
    const [title, said] = [lineOf(result['title'], maxTitleLength), lineOf(result[snippet], maxSnippetLength)];
    return [`${title || url}\n${url}${said === '' ? '' : `\n${said}`}`];
  });
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };

/** One line of a text with a little markup in it, as these services give it. */
function lineOf(value: unknown, maxLength: number): string {
  if (typeof value !== 'string') return '';
  const plain = value
    .slice(0, 4 * maxLength)
    .replaceAll(/<\/?[a-z][^<>]*>/gi, '')
    .replaceAll(/&(amp|lt|gt|quot|#39|#x27);/g, (_, name: string) => entities[name] ?? '');
  const line = readable(plain).replaceAll(/\s+/g, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
}
