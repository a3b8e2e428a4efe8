/** Answers as servers were seen to write them that are compatible with a protocol in their own way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProviderError } from '../../../src/core/ports/provider.ts';
import { wireDialects } from '../../support/provider-fault-server.ts';
import { chunk, errorOf, frames, read, textOf } from './support.ts';

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

  test('thinking that was empty is remembered with a call, as its server wants it back', async () => {
    const call = chunk(
      { tool_calls: [{ index: 0, id: 'a', function: { name: 'one', arguments: '{}' } }] },
      'tool_calls',
    );
    const events = await read('openai-chat', frames(chunk({ reasoning_content: '' }), call));
    const thought = events.find(({ type }) => type === 'reasoning');
    assert.deepEqual(thought, { type: 'reasoning', text: '', replay: { provider: 'p', thought: true } });
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
