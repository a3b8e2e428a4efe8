/** What no single key can know: rules between the keys. They see a configuration whose every value is well-formed. */
import { isLoopbackHost } from '../core/host.ts';
import { Secret } from '../core/secret.ts';
import { jobChannel } from '../core/session-key.ts';
import { pluginProblems } from './plugins.ts';
import type { Config } from './schema.ts';
import type { Layer, Path } from './tree.ts';
import type { Problem } from './problem.ts';

type LayerOf = (path: Path) => Layer | undefined;

function serverRules({ server }: Config, layerOf: LayerOf): Problem[] {
  const problems: Problem[] = [];
  if (!isLoopbackHost(server.host)) {
    const needs = `${JSON.stringify(server.host)} can be reached by other machines; set`;
    if (!server.public)
      problems.push({
        path: ['server', 'host'],
        message: `${needs} server.public = true if that is meant (and server.auth.token)`,
      });
    if ((server.auth.token ?? server.auth.token_file) === undefined)
      problems.push({
        path: ['server', 'auth', 'token'],
        message: `${needs} server.auth.token to a token of 24 characters or more (and server.public = true)`,
      });
  }
  if (server.port === 0 && layerOf(['server', 'port']) !== 'flag') {
    problems.push({
      path: ['server', 'port'],
      message: 'found 0; it takes a whole number from 1 to 65535 (only the flag `--port 0` takes any free port)',
    });
  }
  return problems;
}

function bindingRules({ bindings, agents }: Config): Problem[] {
  const known = Object.keys(agents).join(', ') || 'none';
  return bindings.flatMap(({ agent }, at) =>
    Object.hasOwn(agents, agent)
      ? []
      : [
          {
            path: ['bindings', at, 'agent'],
            message: `there is no agent "${agent}" under [agents]; there are: ${known}`,
          },
        ],
  );
}

/** A reference is a provider's name, or `provider/model`; a model's name may hold further slashes. */
function referenceProblem(reference: string, { providers }: Config): string | null {
  const [name = '', ...model] = reference.split('/');
  if (name === 'demo') return null;
  const provider = Object.hasOwn(providers.named, name) ? providers.named[name] : undefined;
  if (provider === undefined) {
    const known = [...Object.keys(providers.named), 'demo'].join(', ');
    return `found ${JSON.stringify(reference)}: no provider "${name}" is configured; configured are: ${known}`;
  }
  if (model.join('/') !== '' || (model.length === 0 && provider.model !== undefined)) return null;
  return `found ${JSON.stringify(reference)}: which model? write "${name}/MODEL" or set providers.${name}.model`;
}

function providerRules(config: Config): Problem[] {
  const problems: Problem[] = [];
  const refer = (path: Path, reference: string | undefined): void => {
    const message = reference === undefined ? null : referenceProblem(reference, config);
    if (message !== null) problems.push({ path, message });
  };
  for (const [name, provider] of Object.entries(config.providers.named)) {
    const at = ['providers', name];
    if (provider.api === 'plugin' && config.plugins[name] === undefined) {
      problems.push({ path: [...at, 'api'], message: `there is no plugin of this name; configure [plugins.${name}]` });
    }
    if (provider.base_url === undefined) {
      problems.push({
        path: [...at, 'base_url'],
        message: 'it is missing; a compatible server needs a URL such as "http://127.0.0.1:8080/v1"',
      });
    } else if (provider.api === 'ollama' && /\/v1\/*$/.test(provider.base_url)) {
      const fix = `write "${provider.base_url.replace(/\/v1\/*$/, '')}", or api = "openai-chat" for the compatible interface`;
      problems.push({
        path: [...at, 'base_url'],
        message: `found "${provider.base_url}": Ollama's own interface is not under /v1; ${fix}`,
      });
    }
    const cloud =
      provider.base_url === 'https://api.openai.com/v1' || provider.base_url === 'https://api.anthropic.com';
    // A key that is given indirectly but could not be read was complained about already; the same holds for the others.
    const given = provider.api_key ?? provider.api_key_env ?? provider.api_key_file;
    if (cloud && given === undefined) {
      problems.push({
        path: [...at, 'api_key'],
        message: `it is missing; ${provider.base_url} takes no request without a key (api_key, api_key_env or api_key_file)`,
      });
    }
  }
  refer(['providers', 'default'], config.providers.default);
  config.providers.fallback.forEach((reference, i) => refer(['providers', 'fallback', i], reference));
  refer(['agent', 'model'], config.agent.model);
  for (const [name, agent] of Object.entries(config.agents)) {
    if (agent.model !== config.agent.model) refer(['agents', name, 'model'], agent.model);
  }
  return problems;
}

/** Telegram's own server calls only these; one that people run themselves calls anything. */
const telegramWebhook = /^https:\/\/[^/:]+(:(443|80|88|8443))?(\/|$)/i;

function telegramRules({ channels }: Config): Problem[] {
  const problems: Problem[] = [];
  for (const [name, { mode, webhook_url, api_root }] of Object.entries(channels.telegram.accounts)) {
    const path = ['channels', 'telegram', ...(name === 'main' ? [] : ['accounts', name]), 'webhook_url'];
    if (mode !== 'webhook') continue;
    if (webhook_url === undefined) {
      const why = 'mode = "webhook" needs the https address at which Telegram reaches this gateway';
      problems.push({ path, message: `it is missing; ${why}` });
    } else if (new URL(api_root).hostname === 'api.telegram.org' && !telegramWebhook.test(webhook_url)) {
      const message = `found "${webhook_url}"; Telegram calls https addresses on port 443, 80, 88 or 8443 only`;
      problems.push({ path, message });
    }
  }
  return problems;
}

function searchRules({ tools: { web_search: search } }: Config): Problem[] {
  if (search.provider === undefined) return [];
  const [key, needs] =
    search.provider === 'searxng'
      ? (['base_url', 'the address of the SearXNG server'] as const)
      : (['api_key', 'a key (api_key or api_key_file)'] as const);
  const given = search[key] ?? (key === 'api_key' ? search.api_key_file : undefined);
  if (given !== undefined) return [];
  return [
    { path: ['tools', 'web_search', key], message: `it is missing; provider = "${search.provider}" needs ${needs}` },
  ];
}

/** A rule for a channel that is misspelt would hold nowhere, and nobody would know. */
function channelNameRules({ budgets, tools, channels, plugins }: Config): Problem[] {
  const known = [...Object.keys(channels), 'api', jobChannel, ...Object.keys(plugins)];
  const named = (path: readonly string[], table: object): Problem[] =>
    Object.keys(table)
      .filter((name) => !known.includes(name))
      .map((name) => ({ path: [...path, name], message: `there is no such channel; there are ${known.join(', ')}` }));
  return [
    ...named(['budgets', 'channels'], budgets.channels),
    ...named(['tools', 'policy', 'channels'], tools.policy.channels),
  ];
}

function mcpRules({ mcp }: Config): Problem[] {
  return Object.entries(mcp.servers).flatMap(([name, { command, url }]): Problem[] => {
    const path = ['mcp', 'servers', name];
    if (command === undefined && url === undefined)
      return [
        { path: [...path, 'command'], message: 'it is missing; a server is a program (command) or an address (url)' },
      ];
    if (command !== undefined && url !== undefined)
      return [{ path: [...path, 'url'], message: 'a server is a program (command) or an address (url), not both' }];
    return [];
  });
}

function webhookRules({ webhooks }: Config): Problem[] {
  return Object.entries(webhooks.out).flatMap(([name, { secret, secret_file: file }]): Problem[] =>
    (secret ?? file) === undefined
      ? [
          {
            path: ['webhooks', 'out', name, 'secret'],
            message: 'it is missing; what is posted there is signed with it',
          },
        ]
      : [],
  );
}

/** A secret that opens two doors: one leak opens both, and one bot polled twice gets nothing but conflicts. */
function sharedSecrets(config: Config): Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  const look = (path: Path, value: string | undefined): void => {
    if (value === undefined) return;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, path.join('.'));
    else problems.push({ path, message: `the same secret as ${first}; every place needs its own` });
  };
  look(['server', 'auth', 'token'], config.server.auth.token?.reveal());
  for (const [type, { accounts }] of Object.entries(config.channels)) {
    for (const [name, account] of Object.entries(accounts)) {
      const at = type === 'webhook' ? [name] : name === 'main' ? [] : ['accounts', name];
      for (const [key, value] of Object.entries(account))
        if (value instanceof Secret) look(['channels', type, ...at, key], value.reveal());
    }
  }
  for (const [name, webhook] of Object.entries(config.webhooks.out))
    look(['webhooks', 'out', name, 'secret'], webhook.secret?.reveal());
  for (const [name, provider] of Object.entries(config.providers.named)) {
    // The same key may serve two tables of one provider, but never the operator.
    const key = provider.api_key?.reveal();
    if (key !== undefined && seen.has(key)) look(['providers', name, 'api_key'], key);
  }
  return problems;
}

export function rules(config: Config, layerOf: LayerOf): Problem[] {
  return [
    ...serverRules(config, layerOf),
    ...bindingRules(config),
    ...providerRules(config),
    ...telegramRules(config),
    ...searchRules(config),
    ...channelNameRules(config),
    ...mcpRules(config),
    ...webhookRules(config),
    ...sharedSecrets(config),
    ...pluginProblems(config.plugins),
  ];
}
