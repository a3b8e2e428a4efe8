/** Checks of the model APIs: what is configured, what they answered, what the gateway saw of them. */
import type { Check, Facts, Finding, ProviderFacts } from './facts.ts';

/** What people paste after the part that belongs into `base_url`. */
const pathAfterBase = /\/(chat\/completions|completions|responses|messages|models|api\/chat|api\/generate|api)\/?$/;

export const baseUrls: Check = ({ providers }) =>
  providers.flatMap(({ name, dialect, baseUrl }): Finding[] => {
    const tooLong = pathAfterBase.exec(baseUrl);
    const wrongVersion = (dialect === 'ollama' || dialect === 'anthropic-messages') && /\/v1\/?$/.test(baseUrl);
    if (tooLong === null && !wrongVersion) return [];
    const right = baseUrl.replace(tooLong === null ? /\/v1\/?$/ : pathAfterBase, '');
    return [
      {
        code: 'base_url_too_long',
        problem: `The base_url of ${name} ends in what the gateway adds by itself: ${baseUrl}`,
        fix: `Set providers.${name}.base_url = "${right}"`,
      },
    ];
  });

export const keys: Check = ({ providers }) =>
  providers
    .filter(({ hasKey, local, dialect }) => !hasKey && !local && dialect !== 'demo' && dialect !== 'ollama')
    .map(({ name }) => ({
      code: 'provider_key_missing',
      problem: `The provider ${name} has no key.`,
      fix: `Set providers.${name}.api_key_env to the environment variable that holds it.`,
    }));

export const prices: Check = ({ providers }) =>
  providers
    .filter(({ unpriced, dialect }) => unpriced && dialect !== 'demo')
    .map(({ name, model }) => ({
      code: 'price_unknown',
      problem: `A limit in money holds, and nobody knows what ${model ?? 'a model'} of ${name} costs: it is not asked.`,
      fix: `Set providers.${name}.prices (zeros where nobody bills it), or limit tokens instead.`,
    }));

export const answers: Check = ({ providers }) =>
  providers.flatMap((provider) => {
    const finding = answerOf(provider);
    return finding === null ? [] : [finding];
  });

function answerOf({ name, dialect, baseUrl, model, outcome, detail, hasKey }: ProviderFacts): Finding | null {
  switch (outcome) {
    case 'ok':
    case 'not_asked':
      return null;
    case 'unauthorized':
      // Without a key the refusal is no news: `keys` says it.
      if (!hasKey) return null;
      return {
        code: 'provider_key_refused',
        problem: `${name} refused its key (${detail}).`,
        fix: `Put a valid key into providers.${name}.api_key, or into the variable it is read from.`,
      };
    case 'no_such_model':
      return {
        code: 'model_unknown',
        problem: `${name} has no model "${model ?? ''}" (${detail}).`,
        fix:
          dialect === 'ollama'
            ? `ollama pull ${model ?? ''}`
            : `Set providers.${name}.model to one that the key may use.`,
      };
    case 'no_models':
      return {
        code: 'ollama_empty',
        problem: `Ollama runs at ${baseUrl}, but no model is pulled.`,
        fix: `ollama pull ${model ?? 'llama3.2'}`,
      };
    case 'wrong_path':
      return {
        code: 'base_url_wrong',
        problem: `What answers at ${baseUrl} is not the API of ${name} (${detail}).`,
        fix: `Check providers.${name}.base_url and api; an OpenAI-compatible base_url mostly ends in /v1.`,
      };
    case 'unreachable':
      return {
        code: dialect === 'ollama' ? 'ollama_down' : 'provider_unreachable',
        problem: `${name} cannot be reached at ${baseUrl} (${detail}).`,
        fix: dialect === 'ollama' ? 'Start it with: ollama serve' : 'Check the network, the address and a firewall.',
      };
    case 'rate_limited':
      return {
        code: 'provider_rate_limited',
        problem: `${name} limits our requests at the moment (${detail}).`,
        fix: 'Wait, or add another provider to providers.fallback.',
      };
    case 'quota':
      return {
        code: 'provider_quota',
        problem: `The account at ${name} has no credit left (${detail}).`,
        fix: 'Add credit there, or set another providers.default.',
      };
    default:
      return {
        code: 'provider_failing',
        problem: `${name} answers with an error (${detail}).`,
        fix: 'Look at its status page; add another provider to providers.fallback.',
      };
  }
}

/** What real traffic showed, which a probe of the model list cannot. */
export const seenByGateway: Check = ({ gateway, providers }) => {
  if (gateway.reach !== 'up') return null;
  return gateway.status.providers
    .filter(
      ({ id, state }) => state === 'down' && providers.every(({ name, outcome }) => name !== id || outcome === 'ok'),
    )
    .map(({ id, detail }) => ({
      code: 'provider_down',
      problem: `The gateway does not get answers from ${id}: ${detail}`,
      fix: 'The log has each attempt; open-clanker why MESSAGE_ID tells the story of one message.',
    }));
};

export const onlyDemo: Check = (facts) => {
  if (!facts.telegram.some(({ enabled }) => enabled) || !demoAnswers(facts)) return null;
  return {
    code: 'only_demo',
    problem: 'A channel is enabled, but only the built-in demo model answers.',
    fix: 'Set OPENAI_API_KEY or ANTHROPIC_API_KEY, run Ollama, or configure a provider (docs/CONFIG.md).',
  };
};

function demoAnswers({ gateway, config, providers }: Facts): boolean {
  if (gateway.reach === 'up') return gateway.status.model.name.split('/', 1)[0] === 'demo';
  if (config.state !== 'ok') return false;
  const chosen = config.defaultProvider?.split('/', 1)[0];
  return chosen === undefined ? providers.every(({ dialect }) => dialect === 'demo') : chosen === 'demo';
}
