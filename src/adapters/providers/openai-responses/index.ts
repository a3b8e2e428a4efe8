import type { ModelInfo, ModelRequest, Provider, ProviderConfig } from '../../../core/ports/provider.ts';
import { runCall } from '../call.ts';
import type { CallContext, ProviderDeps } from '../call.ts';
import { objectsAt, stringAt } from '../json.ts';
import { askJson, endpoint, healthBy } from '../probe.ts';
import { responsesErrors } from './errors.ts';
import { responsesRequest } from './request.ts';
import { ResponsesTranslator } from './stream.ts';

/** OpenAI's Responses API. `baseUrl` ends with the version: `…/v1`. */
export function createProvider(config: ProviderConfig, deps: ProviderDeps): Provider {
  const context: CallContext = { config, deps, errors: responsesErrors };
  const headers = config.apiKey === undefined ? {} : { authorization: `Bearer ${config.apiKey.reveal()}` };

  async function listModels(signal: AbortSignal): Promise<ModelInfo[]> {
    const question = { method: 'GET', url: endpoint(config.baseUrl, '/models'), headers } as const;
    return objectsAt(await askJson(context, question, signal), 'data').flatMap((model) => {
      const id = stringAt(model, 'id');
      return id === undefined ? [] : [{ id }];
    });
  }

  return {
    id: config.id,
    dialect: 'openai-responses',
    stream: (request: ModelRequest, signal, emit) =>
      runCall(
        context,
        () => ({
          url: endpoint(config.baseUrl, '/responses'),
          headers: { ...headers, accept: 'text/event-stream' },
          body: responsesRequest(request),
          framing: 'sse',
          translator: new ResponsesTranslator(),
        }),
        signal,
        emit,
      ),
    listModels,
    health: (signal) => healthBy(async () => `${(await listModels(signal)).length} models`),
  };
}
