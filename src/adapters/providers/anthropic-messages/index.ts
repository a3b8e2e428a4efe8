import type { ModelInfo, ModelRequest, Provider, ProviderConfig } from '../../../core/ports/provider.ts';
import { runCall } from '../call.ts';
import type { CallContext, ProviderDeps } from '../call.ts';
import { countAt, objectsAt, stringAt } from '../json.ts';
import { askJson, endpoint, healthBy } from '../probe.ts';
import { anthropicErrors } from './errors.ts';
import { messagesRequest } from './request.ts';
import { MessagesTranslator } from './stream.ts';

const apiVersion = '2023-06-01';

/** Anthropic's Messages API. `baseUrl` stands before `/v1/messages`; one that ends with `/v1` is understood too. */
export function createProvider(config: ProviderConfig, deps: ProviderDeps): Provider {
  const context: CallContext = { config, deps, errors: anthropicErrors };
  const base = config.baseUrl.replace(/\/v1\/*$/, '');
  const headers = {
    'anthropic-version': apiVersion,
    ...(config.apiKey === undefined ? {} : { 'x-api-key': config.apiKey.reveal() }),
  };

  async function listModels(signal: AbortSignal): Promise<ModelInfo[]> {
    const question = { method: 'GET', url: endpoint(base, '/v1/models?limit=1000'), headers } as const;
    return objectsAt(await askJson(context, question, signal), 'data').flatMap((model) => {
      const id = stringAt(model, 'id');
      const contextWindow = countAt(model, 'max_input_tokens');
      return id === undefined ? [] : [{ id, ...(contextWindow === undefined ? {} : { contextWindow }) }];
    });
  }

  return {
    id: config.id,
    dialect: 'anthropic-messages',
    stream: (request: ModelRequest, signal, emit) =>
      runCall(
        context,
        () => ({
          url: endpoint(base, '/v1/messages'),
          headers: { ...headers, accept: 'text/event-stream' },
          body: messagesRequest(request),
          framing: 'sse',
          translator: new MessagesTranslator(),
        }),
        signal,
        emit,
      ),
    listModels,
    health: (signal) => healthBy(async () => `${(await listModels(signal)).length} models`),
  };
}
