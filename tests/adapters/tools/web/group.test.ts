import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webTools } from '../../../../src/adapters/tools/web/index.ts';
import { httpClientTable, webSearchTable } from '../../../../src/adapters/tools/web/options.ts';
import { estimateTokens } from '../../../../src/core/estimate.ts';
import type { ToolGroup } from '../../../../src/core/ports/tool.ts';

const groupOf = (client: object, search: object): ToolGroup => {
  const options = { http_client: httpClientTable().parse(client), web_search: webSearchTable().parse(search) };
  // Nothing is asked before a call.
  return webTools({ options, request: {} as never, search: {} as never });
};
const namesOf = (group: ToolGroup): string[] => group.tools.map(({ name }) => name);

test('there is what the configuration offers, for few tokens', () => {
  assert.deepEqual(namesOf(groupOf({}, {})), ['http_request']);
  assert.deepEqual(namesOf(groupOf({ enabled: false }, {})), []);
  const both = groupOf({}, { provider: 'searxng', base_url: 'http://127.0.0.1:8888' });
  assert.deepEqual(namesOf(both), ['http_request', 'web_search']);
  const specs = both.tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  assert.ok(estimateTokens(JSON.stringify(specs)) <= 220);
  assert.ok(both.about.length <= 60);
});

test('it is needed when the web is spoken of in four languages, and not for a greeting', () => {
  const { keywords } = groupOf({}, {});
  const needed = (text: string): boolean =>
    text
      .toLowerCase()
      .split(/[^\p{L}.]+/u)
      .some((word) => keywords.some((keyword) => word.startsWith(keyword)));
  for (const text of [
    'What does https://example.com say?',
    'search for trains to Bern',
    'Suche mir die neuesten Nachrichten',
    'busca noticias de hoy',
    'cherche la météo à Lyon',
  ])
    assert.ok(needed(text), text);
  for (const text of ['hello', 'Hallo, wie geht es dir?', 'hola', 'bonjour, ça va ?', 'it was such a nice day'])
    assert.ok(!needed(text), text);
});
