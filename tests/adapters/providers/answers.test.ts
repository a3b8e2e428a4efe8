import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { retryAfterMs } from '../../../src/adapters/providers/retry-after.ts';
import { SseDecoder } from '../../../src/adapters/providers/sse.ts';
import { httpBody } from '../../support/http-body.ts';
import type { HttpClient } from '../../../src/core/ports/http-client.ts';
import type { ModelEvent, ProviderError } from '../../../src/core/ports/provider.ts';
import { costOf } from '../../../src/core/prices.ts';
import { Secret } from '../../../src/core/secret.ts';
import { startProviderServer, wireDialects } from '../../support/provider-fault-server.ts';
import type { ProviderServer, WireDialect } from '../../support/provider-fault-server.ts';
import { collect, depsWith, httpClient, providerOf, requestFor, textOf } from './support.ts';

/** What a dialect makes of an answer with these bytes. */
async function read(
  dialect: WireDialect,
  text: string,
  status = 200,
  type = 'text/event-stream',
  more: Record<string, string> = {},
): Promise<ModelEvent[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  const http: HttpClient = {
    request: () => Promise.resolve({ status, headers: { 'content-type': type, ...more }, body: httpBody(body()) }),
  };
  const provider = providerOf(
    dialect,
    { id: 'p', baseUrl: 'http://127.0.0.1', apiKey: new Secret('key-of-mine-123') },
    depsWith(http),
  );
  return collect(provider, requestFor('m'));
}

const frames = (...chunks: unknown[]): string => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
const chunk = (delta: object, finish: string | null = null): object => ({
  choices: [{ delta, finish_reason: finish }],
});

function errorOf(events: ModelEvent[]): ProviderError {
  const last = events.at(-1);
  assert.ok(last?.type === 'error', JSON.stringify(last));
  return last.error;
}

describe('compatible servers', () => {
  const finishes: [string, string, string][] = [
    ['a finish reason without [DONE]', frames(chunk({ content: 'a' }), chunk({}, 'stop')), 'stop'],
    ['[DONE] without a finish reason', `${frames(chunk({ content: 'a' }))}data: [DONE]\n\n`, 'stop'],
    ['an unknown finish reason', frames(chunk({ content: 'a' }), chunk({}, 'because')), 'stop'],
    [
      'a last event without its blank line',
      frames(chunk({ content: 'a' }), chunk({}, 'stop')).trimEnd() + '\n',
      'stop',
    ],
    [
      'unknown events',
      `event: surprise\ndata: {"x":1}\n\n${frames(chunk({ content: 'a' }), chunk({}, 'stop'))}`,
      'stop',
    ],
    ['a refusal', frames(chunk({ refusal: 'a' }), chunk({}, 'stop')), 'refusal'],
    ['filtered content', frames(chunk({ content: 'a' }), chunk({}, 'content_filter')), 'content_filter'],
    ['a limit', frames(chunk({ content: 'a' }), chunk({}, 'length')), 'length'],
    ['a limit in capitals', frames(chunk({ content: 'a' }), chunk({}, 'MAX_TOKENS')), 'length'],
    [
      'text in blocks beside thinking',
      frames(
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }),
        chunk({ content: [{ type: 'text', text: 'a' }] }),
        chunk({ content: '' }, 'stop'),
      ),
      'stop',
    ],
  ];
  for (const [title, text, reason] of finishes) {
    test(`${title} ends as ${reason}`, async () => {
      const events = await read('openai-chat', text);
      const last = events.at(-1);
      assert.equal(last?.type === 'finish' && last.reason, reason, JSON.stringify(last));
      assert.equal(textOf(events), 'a');
    });
  }

  test('an answer that its server calls broken off is none, though [DONE] follows', async () => {
    const ends: [string, ProviderError['kind']][] = [
      [frames(chunk({}, 'error')), 'server'],
      [frames(chunk({}, 'abort')), 'stream_incomplete'],
      [frames(chunk({}, 'insufficient_system_resource')), 'overloaded'],
      ['event: error\ndata: {"message":"The engine died."}\n\n', 'server'],
      ['event: error\ndata: {"code":"rate_limit_exceeded","message":"no"}\n\n', 'rate_limited'],
      [frames({ object: 'error', message: 'boom', type: 'InternalServerError', code: 500 }), 'server'],
      [frames({ error: { code: 'constructor', message: 'boom' } }), 'server'],
    ];
    for (const [end, kind] of ends) {
      const error = errorOf(await read('openai-chat', `${frames(chunk({ content: 'a' }))}${end}data: [DONE]\n\n`));
      assert.deepEqual([error.kind, error.phase], [kind, 'mid_output'], end);
    }
  });

  test('arguments that are written as an object are not lost', async () => {
    const call = { id: 'a', function: { name: 'one', arguments: { x: 1 } } };
    for (const dialect of ['openai-chat', 'ollama'] as const) {
      const text =
        dialect === 'ollama'
          ? `${JSON.stringify({ message: { tool_calls: [call] }, done: true })}\n`
          : frames(chunk({ tool_calls: [call] }, 'stop'));
      const called = (await read(dialect, text)).filter((event) => event.type === 'tool_call');
      assert.deepEqual(called, [{ type: 'tool_call', id: 'a', name: 'one', args: { x: 1 } }], dialect);
    }
  });

  test('an id that changes in the middle of a call makes no second one', async () => {
    const piece = (id: string, written: object): object => chunk({ tool_calls: [{ index: 0, id, function: written }] });
    const events = await read(
      'openai-chat',
      frames(
        piece('call_1', { name: 'one', arguments: '' }),
        piece('toolcall0', { arguments: '{"x"' }),
        piece('toolcall0', { name: null, arguments: ':1}' }),
        chunk({}, 'tool_calls'),
      ),
    );
    assert.deepEqual(
      events.filter(({ type }) => type === 'tool_call' || type === 'tool_invalid'),
      [{ type: 'tool_call', id: 'call_1', name: 'one', args: { x: 1 } }],
    );
  });

  test('a chat that ends with its reason alone is over', async () => {
    const line = (more: object): string => `${JSON.stringify({ message: { content: 'a' }, ...more })}\n`;
    const last = (await read('ollama', line({ done_reason: 'length' }))).at(-1);
    assert.equal(last?.type === 'finish' && last.reason, 'length');
    assert.equal(errorOf(await read('ollama', line({ done: false, done_reason: '' }))).kind, 'stream_incomplete');
  });

  test('calls without ids and numbers are told apart by their names, and a name said twice is no second call', async () => {
    const piece = (args: string, name?: string): object =>
      chunk({ tool_calls: [{ id: '', function: { ...(name === undefined ? {} : { name }), arguments: args } }] });
    const cases: [object[], unknown[]][] = [
      [
        [piece('{"x":1}', 'one'), piece('{"x":2}', 'one'), piece('{"x"', 'two'), piece(':3}')],
        [1, 2, 3],
      ],
      [[piece('{"x"', 'one'), piece(':1}', 'one'), piece('', 'one')], [1]],
    ];
    for (const [pieces, values] of cases) {
      const events = await read('openai-chat', frames(...pieces, chunk({}, 'stop')));
      assert.deepEqual(
        events.flatMap((event) => (event.type === 'tool_call' ? [event.args['x']] : [])),
        values,
      );
    }
  });

  test('tool calls in every numbering are told apart', async () => {
    const call = (more: object, id?: string, name?: string, args?: string): object =>
      chunk({
        tool_calls: [
          {
            ...more,
            ...(id === undefined ? {} : { id }),
            function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
          },
        ],
      });
    const numberings: [string, object[]][] = [
      [
        'numbered',
        [
          call({ index: 0 }, 'a', 'one', '{"x"'),
          call({ index: 0 }, undefined, undefined, ':1}'),
          call({ index: 1 }, 'b', 'two', ''),
        ],
      ],
      [
        'all 0',
        [
          call({ index: 0 }, 'a', 'one', '{"x"'),
          call({ index: 0 }, undefined, undefined, ':1}'),
          call({ index: 0 }, 'b', 'two', '{}'),
        ],
      ],
      ['without numbers', [call({}, 'a', 'one', '{"x":1}'), call({}, 'b', 'two', '{}')]],
      [
        'id and name in every piece',
        [
          call({ index: 0 }, 'a', 'one', '{"x"'),
          call({ index: 0 }, 'a', 'one', ':1}'),
          call({ index: 1 }, 'b', 'two', '{}'),
        ],
      ],
    ];
    for (const [title, pieces] of numberings) {
      const events = await read('openai-chat', frames(...pieces, chunk({}, 'stop')));
      assert.deepEqual(
        events.filter((event) => event.type === 'tool_call'),
        [
          { type: 'tool_call', id: 'a', name: 'one', args: { x: 1 } },
          { type: 'tool_call', id: 'b', name: 'two', args: {} },
        ],
        title,
      );
      const last = events.at(-1);
      assert.equal(last?.type === 'finish' && last.reason, 'tool_calls', title);
    }
  });

  test('arguments that are no object are never executed', async () => {
    for (const args of ['[1]', '"x"', '{"a":1', 'null', '{"a":1}}']) {
      const events = await read(
        'openai-chat',
        frames(
          chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'one', arguments: args } }] }, 'tool_calls'),
        ),
      );
      assert.deepEqual(
        events.filter((event) => event.type === 'tool_call'),
        [],
        args,
      );
      assert.equal(events.find((event) => event.type === 'tool_invalid')?.raw, args);
    }
  });

  const responses = (...events: [string, object?][]): string =>
    events.map(([type, fields]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`).join('');

  test('calls of a response without numbers keep their own arguments, in whatever order they are finished', async () => {
    const call = (x: number): object => ({
      type: 'function_call',
      call_id: `c${x}`,
      name: 'one',
      arguments: `{"x":${x}}`,
    });
    const added = (x: number): [string, object] => [
      'response.output_item.added',
      { item: { ...call(x), arguments: '' } },
    ];
    const done = (x: number): [string, object] => ['response.output_item.done', { item: call(x) }];
    const completed: [string, object] = [
      'response.completed',
      { response: { status: 'completed', output: [call(1), call(2)] } },
    ];
    const orders = [
      [added(1), added(2), done(1), done(2), completed],
      [added(1), done(1), added(2), done(2), completed],
      [done(1), done(2), completed],
      [completed],
    ];
    for (const order of orders) {
      const events = await read('openai-responses', responses(...order));
      const called = events.flatMap((event) => (event.type === 'tool_call' ? [[event.id, event.args['x']]] : []));
      assert.deepEqual(
        called,
        [
          ['c1', 1],
          ['c2', 2],
        ],
        JSON.stringify(order.map(([type]) => type)),
      );
    }
  });

  test('text of a response that was never streamed is taken from its end, and text that was is not said twice', async () => {
    const item = { type: 'message', content: [{ type: 'output_text', text: 'a' }] };
    const delta: [string, object] = ['response.output_text.delta', { delta: 'a' }];
    const done: [string, object] = ['response.output_item.done', { item }];
    const completed: [string, object] = ['response.completed', { response: { status: 'completed', output: [item] } }];
    for (const order of [[completed], [done, completed], [delta, completed], [delta, done, completed]]) {
      const events = await read('openai-responses', responses(...order));
      assert.deepEqual([textOf(events), events.at(-1)?.type], ['a', 'finish']);
    }
    const failed: [string, object] = [
      'response.failed',
      { response: { status: 'failed', output: [item], error: { message: 'boom' } } },
    ];
    const events = await read('openai-responses', responses(failed));
    assert.deepEqual([textOf(events), errorOf(events).phase], ['', 'before_output']);
  });

  test('the name of an event stands for its type, and [DONE] for an end that is known', async () => {
    const stop = 'event: message_delta\ndata: {"delta":{"stop_reason":"end_turn"}}\n\n';
    const said = 'event: content_block_delta\ndata: {"delta":{"type":"text_delta","text":"a"}}\n\n';
    for (const text of [`${said}${stop}event: message_stop\ndata: {}\n\n`, `${said}${stop}data: [DONE]\n\n`]) {
      const events = await read('anthropic-messages', text);
      assert.deepEqual([textOf(events), events.at(-1)?.type], ['a', 'finish']);
    }
    assert.equal(errorOf(await read('anthropic-messages', `${said}data: [DONE]\n\n`)).kind, 'stream_incomplete');
    const named = 'event: response.output_text.delta\ndata: {"delta":"a"}\n\nevent: response.completed\ndata: {}\n\n';
    assert.equal(textOf(await read('openai-responses', named)), 'a');
    assert.equal(errorOf(await read('openai-responses', 'data: {"error":"model not loaded"}\n\n')).kind, 'server');
  });

  test('an error object in a JSON answer of status 200 is an error', async () => {
    for (const dialect of wireDialects) {
      const text = dialect === 'ollama' ? '{"error":"boom"}' : '{"error":{"message":"boom","type":"server_error"}}';
      assert.equal(errorOf(await read(dialect, text, 200, 'application/json')).kind, 'server', dialect);
    }
  });
});

describe('errors', () => {
  test('the key is masked and the detail short, whatever the provider echoes', async () => {
    const text = JSON.stringify({ error: { message: `Incorrect key key-of-mine-123. ${'x'.repeat(2000)}` } });
    const error = errorOf(await read('openai-chat', text, 401, 'application/json'));
    assert.doesNotMatch(error.detail, /key-of-mine/);
    assert.ok(error.detail.length <= 500);
  });

  const cases: [WireDialect, number, string, ProviderError['kind']][] = [
    [
      'openai-chat',
      429,
      '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}',
      'quota_exhausted',
    ],
    [
      'openai-chat',
      400,
      '{"error":{"message":"This model\'s maximum context length is 10 tokens"}}',
      'context_overflow',
    ],
    ['openai-chat', 404, '{"error":{"message":"No endpoints found that support tool use."}}', 'tools_unsupported'],
    ['openai-chat', 404, '<html><body>nginx</body></html>', 'bad_response'],
    [
      'openai-chat',
      404,
      '{"error":{"message":"The model x does not exist","code":"model_not_found"}}',
      'model_not_found',
    ],
    ['openai-chat', 422, '{"object":"error","message":"bad field"}', 'invalid_request'],
    ['openai-chat', 504, '<html>gateway</html>', 'server'],
    [
      'anthropic-messages',
      400,
      '{"error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8"}}',
      'context_overflow',
    ],
    [
      'anthropic-messages',
      400,
      '{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}',
      'billing',
    ],
    [
      'anthropic-messages',
      429,
      '{"error":{"type":"rate_limit_error","message":"no","details":{"error_code":"enforced_spend_limit_reached"}}}',
      'quota_exhausted',
    ],
    ['ollama', 404, '{"error":"model \\"x\\" not found, try pulling it first"}', 'model_not_found'],
    ['ollama', 400, '{"error":"registry.ollama.ai/library/x does not support tools"}', 'tools_unsupported'],
    ['ollama', 500, '{"error":"llama runner process has terminated: signal: killed"}', 'server'],
    ['openai-chat', 400, '{"code":"invalid argument","error":"Incorrect API key provided: x"}', 'auth'],
    [
      'openai-chat',
      400,
      '[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]',
      'auth',
    ],
    ['openai-chat', 400, '{"error":{"message":"The prompt was filtered.","code":"content_filter"}}', 'content_refused'],
    ['openai-chat', 498, '{"error":{"message":"Flex tier capacity exceeded"}}', 'overloaded'],
    [
      'openai-chat',
      429,
      '{"error":{"message":"You exceeded your current quota. Please retry in 3.4s."}}',
      'rate_limited',
    ],
  ];

  // As vLLM, llama.cpp, LM Studio, TGI, Gemini, xAI, Mistral, Bedrock, OpenAI and Anthropic say it.
  const overflows = [
    'The decoder prompt (length 9000) is longer than the maximum model length of 8192.',
    'the request exceeds the available context size, try increasing it',
    'Trying to keep the first 5000 tokens when context the overflows.',
    'The number of tokens to keep from the initial prompt is greater than the context length.',
    'Input validation error: `inputs` must have less than 4096 tokens. Given: 5000',
    'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
    'Input is too long for requested model.',
    'Your input exceeds the context window of this model.',
    'input length and `max_tokens` exceed context limit: 199000 + 21333 > 200000',
  ];
  const toolless = [
    '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    'tools param requires --jinja flag',
    '`tool calling` is not supported with this model',
    'Function calling is not enabled for models/x',
    'This model does not support Function Calling',
    "This model doesn't support tool use.",
    "Unsupported parameter: 'tools' is not supported with this model.",
  ];
  test('an overflow and a model without tools are known by the words of every server, with a status and in a stream', async () => {
    const cases: [string, ProviderError['kind']][] = [
      ...overflows.map((words): [string, ProviderError['kind']] => [words, 'context_overflow']),
      ...toolless.map((words): [string, ProviderError['kind']] => [words, 'tools_unsupported']),
    ];
    for (const [message, kind] of cases) {
      const body = { error: { message, type: 'invalid_request_error' } };
      for (const status of [400, 500])
        assert.equal(errorOf(await read('openai-chat', JSON.stringify(body), status)).kind, kind, message);
      assert.equal(errorOf(await read('openai-chat', frames(body))).kind, kind, message);
    }
  });

  test('what only sounds like them is not taken for them', async () => {
    for (const message of [
      'tool_choice is not supported',
      'Your tools schema is invalid',
      'max_tokens is too large: 9000',
      'The context of the argument is unclear',
    ])
      assert.equal(
        errorOf(await read('openai-chat', JSON.stringify({ error: { message } }), 400)).kind,
        'invalid_request',
        message,
      );
  });
  for (const [dialect, status, body, kind] of cases)
    test(`${dialect} ${status} ${body.slice(0, 60)} is ${kind}`, async () => {
      assert.equal(errorOf(await read(dialect, body, status, 'application/json')).kind, kind);
    });

  test('a full context window is an overflow when nothing was said, and a limit when something was', async () => {
    const stop = { type: 'message_delta', delta: { stop_reason: 'model_context_window_exceeded' } };
    const said = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } };
    assert.equal(
      errorOf(await read('anthropic-messages', frames(stop, { type: 'message_stop' }))).kind,
      'context_overflow',
    );
    const last = (await read('anthropic-messages', frames(said, stop, { type: 'message_stop' }))).at(-1);
    assert.equal(last?.type === 'finish' && last.reason, 'length');
  });

  test('response.failed is an error of its own code', async () => {
    const failed = {
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Please try again in 1.2s.' } },
    };
    const error = errorOf(await read('openai-responses', frames(failed)));
    assert.deepEqual([error.kind, error.code, error.retryAfterMs], ['rate_limited', 'rate_limit_exceeded', 1200]);
  });

  test('every way to say when to come back is understood, and none is shortened', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const hints: [Record<string, string>, string, number | undefined][] = [
      [{ 'retry-after': '65' }, '', 65_000],
      [{ 'retry-after': '0.5' }, '', 500],
      [{ 'retry-after-ms': '1500', 'retry-after': '9' }, '', 1500],
      [{ 'retry-after': 'Thu, 01 Jan 2026 00:02:00 GMT' }, '', 120_000],
      [{ 'retry-after': 'soon' }, '', undefined],
      [{}, 'Please try again in 1.2s.', 1200],
      [{}, 'Please try again in 6m0s. Visit the page.', 360_000],
      [{}, 'Please try again in 20ms.', 20],
      [{}, 'Try again in 3 minutes', 180_000],
      [{}, 'retry after 7 seconds', 7000],
      [
        {
          'x-ratelimit-reset-requests': '9m',
          'x-ratelimit-remaining-requests': '5',
          'x-ratelimit-reset-tokens': '6m0s',
          'x-ratelimit-remaining-tokens': '0',
        },
        '',
        360_000,
      ],
      [{ 'x-ratelimit-reset-requests': '8.64s' }, '', 8640],
      [{ 'x-ratelimit-reset-requests': '9m', 'x-ratelimit-reset-tokens': '6m0s' }, '', 540_000],
      [{ 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-reset-tokens': '9m' }, '', 540_000],
      [
        { 'anthropic-ratelimit-tokens-reset': '2026-01-01T00:01:00Z', 'anthropic-ratelimit-tokens-remaining': '0' },
        '',
        60_000,
      ],
      [{}, 'Slow down.', undefined],
      [{ 'retry-after': String(now / 1000 + 90) }, '', 90_000],
      [{ 'x-ratelimit-reset-requests': String(now + 60_000) }, '', 60_000],
      [{ 'x-ratelimit-reset-requests': '86400' }, '', 86_400_000],
      [{ 'retry-after': '9'.repeat(400) }, '', 366 * 86_400_000],
    ];
    for (const [headers, message, wait] of hints)
      assert.equal(retryAfterMs(headers, message, now), wait, JSON.stringify([headers, message]));
  });
});

describe('usage', () => {
  let server: ProviderServer;
  const http = httpClient();
  before(async () => {
    server = await startProviderServer();
  });
  after(async () => {
    http.close();
    await server.close();
  });
  const ask = async (dialect: WireDialect, model = 'm'): Promise<ModelEvent[]> =>
    collect(providerOf(dialect, { id: 'p', baseUrl: server.baseUrl(dialect) }, depsWith(http)), requestFor(model));
  const usageOf = (events: ModelEvent[]) =>
    events.filter((event) => event.type === 'usage').map((event) => event.usage);

  test('input is without what the cache served, reasoning is inside the output', async () => {
    server.answer = { usage: { prompt: 1000, cacheRead: 900, cacheWrite: 50, output: 80, reasoning: 30 } };
    const full = { input: 50, cacheRead: 900, cacheWrite: 50, output: 80, reasoning: 30, estimated: false };
    assert.deepEqual(usageOf(await ask('openai-chat')), [full]);
    assert.deepEqual(usageOf(await ask('openai-responses')), [full]);
    assert.deepEqual(usageOf(await ask('anthropic-messages')), [{ ...full, reasoning: 0 }]);
    assert.deepEqual(usageOf(await ask('ollama')), [
      { input: 1000, cacheRead: 0, cacheWrite: 0, output: 80, reasoning: 0, estimated: false },
    ]);
  });

  test('what a cache served or stored costs its own price, in every dialect that tells of it', async () => {
    server.answer = { usage: { prompt: 1000, cacheRead: 900, cacheWrite: 50, output: 80, reasoning: 30 } };
    const prices = { input: 1000, cacheRead: 100, cacheWrite: 1250, output: 5000 };
    for (const dialect of ['openai-chat', 'openai-responses', 'anthropic-messages'] as const) {
      const [usage] = usageOf(await ask(dialect));
      const cost = usage === undefined ? null : costOf(usage, prices);
      assert.equal(cost, (50 * 1000 + 900 * 100 + 50 * 1250 + 80 * 5000) / 1e6, dialect);
    }
  });

  test('thinking that is counted beside the answer is inside the output', async () => {
    const counts = { prompt_tokens: 12, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 386 } };
    for (const [total, output] of [
      [399, 387],
      [13, 1],
    ]) {
      const last = { ...chunk({ content: 'a' }, 'stop'), usage: { ...counts, total_tokens: total } };
      assert.equal(usageOf(await read('openai-chat', frames(last)))[0]?.output, output);
    }
  });

  test('what nobody reported is not made up, and what was reported is told once, also of an answer that broke off', async () => {
    for (const dialect of wireDialects) {
      server.answer = { usage: null };
      for (const model of ['m', 'fault-clean-eof']) assert.deepEqual(usageOf(await ask(dialect, model)), [], dialect);
      server.answer = {};
      assert.equal(usageOf(await ask(dialect, 'm')).length, 1, dialect);
      // Most tell it at their end, which did not come.
      const told = dialect === 'anthropic-messages' ? 1 : 0;
      assert.equal(usageOf(await ask(dialect, 'fault-clean-eof')).length, told, dialect);
    }
  });
});

describe('server-sent events', () => {
  test('are read as the standard says', () => {
    const events: unknown[] = [];
    const decoder = new SseDecoder((event) => events.push(event));
    decoder.push(
      Buffer.from(
        '\uFEFF: comment\nevent: a\nid: 1\ndata: x\ndata:  y\n\ndata\n\nevent: lost\n\nretry: 5\ndata:z\r\n\r\ndata: cut',
      ),
    );
    decoder.end();
    assert.deepEqual(events, [
      { event: 'a', data: 'x\n y', id: '1' },
      { event: 'message', data: '', id: '1' },
      { event: 'message', data: 'z', id: '1' },
    ]);
  });

  test('end with a last line that is whole though its line end is missing, and without one that is cut', async () => {
    const delta = `data: ${JSON.stringify({ type: 'response.output_text.delta', delta: 'a' })}\n\n`;
    const completed = `data: ${JSON.stringify({ type: 'response.completed', response: { status: 'completed' } })}`;
    assert.equal((await read('openai-responses', delta + completed)).at(-1)?.type, 'finish');
    assert.equal(errorOf(await read('openai-responses', (delta + completed).slice(0, -1))).kind, 'stream_incomplete');
    assert.equal((await read('openai-chat', `${frames(chunk({ content: 'a' }))}data: [DONE]`)).at(-1)?.type, 'finish');
    assert.equal(
      errorOf(await read('openai-chat', `${frames(chunk({ content: 'a' }))}data: [DO`)).kind,
      'stream_incomplete',
    );
  });

  test('mean the same wherever the bytes are cut, in every line end', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const bytes = Buffer.from(['event: a', 'data: ü', 'data: 🌍', '', 'id: 2', 'data: z', '', ''].join(end));
      for (let offset = 0; offset <= bytes.length; offset++) {
        const events: unknown[] = [];
        const decoder = new SseDecoder((event) => events.push(event));
        decoder.push(bytes.subarray(0, offset));
        decoder.push(bytes.subarray(offset));
        const whole = [
          { event: 'a', data: 'ü\n🌍', id: '' },
          { event: 'message', data: 'z', id: '2' },
        ];
        assert.deepEqual(events, whole, `${JSON.stringify(end)} at ${offset}`);
      }
    }
  });

  test('a line and an event without end are refused, not collected', () => {
    const decoder = new SseDecoder(() => undefined);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) decoder.push(Buffer.from('x'.repeat(100_000)));
    }, /line longer/);
    const many = new SseDecoder(() => undefined);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) many.push(Buffer.from(`data: ${'x'.repeat(100_000)}\n`));
    }, /event longer/);
  });
});
