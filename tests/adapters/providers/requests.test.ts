import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ChatTranslator } from '../../../src/adapters/providers/openai-chat/stream.ts';
import { chatRequest } from '../../../src/adapters/providers/openai-chat/request.ts';
import { firstStyle, learnFrom } from '../../../src/adapters/providers/openai-chat/style.ts';
import { mergeReasoning } from '../../../src/app/agent/written.ts';
import type { JsonObject } from '../../../src/core/message.ts';
import type { HttpClient } from '../../../src/core/ports/http-client.ts';
import type { ModelRequest, RequestMessage, RequestPart } from '../../../src/core/ports/provider.ts';
import { Secret } from '../../../src/core/secret.ts';
import { httpBody } from '../../support/http-body.ts';
import { startProviderServer, validateRequest, wireDialects } from '../../support/provider-fault-server.ts';
import type { ProviderServer, WireDialect } from '../../support/provider-fault-server.ts';
import { collect, depsWith, httpClient, lookup, providerOf, requestFor } from './support.ts';

const pixel = new Uint8Array([137, 80, 78, 71]);

/** A history with everything in it, thinking of two dialects included. */
const rich = (dialect: WireDialect): ModelRequest => ({
  ...requestFor('m'),
  maxOutputTokens: 300,
  temperature: 0.2,
  tools: [{ name: 'zeta', description: 'Last.', parameters: { type: 'object', properties: {} } }, lookup],
  messages: [
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'What is this?' },
        { type: 'image', mimeType: 'image/png', data: pixel },
      ],
    },
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'Let me see.', dialect, replay: replayOf(dialect) },
        { type: 'reasoning', text: 'Elsewhere.', dialect: 'another', replay: { type: 'secret' } },
        { type: 'text', text: 'I look it up.' },
        { type: 'tool_call', id: 'call|of:another/provider', name: 'lookup', args: { city: 'Rome' } },
        { type: 'tool_call', id: 'call_2', name: 'zeta', args: {} },
      ],
    },
    {
      role: 'tool',
      parts: [
        { type: 'tool_result', callId: 'call|of:another/provider', name: 'lookup', text: 'found', isError: false },
        { type: 'tool_result', callId: 'call_2', name: 'zeta', text: '', isError: true },
      ],
    },
    { role: 'assistant', parts: [{ type: 'reasoning', text: 'Only thought.', dialect: 'another', replay: {} }] },
    {
      role: 'user',
      parts: [
        { type: 'text', text: '  ' },
        { type: 'text', text: 'And now?' },
      ],
    },
  ],
});

function replayOf(dialect: WireDialect): JsonObject {
  return dialect === 'openai-responses'
    ? { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'b3BhcXVl' }
    : { type: 'thinking', thinking: 'Let me see.', signature: 'c2ln' };
}

describe('requests', () => {
  const http = httpClient();
  let server: ProviderServer;
  before(async () => {
    server = await startProviderServer();
  });
  after(async () => {
    http.close();
    await server.close();
  });

  async function sent(dialect: WireDialect, request: ModelRequest) {
    const provider = providerOf(
      dialect,
      { id: 'p', baseUrl: `${server.baseUrl(dialect)}/`, apiKey: new Secret('sk-test'), headers: { 'x-team': 'blue' } },
      depsWith(http),
    );
    const events = await collect(provider, request);
    assert.equal(events.at(-1)?.type, 'finish', JSON.stringify(events.at(-1)));
    const received = server.ledger.at(-1);
    assert.ok(received !== undefined);
    return received;
  }

  for (const dialect of wireDialects) {
    test(`${dialect}: a rich history is sent as the protocol demands`, async () => {
      const { body, headers, problems } = await sent(dialect, rich(dialect));
      assert.deepEqual(problems, []);
      const text = JSON.stringify(body);
      assert.ok(!text.includes('Elsewhere') && !text.includes('Only thought'), 'thinking of others stays here');
      assert.ok(text.includes(Buffer.from(pixel).toString('base64')), 'the picture is in it');
      assert.ok(text.includes('(no output)'), 'an empty result is not sent empty');
      assert.ok(text.indexOf('"lookup"') < text.indexOf('"zeta"'), 'tools are sorted');
      assert.equal(headers['x-team'], 'blue');
      assert.equal(
        headers[dialect === 'anthropic-messages' ? 'x-api-key' : 'authorization'],
        dialect === 'anthropic-messages' ? 'sk-test' : 'Bearer sk-test',
      );
    });

    test(`${dialect}: equal requests are equal bytes, and a longer history keeps its beginning`, async () => {
      const first = JSON.stringify((await sent(dialect, rich(dialect))).body);
      const shuffled = rich(dialect);
      shuffled.tools.reverse();
      const [tool] = shuffled.tools;
      if (tool !== undefined) tool.parameters = Object.fromEntries(Object.entries(tool.parameters).reverse());
      assert.equal(JSON.stringify((await sent(dialect, shuffled)).body), first);
      const longer = rich(dialect);
      longer.messages.push(
        { role: 'assistant', parts: [{ type: 'text', text: 'Rome.' }] },
        { role: 'user', parts: [{ type: 'text', text: 'Thanks.' }] },
      );
      const withoutMarks = (text: string): string => text.replaceAll(',"cache_control":{"type":"ephemeral"}', '');
      const prefix = withoutMarks(first).slice(0, withoutMarks(first).indexOf('And now?'));
      assert.ok(withoutMarks(JSON.stringify((await sent(dialect, longer)).body)).startsWith(prefix));
    });

    test(`${dialect}: the smallest request is valid`, async () => {
      const { body, problems } = await sent(dialect, { ...requestFor('m'), system: '', tools: [] });
      assert.deepEqual(problems, []);
      assert.equal('tools' in body, false);
      assert.deepEqual(validateRequest(dialect, body), []);
    });

    test(`${dialect}: the strict server sees an orphaned result, an empty message and a call without result`, async () => {
      const { body } = await sent(dialect, rich(dialect));
      const key = dialect === 'openai-responses' ? 'input' : 'messages';
      const entries = body[key] as unknown[];
      for (let left = 0; left < entries.length; left++) {
        const broken = { ...body, [key]: entries.toSpliced(left, 1) };
        // Dropping a message must be noticed wherever that breaks a pair or the order of roles.
        if (JSON.stringify(entries[left]).match(/tool_call|tool_use|tool_result|function_call|"role":"tool"/))
          assert.notDeepEqual(validateRequest(dialect, broken), [], `without entry ${left}`);
      }
      assert.notDeepEqual(validateRequest(dialect, { ...body, [key]: [] }), []);
    });
  }

  test('anthropic-messages: a limit is always said, and four cache breakpoints at most are set', async () => {
    const { body } = await sent('anthropic-messages', {
      ...rich('anthropic-messages'),
      messages: rich('anthropic-messages').messages,
    });
    assert.equal(body['max_tokens'], 300);
    assert.equal((await sent('anthropic-messages', requestFor('m'))).body['max_tokens'], 8192);
    assert.equal(JSON.stringify(body).match(/cache_control/g)?.length, 4);
    assert.ok(JSON.stringify(body).includes('"signature":"c2ln"'), 'signed thinking is sent back');
  });

  const asChat = (request: ModelRequest, baseUrl: string, id = 'p'): JsonObject =>
    chatRequest(request, firstStyle({ id, baseUrl }));

  test('openai-chat: only the official API gets its newer fields', () => {
    const request = { ...requestFor('m'), maxOutputTokens: 5 };
    const official = asChat(request, 'https://api.openai.com/v1');
    assert.deepEqual(
      [official['max_completion_tokens'], official['max_tokens'], official['prompt_cache_key']],
      [5, undefined, 'session-1'],
    );
    const compatible = asChat(request, 'http://127.0.0.1/v1');
    assert.deepEqual(
      [compatible['max_completion_tokens'], compatible['max_tokens'], compatible['prompt_cache_key']],
      [undefined, 5, undefined],
    );
  });

  test('openai-chat: what a refusal says about the request is learned once, also by a call that was under way', async () => {
    const bodies: JsonObject[] = [];
    const refuse = (body: JsonObject): string | null =>
      body['stream_options'] !== undefined
        ? '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]}}'
        : body['max_tokens'] !== undefined
          ? `{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}`
          : /"(?:tool_call_)?id":"(?![A-Za-z0-9]{9}")/.test(JSON.stringify(body['messages']))
            ? '{"message":"Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.","code":"3280"}'
            : null;
    const http: HttpClient = {
      request: ({ body }) => {
        const asked = JSON.parse(String(body)) as JsonObject;
        bodies.push(asked);
        const refusal = refuse(asked);
        const text = refusal ?? 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n';
        async function* chunks(): AsyncGenerator<Uint8Array> {
          yield Buffer.from(text);
        }
        return Promise.resolve({ status: refusal === null ? 200 : 422, headers: {}, body: httpBody(chunks()) });
      },
    };
    const provider = providerOf('openai-chat', { id: 'p', baseUrl: 'http://127.0.0.1' }, depsWith(http));
    const request = { ...rich('openai-chat'), maxOutputTokens: 5 };
    const ends = async (): Promise<unknown> => {
      const last = (await collect(provider, request)).at(-1);
      return last?.type === 'error' ? [last.error.kind, last.error.mended] : last?.type;
    };
    const mended = ['invalid_request', true];
    assert.deepEqual(await Promise.all([ends(), ends()]), [mended, mended]);
    assert.deepEqual([await ends(), await ends(), await ends(), await ends()], [mended, mended, 'finish', 'finish']);
    assert.deepEqual(bodies.at(-1)?.['max_completion_tokens'], 5);
    assert.equal(bodies.length, 6);
    const problems = validateRequest('openai-chat', { ...bodies.at(-1), stream_options: { include_usage: true } });
    assert.deepEqual(problems, [], 'calls and results are still pairs');
  });

  test('openai-chat: thinking before calls, and their signatures, go back to whom they came from and to nobody else', async () => {
    const call = (name: string, more: object = {}): object => ({
      ...more,
      id: `call_${name}`,
      function: { name, arguments: '{}' },
    });
    const signature = { google: { thought_signature: 'c2ln' } };
    const deltas = [
      { reasoning_content: 'hm ' },
      { reasoning_content: 'so' },
      { tool_calls: [call('one')] },
      { tool_calls: [call('two', { extra_content: signature })] },
    ];
    const translator = new ChatTranslator('p');
    const events = [
      ...deltas.flatMap((delta) => translator.frame(JSON.stringify({ choices: [{ delta }] }), '')),
      ...translator.frame('[DONE]', ''),
    ];
    const thought = mergeReasoning(
      events.flatMap((event) => (event.type === 'reasoning' ? [{ ...event, dialect: 'openai-chat' }] : [])),
    );
    const calls = events.filter((event) => event.type === 'tool_call');
    const request: ModelRequest = {
      ...requestFor('m'),
      messages: [
        { role: 'user', parts: [{ type: 'text', text: 'Hello?' }] },
        { role: 'assistant', parts: [...thought, ...calls] as RequestPart[] },
      ],
    };
    const said = (id: string): JsonObject =>
      (asChat(request, 'http://127.0.0.1', id)['messages'] as JsonObject[]).at(-1) ?? {};
    const own = said('p');
    assert.equal(own['reasoning_content'], 'hm so');
    assert.deepEqual(
      (own['tool_calls'] as JsonObject[]).map((called) => called['extra_content']),
      [undefined, signature],
    );
    assert.doesNotMatch(JSON.stringify(said('q')), /reasoning_content|extra_content/);
  });

  test('openai-chat: who misses thinking or signatures in the messages of others gets a stand-in, and own ones stay', () => {
    const style = firstStyle({ id: 'p', baseUrl: 'http://127.0.0.1/v1' });
    const refused = (detail: string): boolean | undefined =>
      learnFrom({ kind: 'invalid_request', phase: 'headers', accepted: 'no', detail }, { ...style }, style).mended;
    assert.equal(refused('HTTP 422: Extra inputs are not permitted: reasoning_content'), undefined);
    assert.equal(refused('HTTP 400: Missing `reasoning_content` field in the assistant message at index 2.'), true);
    assert.equal(
      refused('HTTP 400: Missing `reasoning_content` field in the assistant message at index 2.'),
      undefined,
    );
    assert.equal(refused('HTTP 400: Function call is missing a thought_signature in functionCall parts.'), true);
    const call = { type: 'tool_call', id: 'call_1', name: 'lookup', args: {} } as const;
    const own = { provider: 'p', thought: true, extras: [{ google: { thought_signature: 'c2ln' } }] };
    const said = (before: RequestPart[]): JsonObject[] => {
      const messages: RequestMessage[] = [
        { role: 'user', parts: [{ type: 'text', text: 'Hello?' }] },
        { role: 'assistant', parts: [...before, call] },
      ];
      const message = (chatRequest({ ...requestFor('m'), messages }, style)['messages'] as JsonObject[]).at(-1) ?? {};
      const [called = {}] = message['tool_calls'] as JsonObject[];
      return [{ thought: message['reasoning_content'] ?? null }, called['extra_content'] as JsonObject];
    };
    const stand = { google: { thought_signature: 'skip_thought_signature_validator' } };
    assert.deepEqual(said([]), [{ thought: '' }, stand]);
    assert.deepEqual(said([{ type: 'reasoning', text: 'hm', dialect: 'openai-chat', replay: own }]), [
      { thought: 'hm' },
      { google: { thought_signature: 'c2ln' } },
    ]);
  });

  test('openai-responses: encrypted reasoning is asked for where the model thinks, and sent back', async () => {
    const { body } = await sent('openai-responses', { ...rich('openai-responses'), model: 'gpt-5-mini' });
    assert.deepEqual(body['include'], ['reasoning.encrypted_content']);
    assert.equal(body['store'], false);
    assert.ok(JSON.stringify(body).includes('"encrypted_content":"b3BhcXVl"'));
    assert.equal('include' in (await sent('openai-responses', requestFor('gpt-4o'))).body, false);
  });

  test('ollama: the compatible address is refused with the right one', () => {
    assert.throws(
      () => providerOf('ollama', { id: 'local', baseUrl: 'http://127.0.0.1:11434/v1/' }, depsWith(http)),
      /write "http:\/\/127\.0\.0\.1:11434"/,
    );
  });

  test('models and health cost no tokens', async () => {
    const calls = server.hits();
    for (const dialect of wireDialects) {
      const provider = providerOf(dialect, { id: 'p', baseUrl: server.baseUrl(dialect) }, depsWith(http));
      const models = await provider.listModels(new AbortController().signal);
      assert.deepEqual(
        models,
        dialect === 'ollama'
          ? [{ id: 'mock:latest', contextWindow: 131_072, tools: true }]
          : [{ id: 'mock-1' }, { id: 'mock-2' }],
      );
      const health = await provider.health(new AbortController().signal);
      assert.deepEqual(health, { ok: true, detail: dialect === 'ollama' ? 'Ollama 0.12.0, 1 models' : '2 models' });
      const lost = providerOf(dialect, { id: 'p', baseUrl: `${server.url}/wrong` }, depsWith(http));
      assert.equal((await lost.health(new AbortController().signal)).ok, false);
      await assert.rejects(lost.listModels(new AbortController().signal), {
        kind: 'provider',
        code: 'model_not_found',
      });
    }
    assert.equal(server.hits(), calls);
  });
});
