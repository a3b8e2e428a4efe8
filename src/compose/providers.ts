import { createProvider as createDemo } from '../adapters/providers/demo/index.ts';
import type { ConfiguredProvider as Calls } from '../app/models/caller.ts';
import type { Config, ConfiguredProvider } from '../config/schema.ts';
import type { HttpClient } from '../core/ports/http-client.ts';
import type { Dialect, Provider, ProviderConfig } from '../core/ports/provider.ts';
import type { Clock, Log } from '../core/ports/system.ts';
import { freeOfCharge, listPrice, type Prices } from '../core/prices.ts';
import { fingerprint } from './fingerprint.ts';

interface ProviderDeps {
  http: HttpClient;
  /** Makes the provider of the plugin of that name. */
  plugin: (config: ProviderConfig) => Provider;
  clock: Clock;
  log: Log;
}

const probeMs = 500;
const localOllama = 'http://127.0.0.1:11434';

/** Each dialect is a chunk of its own, loaded when a provider speaks it. */
async function create(dialect: Dialect, config: ProviderConfig, deps: ProviderDeps): Promise<Provider> {
  switch (dialect) {
    case 'openai-chat':
      return (await import('../adapters/providers/openai-chat/index.ts')).createProvider(config, deps);
    case 'openai-responses':
      return (await import('../adapters/providers/openai-responses/index.ts')).createProvider(config, deps);
    case 'anthropic-messages':
      return (await import('../adapters/providers/anthropic-messages/index.ts')).createProvider(config, deps);
    case 'ollama':
      return (await import('../adapters/providers/ollama/index.ts')).createProvider(config, deps);
    case 'demo':
      return createDemo(config);
    case 'plugin':
      return deps.plugin(config);
  }
}

interface Built {
  fingerprint: string;
  calls: Calls;
}

/** The providers of a configuration, those that did not change taken over from before with their connections. */
export class ProviderSet {
  readonly #deps: ProviderDeps;
  #built = new Map<string, Built>();

  constructor(deps: ProviderDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'providers' }) };
  }

  async build(config: Config): Promise<Map<string, Calls>> {
    const built = new Map<string, Built>();
    const named: Record<string, ConfiguredProvider> = { demo: demoProvider, ...config.providers.named };
    for (const [id, options] of Object.entries(named)) {
      const mark = fingerprint(options);
      const before = this.#built.get(id);
      built.set(
        id,
        before?.fingerprint === mark ? before : { fingerprint: mark, calls: await this.#calls(id, options) },
      );
    }
    this.#built = built;
    return new Map([...built].map(([id, { calls }]) => [id, calls]));
  }

  async #calls(id: string, options: ConfiguredProvider): Promise<Calls> {
    const { api, base_url, api_key, headers, model, context_window } = options;
    const contextWindow = context_window ?? (api === 'ollama' ? ollamaWindow : undefined);
    const sized = contextWindow === undefined ? {} : { contextWindow };
    const provider = await create(
      api,
      {
        id,
        baseUrl: base_url,
        ...(api_key === undefined ? {} : { apiKey: api_key }),
        ...(headers === undefined ? {} : { headers }),
        ...sized,
      },
      this.#deps,
    );
    return {
      provider,
      model: model ?? '',
      clocks: {
        headersMs: options.headers_timeout,
        firstOutputMs: options.first_output_timeout,
        idleMs: options.idle_timeout,
      },
      maxConcurrency: options.max_concurrency,
      ...sized,
      prices: pricesOf(options),
    };
  }
}

/** Tokens that a local model is told to take: more costs memory at once. */
const ollamaWindow = 8192;

const demoProvider: ConfiguredProvider = {
  api: 'demo',
  base_url: 'http://127.0.0.1',
  model: 'demo',
  max_concurrency: 256,
  headers_timeout: 30_000,
  first_output_timeout: 30_000,
  idle_timeout: 30_000,
};

/** Which model answers unless somebody says otherwise, and why that one. */
export function chooseDefault(config: Config, sources: ReadonlyMap<string, string>): { name: string; source: string } {
  const { default: wanted, named } = config.providers;
  if (wanted !== undefined)
    return { name: wanted, source: `providers.default, ${sources.get('providers.default') ?? 'configuration'}` };
  const first =
    ['openai', 'anthropic', 'ollama'].find((id) => named[id] !== undefined) ??
    Object.keys(named).find((id) => id !== 'demo');
  if (first === undefined) return { name: 'demo/demo', source: 'nothing else is configured' };
  const source =
    sources.get(`providers.${first}.api_key`) ?? sources.get(`providers.${first}.base_url`) ?? 'configuration';
  return { name: first, source };
}

/** The name of a model that an Ollama on this machine could run, or null; never takes longer than half a second. */
export async function probeOllama(deps: Omit<ProviderDeps, 'plugin'>): Promise<string | null> {
  const { createProvider } = await import('../adapters/providers/ollama/index.ts');
  const provider = createProvider({ id: 'ollama', baseUrl: localOllama }, deps);
  try {
    const models = await provider.listModels(AbortSignal.timeout(probeMs));
    return (models.find(({ id }) => id.startsWith('llama')) ?? models[0])?.id ?? null;
  } catch {
    return null;
  }
}

/** The configuration as if the found Ollama stood in it. */
export function withOllama(config: Config, model: string): Config {
  const ollama: ConfiguredProvider = {
    ...demoProvider,
    api: 'ollama',
    base_url: localOllama,
    model,
    max_concurrency: 4,
    headers_timeout: 300_000,
    first_output_timeout: 300_000,
    idle_timeout: 120_000,
  };
  return { ...config, providers: { ...config.providers, named: { ollama, ...config.providers.named } } };
}

/** What is configured, else what is published; nobody bills the demo. */
function pricesOf({ api, base_url, prices }: ConfiguredProvider): Calls['prices'] {
  if (prices !== undefined) return () => configuredPrices(prices);
  return api === 'demo' ? () => freeOfCharge : (name) => listPrice(base_url, name);
}

/** Configured prices; what a cache serves or stores costs as input where nothing else is said. */
function configuredPrices(written: NonNullable<ConfiguredProvider['prices']>): Prices | null {
  const { input, output, cache_read, cache_write } = written;
  if (input === undefined || output === undefined) return null;
  return { input, output, cacheRead: cache_read ?? input, cacheWrite: cache_write ?? input };
}
