import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { retryAfterMs } from '../../../src/adapters/providers/retry-after.ts';
import { SseDecoder } from '../../../src/adapters/providers/sse.ts';
import type { ModelEvent, ProviderError } from '../../../src/core/ports/provider.ts';
import { costOf } from '../../../src/core/prices.ts';
import { startProviderServer, wireDialects } from '../../support/provider-fault-server.ts';
import type { ProviderServer, WireDialect } from '../../support/provider-fault-server.ts';
import { chunk, collect, depsWith, errorOf, frames, httpClient, providerOf, read, requestFor } from './support.ts';

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
    const details = { completion_tokens_details: { reasoning_tokens: 386 } };
    const cached = { prompt_tokens_details: { cached_tokens: 5 } };
    const cases: [object, number, [number, number]][] = [
      [details, 399, [387, 386]],
      [details, 13, [1, 386]],
      [{}, 399, [387, 386]],
      [{}, 13, [1, 0]],
      [cached, 399, [1, 0]],
    ];
    for (const [more, total, expected] of cases) {
      const usage = { prompt_tokens: 12, completion_tokens: 1, total_tokens: total, ...more };
      const [told] = usageOf(await read('openai-chat', frames({ ...chunk({ content: 'a' }, 'stop'), usage })));
      assert.deepEqual([told?.output, told?.reasoning], expected, JSON.stringify(usage));
    }
  });

  test('a zero at one end of a message takes back no count of the other', async () => {
    const input = { input_tokens: 9, cache_read_input_tokens: 4 };
    const zero = { input_tokens: 0, cache_read_input_tokens: 0 };
    for (const [first, last] of [
      [input, zero],
      [zero, input],
    ]) {
      const begun = { type: 'message_start', message: { usage: { ...first, output_tokens: 1 } } };
      const ended = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { ...last, output_tokens: 7 } };
      const [told] = usageOf(await read('anthropic-messages', frames(begun, ended, { type: 'message_stop' })));
      assert.deepEqual([told?.input, told?.cacheRead, told?.output], [9, 4, 7]);
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
