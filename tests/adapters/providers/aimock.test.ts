/** The adapters against a mock of the APIs that other people wrote and keep true. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LLMock } from '@copilotkit/aimock';
import type { ModelEvent } from '../../../src/core/ports/provider.ts';
import { wireDialects } from '../../support/provider-requests.ts';
import type { WireDialect } from '../../support/provider-requests.ts';
import { collect, depsWith, httpClient, providerOf, requestFor, textOf } from './support.ts';

describe('against aimock', () => {
  const http = httpClient();
  const mock = new LLMock({ port: 0, logLevel: 'silent', chunkSize: 5 });
  before(async () => {
    mock.onMessage('greet me', { content: 'Hello from a mock, Grüße 🌍!' });
    mock.onMessage('look it up', {
      toolCalls: [
        { name: 'lookup', arguments: '{"city":"Rome"}' },
        { name: 'lookup', arguments: '{"city":"Oslo"}' },
      ],
    });
    mock.onMessage('too much', { error: { message: 'Rate limited.', type: 'rate_limit_error' }, status: 429 });
    await mock.start();
  });
  after(async () => {
    http.close();
    await mock.stop();
  });

  function ask(dialect: WireDialect, text: string): Promise<ModelEvent[]> {
    const baseUrl = dialect.startsWith('openai') ? `${mock.url}/v1` : mock.url;
    const provider = providerOf(dialect, { id: 'p', baseUrl }, depsWith(http));
    return collect(provider, requestFor('mock', text), AbortSignal.timeout(60_000));
  }

  for (const dialect of wireDialects) {
    test(`${dialect}: text arrives in pieces and whole`, async () => {
      const events = await ask(dialect, 'greet me');
      assert.equal(textOf(events), 'Hello from a mock, Grüße 🌍!');
      assert.ok(events.filter((event) => event.type === 'text').length > 1);
      const last = events.at(-1);
      assert.equal(last?.type === 'finish' && last.reason, 'stop', JSON.stringify(last));
    });

    test(`${dialect}: two tool calls arrive in order`, async () => {
      const events = await ask(dialect, 'look it up');
      const calls = events.filter((event) => event.type === 'tool_call');
      assert.deepEqual(
        calls.map(({ name, args }) => [name, args]),
        [
          ['lookup', { city: 'Rome' }],
          ['lookup', { city: 'Oslo' }],
        ],
      );
      assert.equal(new Set(calls.map(({ id }) => id)).size, 2);
      const last = events.at(-1);
      assert.equal(last?.type === 'finish' && last.reason, 'tool_calls', JSON.stringify(last));
    });

    test(`${dialect}: a refusal is typed`, async () => {
      const last = (await ask(dialect, 'too much')).at(-1);
      assert.equal(last?.type === 'error' && last.error.kind, 'rate_limited', JSON.stringify(last));
    });
  }
});
