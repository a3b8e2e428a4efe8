/** Searches at strict stand-ins of the three services, which answer as their documentation says and refuse all else. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { webSearchTool } from '../../../../src/adapters/tools/web/web-search.ts';
import { webSearchTable, type WebSearchOptions } from '../../../../src/adapters/tools/web/options.ts';
import type { ToolOutput } from '../../../../src/core/ports/tool.ts';
import { registerSecret } from '../../../../src/core/redact.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { LoopbackServer, type Answered, type Asked } from '../../../support/loopback-server.ts';
import { httpClient } from '../../providers/support.ts';
import { callTool } from './call.ts';

type Name = NonNullable<WebSearchOptions['provider']>;

const key = 'BSA-search-key-4711';

interface Result {
  title: string;
  url: string;
  snippet: string;
}

const found: Result[] = [
  {
    title: 'Grüße aus <b>Bern</b>',
    url: 'https://example.com/1?a=b',
    snippet: 'Das &quot;<strong>Wetter</strong>&quot;\n in  Bern',
  },
  { title: '', url: 'https://example.com/2', snippet: '' },
  { title: 'script', url: 'javascript:alert(1)', snippet: 'never shown' },
  { title: 'long', url: 'https://example.com/3', snippet: 'x'.repeat(5000) },
  { title: 'one too many', url: 'https://example.com/4', snippet: 'y' },
];

/** What a request of each service must look like, and what is answered. */
const services: Record<Name, (asked: Asked) => Answered> = {
  brave: ({ method, path, query, headers }) => {
    if (headers['x-subscription-token'] !== key)
      return { status: 422, json: { error: { code: 'SUBSCRIPTION_TOKEN_INVALID' } } };
    if (method !== 'GET' || path.join('/') !== 'res/v1/web/search') return { status: 404 };
    if (!query.get('q') || !(Number(query.get('count')) <= 20)) return { status: 422 };
    const results = found.map(({ title, url, snippet }) => ({
      title,
      url,
      description: snippet,
      type: 'search_result',
    }));
    return {
      status: 200,
      json: { type: 'search', query: { original: query.get('q') }, web: { type: 'search', results } },
    };
  },
  tavily: ({ method, path, headers, json }) => {
    if (headers.authorization !== `Bearer ${key}`) return { status: 401, json: { detail: { error: 'Unauthorized' } } };
    if (method !== 'POST' || path.join('/') !== 'search') return { status: 404 };
    if (headers['content-type'] !== 'application/json' || typeof json['query'] !== 'string') return { status: 400 };
    if (Object.keys(json).some((name) => !['query', 'max_results'].includes(name))) return { status: 400 };
    const results = found.map(({ title, url, snippet }) => ({ title, url, content: snippet, score: 0.9 }));
    return { status: 200, json: { query: json['query'], results, response_time: 0.5 } };
  },
  searxng: ({ method, path, query }) => {
    if (method !== 'GET' || path.at(-1) !== 'search' || !query.get('q')) return { status: 400 };
    if (query.get('format') !== 'json') return { status: 403 };
    const results = found.map(({ title, url, snippet }) => ({ title, url, content: snippet, engine: 'test' }));
    return { status: 200, json: { query: query.get('q'), results, infoboxes: [] } };
  },
};

async function rig(
  t: TestContext,
  provider: Name,
  answer = services[provider],
  options: Partial<WebSearchOptions> = {},
) {
  const asked: Asked[] = [];
  const server = await new LoopbackServer((request) => {
    asked.push(request);
    return answer(request);
  }).listen();
  const http = httpClient();
  t.after(async () => {
    http.close();
    await server.close();
  });
  const written = {
    ...webSearchTable().parse({}),
    provider,
    api_key: new Secret(key),
    base_url: `${server.url}/`,
    results: 4,
  };
  const tool = webSearchTool({ ...written, ...options }, { http });
  assert.ok(tool !== null);
  return { tool, asked, search: (query: string): Promise<ToolOutput> => callTool(tool, { query }) };
}

test('without a provider there is no such tool', () => {
  const http = httpClient();
  assert.equal(webSearchTool(webSearchTable().parse({}), { http }), null);
  http.close();
});

for (const provider of ['brave', 'tavily', 'searxng'] as const) {
  test(`${provider} is asked as it wants to be, and its results are short lines from outside`, async (t) => {
    const { search, tool, asked } = await rig(t, provider);
    const { text, outside, isError } = await search('wetter in bern & mehr?');
    assert.equal(isError, undefined, text);
    assert.equal(outside, 'web search');
    assert.deepEqual(text.split('\n'), [
      '1. Grüße aus Bern',
      'https://example.com/1?a=b',
      'Das "Wetter" in Bern',
      '2. https://example.com/2',
      'https://example.com/2',
      '3. long',
      'https://example.com/3',
      `${'x'.repeat(400)}…`,
      '4. one too many',
      'https://example.com/4',
      'y',
    ]);
    assert.equal(asked.length, 1);
    assert.deepEqual(tool.effects, provider === 'searxng' ? ['read'] : ['read', 'spend']);
  });
}

describe('a search that does not work says why', () => {
  const cases: [string, Answered | 'cut', RegExp][] = [
    ['a key that is not accepted', { status: 401 }, /api_key/],
    ['a key that Brave does not know', { status: 422 }, /api_key/],
    ['too many searches', { status: 429 }, /fewer searches/],
    ['a broken service', { status: 503, json: { results: [] } }, /HTTP 503/],
    ['an answer that is no JSON', { status: 200, bytes: Buffer.from('<html>') }, /not JSON/],
    ['an answer that is too large', { status: 200, bytes: Buffer.alloc(1_000_001) }, /larger than/],
    ['an answer that is cut off', 'cut', /did not work/],
    ['an answer of another shape', { status: 200, json: { results: { a: 1 }, web: 3 } }, /Nothing was found/],
    [
      'results of another shape',
      { status: 200, json: { results: [null, 3, 'x', {}, { url: 7 }] } },
      /Nothing was found/,
    ],
  ];
  for (const [name, answer, says] of cases) {
    test(name, async (t) => {
      const { search } = await rig(t, 'tavily', () => answer as Answered);
      const { text } = await search('x');
      assert.match(text, says);
      assert.doesNotMatch(text, new RegExp(key));
    });
  }
});

test('a query with a secret of the gateway, of no length or of too much is not sent', async (t) => {
  const { search, asked } = await rig(t, 'searxng');
  registerSecret('sk-search-canary-0815');
  for (const query of ['what is sk-search-canary-0815', '', 'x'.repeat(401)])
    assert.equal((await search(query)).isError, true);
  assert.equal(asked.length, 0);
});
