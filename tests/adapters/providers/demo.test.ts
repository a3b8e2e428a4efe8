import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createProvider } from '../../../src/adapters/providers/demo/index.ts';
import type { ModelEvent, ModelRequest } from '../../../src/core/ports/provider.ts';
import { collect, requestFor, textOf } from './support.ts';

const demo = createProvider({ id: 'demo', baseUrl: 'http://127.0.0.1' });
const ask = (request: ModelRequest): Promise<ModelEvent[]> => collect(demo, request);

describe('the demo model', () => {
  test('answers the same words the same way, in pieces, and says how to connect a real model', async () => {
    const events = await ask(requestFor('demo', 'Hello there'));
    assert.deepEqual(await ask(requestFor('demo', 'Hello there')), events);
    assert.ok(events.filter((event) => event.type === 'text').length > 10);
    for (const words of ['Hello there', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'OLLAMA_BASE_URL', 'open-clanker.toml'])
      assert.ok(textOf(events).includes(words), words);
    assert.deepEqual(events.at(-1), { type: 'finish', reason: 'stop', raw: 'stop' });
  });

  test('repeats what was said, not what the gateway added to it', async () => {
    const request = requestFor('demo', 'what time is it?');
    request.messages.at(-1)?.parts.push({ type: 'text', text: '\n\n[It is Saturday, 2026-11-21T19:41Z.]' });
    assert.match(textOf(await ask(request)), /^You said: "what time is it\?"\n/);
    const sent = ['[The person was sent this by "tea" (job_1):]\n', 'Drink tea.'];
    request.messages.at(-1)?.parts.unshift(...sent.map((text) => ({ type: 'text' as const, text })));
    assert.match(textOf(await ask(request)), /^You said: "what time is it\?"\n/);
  });

  test('calls a tool that it is told to call, and reports what it answered', async () => {
    const request = requestFor('demo', 'Please call the tool lookup with {"city":"Rome"}');
    const events = await ask(request);
    const call = events.find((event) => event.type === 'tool_call');
    assert.deepEqual([call?.name, call?.args], ['lookup', { city: 'Rome' }]);
    assert.equal(events.at(-1)?.type, 'finish');
    request.messages.push(
      { role: 'assistant', parts: [{ type: 'tool_call', id: call?.id ?? '', name: 'lookup', args: call?.args ?? {} }] },
      {
        role: 'tool',
        parts: [{ type: 'tool_result', callId: call?.id ?? '', name: 'lookup', text: 'sunny', isError: false }],
      },
    );
    assert.match(textOf(await ask(request)), /lookup answered: sunny/);
  });

  test('takes a reminder in plain words, where reminders can be made', async () => {
    const request = requestFor('demo', 'Remind me in 2 minutes to drink tea');
    const [tool] = request.tools;
    const tools = tool === undefined ? [] : [{ ...tool, name: 'schedule_add' }];
    const call = (await ask({ ...request, tools })).find((event) => event.type === 'tool_call');
    assert.deepEqual(
      [call?.name, call?.args],
      ['schedule_add', { do: 'say', what: 'drink tea', when: 'in 2 minutes' }],
    );
    assert.match(textOf(await ask(request)), /^You said/);
    assert.match(textOf(await ask({ ...request, tools, wordsOnly: true })), /^You said/);
  });

  test('does not call a tool that the request does not have', async () => {
    const events = await ask({ ...requestFor('demo', 'call the tool lookup'), tools: [] });
    assert.equal(
      events.some((event) => event.type === 'tool_call'),
      false,
    );
  });

  test('has an answer for an empty message and for one that is only a picture', async () => {
    const request = requestFor('demo', '');
    assert.ok(textOf(await ask(request)).length > 0);
    request.messages[0]?.parts.push({ type: 'image', mimeType: 'image/png', data: new Uint8Array(4) });
    assert.match(textOf(await ask(request)), /with a picture/);
  });

  test('stops when it is aborted', async () => {
    const abort = new AbortController();
    const events = await collect(demo, requestFor('demo'), abort.signal, (event) => {
      if (event.type === 'text') abort.abort();
    });
    const last = events.at(-1);
    assert.equal(last?.type === 'error' && last.error.kind, 'aborted');
    assert.equal(events.filter((event) => event.type === 'text').length, 1);
  });
});
