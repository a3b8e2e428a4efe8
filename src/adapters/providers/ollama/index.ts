import { ClankerError } from '../../../core/errors.ts';
import type { ModelInfo, ModelRequest, Provider, ProviderConfig } from '../../../core/ports/provider.ts';
import { runCall } from '../call.ts';
import type { CallContext, ProviderDeps } from '../call.ts';
import { countAt, objectAt, objectsAt, stringAt } from '../json.ts';
import { askJson, endpoint, healthBy } from '../probe.ts';
import { ollamaErrors } from './errors.ts';
import { ollamaRequest } from './request.ts';
import { OllamaTranslator } from './stream.ts';

/** Tokens. Fits an assistant's prompt, tools and some history into the memory of a common machine. */
const defaultContextWindow = 8192;
/** Installed models whose details are asked for; each is one request. */
const maxDetailed = 32;

/**
 * Ollama's own API. Its OpenAI-compatible face under `/v1` breaks streaming with tools and ignores the context window,
 * so an address of that face is refused: throws a ClankerError of kind `config`.
 */
export function createProvider(config: ProviderConfig, deps: ProviderDeps): Provider {
  if (/\/v1\/*$/.test(config.baseUrl)) {
    const plain = config.baseUrl.replace(/\/v1\/*$/, '');
    throw new ClankerError(
      'config',
      'bad_base_url',
      `providers.${config.id}.base_url is the address of Ollama's compatible API; write "${plain}", or set api = "openai-chat".`,
    );
  }
  const context: CallContext = { config, deps, errors: ollamaErrors };
  const headers = config.apiKey === undefined ? {} : { authorization: `Bearer ${config.apiKey.reveal()}` };

  async function installed(signal: AbortSignal): Promise<string[]> {
    const question = { method: 'GET', url: endpoint(config.baseUrl, '/api/tags'), headers } as const;
    return objectsAt(await askJson(context, question, signal), 'models').flatMap((model) => {
      const name = stringAt(model, 'model') ?? stringAt(model, 'name');
      return name === undefined ? [] : [name];
    });
  }

  /** Context window and abilities; a server that does not tell leaves them open. */
  async function detailed(id: string, signal: AbortSignal): Promise<ModelInfo> {
    const question = {
      method: 'POST',
      url: endpoint(config.baseUrl, '/api/show'),
      headers,
      body: { model: id },
    } as const;
    try {
      const shown = await askJson(context, question, signal);
      const about = objectAt(shown, 'model_info');
      const family = stringAt(about, 'general.architecture') ?? '';
      const contextWindow = countAt(about, `${family}.context_length`);
      const abilities = shown['capabilities'];
      return {
        id,
        ...(contextWindow === undefined ? {} : { contextWindow }),
        ...(Array.isArray(abilities) ? { tools: abilities.includes('tools') } : {}),
      };
    } catch {
      return { id };
    }
  }

  return {
    id: config.id,
    dialect: 'ollama',
    stream: (request: ModelRequest, signal, emit) =>
      runCall(
        context,
        () => ({
          url: endpoint(config.baseUrl, '/api/chat'),
          headers: { ...headers, accept: 'application/x-ndjson' },
          body: ollamaRequest(request, config.contextWindow ?? defaultContextWindow),
          framing: 'ndjson',
          translator: new OllamaTranslator(),
        }),
        signal,
        emit,
      ),
    async listModels(signal) {
      const models: ModelInfo[] = [];
      for (const [index, id] of (await installed(signal)).entries())
        models.push(index < maxDetailed ? await detailed(id, signal) : { id });
      return models;
    },
    health: (signal) =>
      healthBy(async () => {
        const question = { method: 'GET', url: endpoint(config.baseUrl, '/api/version'), headers } as const;
        const version = stringAt(await askJson(context, question, signal), 'version') ?? 'of unknown version';
        return `Ollama ${version}, ${(await installed(signal)).length} models`;
      }),
  };
}
