/** Collects the facts: files, the running gateway, and, unless asked not to, the configured endpoints. */
import { ConfigError, dataDir, describeConfig, issueLine, type LoadedConfig } from '../../config/index.ts';
import { isLoopbackHost, isPrivateHost } from '../../core/host.ts';
import { listPrice } from '../../core/prices.ts';
import type { GatewayStatus } from '../../core/ports/gateway.ts';
import type { Invocation } from '../command.ts';
import { listenUrl, loadedConfig } from '../configured.ts';
import { isCertificateFailure } from '../http.ts';
import { readRunFile, tokenFile } from '../find-gateway.ts';
import type {
  AccountFacts,
  ConfigFacts,
  Facts,
  GatewayFacts,
  ProviderFacts,
  SlackFacts,
  TelegramFacts,
  WebhookFacts,
  WhatsAppFacts,
} from './facts.ts';
import { inspectData, inspectDatabase, inspectToken, isAlive, modeOf, readText } from './inspect-files.ts';
import { discordFacts } from './probe-discord.ts';
import { toolFacts } from './inspect-tools.ts';
import { emailFacts } from './probe-email.ts';
import { ownServerFacts } from './probe-own-server.ts';
import { probeProvider, type ProviderReport } from './probe-provider.ts';
import { probeSlack, type SlackReport } from './probe-slack.ts';
import { inspectSchedule } from './inspect-schedule.ts';
import { probeTelegram, type TelegramReport } from './probe-telegram.ts';
import { probeWhatsApp, type WhatsAppReport } from './probe-whatsapp.ts';
import { probe } from './probe.ts';

const defaultUrl = 'http://127.0.0.1:18789';

export async function gather(invocation: Invocation): Promise<Facts> {
  const { env, home, cwd, options } = invocation;
  const { loaded, config } = await loadFacts(invocation);
  const dir = loaded?.dataDir ?? dataDir(env, home, cwd);
  const runFile = readRunFile(dir);
  const ask = !options.has('offline');
  const token = (env['OPEN_CLANKER_TOKEN'] || null) ?? readText(tokenFile(dir))?.trim() ?? null;
  const url = runFile?.url ?? (loaded === null ? defaultUrl : listenUrl(loaded));
  const gateway = await inspectGateway(url, token);
  const [schedule, database, providers, telegram, discord, whatsapp, slack, email, ownServers, skills, plugins, tools] =
    await Promise.all([
      gateway.reach === 'up' ? inspectSchedule(url, token, loaded?.config.webhooks.out ?? null) : null,
      inspectDatabase(loaded?.config.database.path ?? `${dir}/open-clanker.db`),
      loaded === null ? [] : Promise.all(providerFacts(loaded, ask)),
      loaded === null ? [] : Promise.all(telegramFacts(loaded, ask)),
      loaded === null ? [] : Promise.all(discordFacts(loaded, ask)),
      loaded === null ? [] : Promise.all(whatsAppFacts(loaded, ask)),
      loaded === null ? [] : Promise.all(slackFacts(loaded, ask)),
      loaded === null ? [] : Promise.all(emailFacts(loaded, ask)),
      loaded === null ? [] : Promise.all(ownServerFacts(loaded, ask)),
      loaded === null ? [] : brokenSkills(loaded),
      loaded === null ? [] : refusedPlugins(loaded),
      loaded === null ? { files: null, sandbox: null } : toolFacts(loaded),
    ]);
  return {
    now: Date.now(),
    nodeVersion: process.versions.node,
    locale: env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || null,
    timeZone: { wanted: env['TZ'] ?? null, used: Intl.DateTimeFormat().resolvedOptions().timeZone },
    config,
    data: inspectData(dir),
    token: inspectToken(tokenFile(dir)),
    database,
    run: runFile === null ? null : { ...runFile, alive: isAlive(runFile.pid) },
    gateway,
    providers,
    telegram,
    discord,
    whatsapp,
    slack,
    email,
    ownServers,
    skills,
    plugins,
    tools,
    schedule,
    webhooks: loaded === null ? [] : webhookFacts(loaded),
    accounts: loaded === null ? [] : accountFacts(loaded),
  };
}

async function loadFacts(invocation: Invocation): Promise<{ loaded: LoadedConfig | null; config: ConfigFacts }> {
  try {
    const loaded = await loadedConfig(invocation);
    const { file, warnings, config } = loaded;
    const { host, port, tls } = config.server;
    return {
      loaded,
      config: {
        state: 'ok',
        file,
        mode: file === null ? null : modeOf(file),
        holdsSecrets: describeConfig(loaded).some(({ value, source }) => source === 'file' && value === '[secret]'),
        warnings,
        server: { host, port, tls: tls !== undefined, loopback: isLoopbackHost(host) },
        defaultProvider: config.providers.default ?? null,
      },
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const named = invocation.options.value('config') ?? invocation.env['OPEN_CLANKER_CONFIG'];
    // An error without a key or a line is about the file itself.
    const missing = named !== undefined && error.issues.every(({ key, line }) => key === '' && line === null);
    const config: ConfigFacts = missing
      ? { state: 'missing', detail: error.issues.map(issueLine).join('; ') }
      : { state: 'invalid', issues: error.issues.map(issueLine) };
    return { loaded: null, config };
  }
}

async function inspectGateway(url: string, token: string | null): Promise<GatewayFacts> {
  const health = await probe(`${url}/health`);
  if ('failure' in health) {
    if (isCertificateFailure(health.failure)) return { reach: 'untrusted', url };
    // A port that takes connections and says nothing is judged by whether our process lives.
    return { reach: ['ECONNREFUSED', 'TIMEOUT', 'ABORT_ERR'].includes(health.failure) ? 'none' : 'other', url };
  }
  const { body } = health;
  const live = typeof body === 'object' && body !== null && (body as { status?: unknown }).status === 'live';
  if (!live) return { reach: 'other', url };
  const status = await probe(`${url}/api/v1/status`, token === null ? {} : { authorization: `Bearer ${token}` });
  if ('failure' in status || status.answer.status !== 200) return { reach: 'token_refused', url };
  return { reach: 'up', url, status: status.body as GatewayStatus };
}

const notAskedProvider: ProviderReport = { outcome: 'not_asked', detail: '', clockOffMs: null };

const providerFacts = ({ config }: LoadedConfig, ask: boolean): Promise<ProviderFacts>[] =>
  Object.entries(config.providers.named).map(async ([name, { api, base_url, api_key, model, headers, prices }]) => {
    const target = {
      dialect: api,
      baseUrl: base_url,
      key: api_key?.reveal() ?? null,
      model: model ?? null,
      headers: headers ?? {},
    };
    return {
      name,
      dialect: api,
      baseUrl: base_url,
      model: target.model,
      hasKey: target.key !== null,
      local: isPrivateHost(new URL(base_url).hostname),
      unpriced: limitsMoney(config.budgets) && (prices ?? listPrice(base_url, model ?? ''))?.output === undefined,
      ...(ask ? await probeProvider(target) : notAskedProvider),
    };
  });

const limitsMoney = ({ channels, ...others }: LoadedConfig['config']['budgets']): boolean =>
  [...Object.values(others), ...Object.values(channels)].some(
    ({ usd_day, usd_month }) => (usd_day ?? usd_month) !== undefined,
  );

/** What reads them is loaded only here: no other command should pay for it. */
async function brokenSkills(loaded: LoadedConfig): Promise<Facts['skills']> {
  const { inspectSkills } = await import('../../compose/skills.ts');
  return [...(await inspectSkills(loaded)).broken];
}

async function refusedPlugins(loaded: LoadedConfig): Promise<Facts['plugins']> {
  const { inspectPlugins } = await import('../../compose/plugins.ts');
  return (await inspectPlugins(loaded)).flatMap(({ name, enabled, problem }) =>
    enabled && problem !== null ? { name, problem } : [],
  );
}

const accountFacts = ({ config }: LoadedConfig): AccountFacts[] =>
  Object.entries(config.channels).flatMap(([type, { accounts }]) =>
    Object.entries(accounts).map(([account, { enabled, access, allowed_user_ids, allowed_chat_ids }]) => ({
      id: `${type}:${account}`,
      enabled,
      access,
      listed: allowed_user_ids.length + allowed_chat_ids.length,
    })),
  );

const notAskedBot: TelegramReport = {
  outcome: 'not_asked',
  detail: '',
  username: null,
  webhookUrl: null,
  webhookTrouble: null,
  readsAllGroupMessages: false,
  clockOffMs: null,
};

const telegramFacts = ({ config }: LoadedConfig, ask: boolean): Promise<TelegramFacts>[] =>
  Object.entries(config.channels.telegram.accounts).map(async ([account, bot]) => ({
    id: `telegram:${account}`,
    enabled: bot.enabled,
    mode: bot.mode,
    // Telegram numbers groups below zero.
    allowedGroups: bot.allowed_chat_ids.filter((id) => id.startsWith('-')).length,
    ...(ask && bot.enabled ? await probeTelegram(bot.api_root, bot.bot_token.reveal()) : notAskedBot),
  }));

const notAskedNumber: WhatsAppReport = { outcome: 'not_asked', detail: '', clockOffMs: null };

const whatsAppFacts = ({ config }: LoadedConfig, ask: boolean): Promise<WhatsAppFacts>[] =>
  Object.entries(config.channels.whatsapp.accounts).map(async ([account, options]) => {
    const { enabled, api_root, phone_number_id, access_token } = options;
    const report =
      ask && enabled ? await probeWhatsApp(api_root, phone_number_id, access_token.reveal()) : notAskedNumber;
    return { id: `whatsapp:${account}`, enabled, publicNames: config.server.allowed_hosts.length, ...report };
  });

const notAskedApp: SlackReport = { outcome: 'not_asked', detail: '', missingScopes: [], clockOffMs: null };

const slackFacts = ({ config }: LoadedConfig, ask: boolean): Promise<SlackFacts>[] =>
  Object.entries(config.channels.slack.accounts).map(async ([account, options]) => {
    const { enabled, api_root, bot_token, app_token, signing_secret } = options;
    const report = ask && enabled ? await probeSlack(api_root, bot_token.reveal()) : notAskedApp;
    const overHttp = app_token === undefined && signing_secret !== undefined;
    return {
      id: `slack:${account}`,
      enabled,
      receives: overHttp || app_token !== undefined,
      unreachable: overHttp && config.server.allowed_hosts.length === 0,
      ...report,
    };
  });

const webhookFacts = ({ config }: LoadedConfig): WebhookFacts[] =>
  Object.entries(config.channels.webhook.accounts).map(([name, { enabled, url = null }]) => ({
    id: `webhook:${name}`,
    name,
    enabled,
    url,
  }));
