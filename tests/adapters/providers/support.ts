/** What the provider tests share: real client, real clock, and requests that every API takes. */
import assert from 'node:assert/strict';
import { createProvider as anthropicMessages } from '../../../src/adapters/providers/anthropic-messages/index.ts';
import type { ProviderDeps } from '../../../src/adapters/providers/call.ts';
import { createProvider as ollama } from '../../../src/adapters/providers/ollama/index.ts';
import { createProvider as openAiChat } from '../../../src/adapters/providers/openai-chat/index.ts';
import { createProvider as openAiResponses } from '../../../src/adapters/providers/openai-responses/index.ts';
import { createHttpClient } from '../../../src/adapters/http-client/index.ts';
import type { NodeHttpClient } from '../../../src/adapters/http-client/index.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import type { HttpClient } from '../../../src/core/ports/http-client.ts';
import type {
  ModelEvent,
  ModelRequest,
  Provider,
  ProviderConfig,
  ProviderError,
} from '../../../src/core/ports/provider.ts';
import type { Log, Metrics } from '../../../src/core/ports/system.ts';
import { Secret } from '../../../src/core/secret.ts';
import { httpBody } from '../../support/http-body.ts';
import type { WireDialect } from '../../support/provider-requests.ts';

const ignore = (): void => undefined;
export const silentLog: Log = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  with: () => silentLog,
};
export const noMetrics: Metrics = {
  counter: () => ({ add: ignore }),
  gauge: () => ({ set: ignore }),
  observe: ignore,
  histogram: () => ({ observe: ignore }),
  render: () => '',
};

export const httpClient = (): NodeHttpClient => createHttpClient({ log: silentLog, metrics: noMetrics });
export const depsWith = (http: ProviderDeps['http']): ProviderDeps => ({ http, clock: systemClock, log: silentLog });

const factories = {
  'openai-chat': openAiChat,
  'openai-responses': openAiResponses,
  'anthropic-messages': anthropicMessages,
  ollama,
} satisfies Record<WireDialect, (config: ProviderConfig, deps: ProviderDeps) => Provider>;

export const providerOf = (dialect: WireDialect, config: ProviderConfig, deps: ProviderDeps): Provider =>
  factories[dialect](config, deps);

export const lookup = {
  name: 'lookup',
  description: 'Finds a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

export function requestFor(model: string, text = 'Hello?'): ModelRequest {
  return {
    model,
    system: 'Be brief.',
    messages: [{ role: 'user', parts: [{ type: 'text', text }] }],
    tools: [lookup],
    cacheKey: 'session-1',
  };
}

/** All events of one call; `on` sees each as it comes. */
export async function collect(
  provider: Provider,
  request: ModelRequest,
  signal = new AbortController().signal,
  on?: (event: ModelEvent) => void,
): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  await provider.stream(request, signal, (event) => {
    events.push(event);
    on?.(event);
  });
  return events;
}

export const textOf = (events: ModelEvent[]): string =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('');

export const isTerminal = (event: ModelEvent): boolean => event.type === 'finish' || event.type === 'error';

/** What a dialect makes of an answer with these bytes. */
export async function read(
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

export const frames = (...chunks: unknown[]): string =>
  chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
export const chunk = (delta: object, finish: string | null = null): object => ({
  choices: [{ delta, finish_reason: finish }],
});

export function errorOf(events: ModelEvent[]): ProviderError {
  const last = events.at(-1);
  assert.ok(last?.type === 'error', JSON.stringify(last));
  return last.error;
}
