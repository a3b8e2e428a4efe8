import type { ModelEvent, ModelInfo, ModelRequest, Provider, ProviderConfig } from '../../../core/ports/provider.ts';
import { runCall } from '../call.ts';
import type { CallContext, ProviderDeps } from '../call.ts';
import { countAt, objectsAt, stringAt } from '../json.ts';
import { askJson, endpoint, healthBy } from '../probe.ts';
import { openAiErrors } from './errors.ts';
import { chatRequest } from './request.ts';
import { ChatTranslator } from './stream.ts';
import { firstStyle, learnFrom } from './style.ts';
import type { ChatStyle } from './style.ts';

/** OpenAI's Chat Completions API and every server compatible with it. `baseUrl` ends with the version: `…/v1`. */
export function createProvider(config: ProviderConfig, deps: ProviderDeps): Provider {
  const context: CallContext = { config, deps, errors: openAiErrors };
  const style = firstStyle(config);
  const headers = config.apiKey === undefined ? {} : { authorization: `Bearer ${config.apiKey.reveal()}` };

  async function listModels(signal: AbortSignal): Promise<ModelInfo[]> {
    const question = { method: 'GET', url: endpoint(config.baseUrl, '/models'), headers } as const;
    return objectsAt(await askJson(context, question, signal), 'data').flatMap((model) => {
      const id = stringAt(model, 'id');
      // `context_length` is OpenRouter's, `max_model_len` vLLM's.
      const contextWindow = countAt(model, 'context_length') ?? countAt(model, 'max_model_len');
      return id === undefined ? [] : [{ id, ...(contextWindow === undefined ? {} : { contextWindow }) }];
    });
  }

  return {
    id: config.id,
    dialect: 'openai-chat',
    stream(request: ModelRequest, signal, emit) {
      const asked = { ...style };
      return runCall(
        context,
        () => ({
          url: endpoint(config.baseUrl, '/chat/completions'),
          headers: { ...headers, accept: 'text/event-stream' },
          body: chatRequest(request, asked),
          framing: 'sse',
          translator: new ChatTranslator(config.id),
        }),
        signal,
        learning(asked, style, emit),
      );
    },
    listModels,
    health: (signal) => healthBy(async () => `${(await listModels(signal)).length} models`),
  };
}

/** A function of its own: what listens while a model answers must not hold the request. */
const learning =
  (asked: ChatStyle, style: ChatStyle, emit: (event: ModelEvent) => void) =>
  (event: ModelEvent): void =>
    emit(event.type === 'error' ? { ...event, error: learnFrom(event.error, asked, style) } : event);
