import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { diagnose } from '../../../src/cli/doctor/diagnose.ts';
import type {
  OwnServerFacts,
  DiscordFacts,
  EmailFacts,
  Facts,
  GatewayFacts,
  ProviderFacts,
  SlackFacts,
  TelegramFacts,
  WhatsAppFacts,
} from '../../../src/cli/doctor/facts.ts';
import type { GatewayStatus } from '../../../src/core/ports/gateway.ts';

const status: GatewayStatus = {
  version: '0.1.0',
  pid: 1,
  startedAt: 0,
  uptimeMs: 0,
  model: { name: 'openai/x', source: 'configuration' },
  channels: [],
  providers: [],
  mcp: [],
  queues: { inbox: 0, running: 0, outbox: 0, uncertain: 0, dead: 0 },
  sessions: 0,
  schedule: { enabled: true, jobs: 0, nextDueAt: null, queued: 0, running: 0, failed: 0 },
  memory: { rssBytes: 0, heapBytes: 0 },
  eventLoopDelayMs: { p50: 0, p99: 0, max: 0 },
  refused: [],
  waiting: 0,
  configError: null,
  warnings: [],
};
const up = (changes: Partial<GatewayStatus> = {}): GatewayFacts => ({
  reach: 'up',
  url: 'http://127.0.0.1:18789',
  status: { ...status, ...changes },
});
const openai: ProviderFacts = {
  name: 'openai',
  dialect: 'openai-chat',
  baseUrl: 'https://api.openai.com/v1',
  model: 'x',
  hasKey: true,
  local: false,
  unpriced: false,
  outcome: 'ok',
  detail: '',
  clockOffMs: 200,
};
const ollama: ProviderFacts = {
  ...openai,
  name: 'ollama',
  dialect: 'ollama',
  baseUrl: 'http://127.0.0.1:11434',
  model: 'llama3.2',
  hasKey: false,
  local: true,
};
const bot: TelegramFacts = {
  id: 'telegram:main',
  enabled: true,
  outcome: 'ok',
  detail: '',
  username: '@bot',
  mode: 'long_polling' as const,
  webhookUrl: null,
  webhookTrouble: null,
  readsAllGroupMessages: false,
  allowedGroups: 0,
  clockOffMs: null,
};
const number: WhatsAppFacts = {
  id: 'whatsapp:main',
  enabled: true,
  publicNames: 1,
  outcome: 'ok',
  detail: '',
  clockOffMs: null,
};
const discordBot: DiscordFacts = {
  id: 'discord:main',
  enabled: true,
  outcome: 'ok',
  detail: '',
  application: '900000000000000011',
  readsMessages: true,
  guildMissing: false,
  clockOffMs: null,
};
const webhook = { id: 'webhook:orders', name: 'orders', enabled: true, url: 'http://127.0.0.1:8080/' };
const app: SlackFacts = {
  id: 'slack:main',
  enabled: true,
  receives: true,
  unreachable: false,
  outcome: 'ok',
  detail: '',
  missingScopes: [],
  clockOffMs: null,
};
const mcpServer = {
  name: 'web',
  state: 'waiting' as const,
  detail: 'it was not found',
  tools: 0,
  restarts: 3,
  calls: 0,
  failedCalls: 0,
};
const account = { id: 'telegram:main', enabled: true, access: 'allowlist' as const, listed: 1 };
const server = { host: '127.0.0.1', port: 18789, tls: false, loopback: true };
const config = {
  state: 'ok' as const,
  file: '/etc/open-clanker/config.toml',
  mode: 0o600,
  holdsSecrets: true,
  warnings: [],
  server,
  defaultProvider: null,
};
const data = {
  dir: '/d',
  exists: true,
  isDirectory: true,
  writable: true,
  readOnlyDisk: false,
  owned: true,
  freeBytes: 10e9,
  totalBytes: 20e9,
};
const mailbox: EmailFacts = {
  id: 'email:main',
  enabled: true,
  imap: { outcome: 'ok', detail: '' },
  smtp: { outcome: 'ok', detail: '' },
};
const homeserver: OwnServerFacts = { id: 'matrix:main', type: 'matrix', enabled: true, outcome: 'ok', detail: '' };
const files = { folder: '/d/people', mode: 0o700, usable: true, quota: 100e6 };
const tools = { files, sandbox: null };
const schedule = { jobs: 1, crashed: [], failed: [], lackWebhook: [] };
const someFailed = up({ schedule: { ...status.schedule, failed: 4 } });
const failedTask = { id: 'task_1', name: 'news', reason: 'The model failed.' };
const healthy: Facts = {
  now: 0,
  nodeVersion: '26.10.0',
  locale: 'de_DE.UTF-8',
  timeZone: { wanted: 'Europe/Berlin', used: 'Europe/Berlin' },
  config,
  data,
  token: { file: '/d/token', state: 'ok', mode: 0o600 },
  database: { file: '/d/open-clanker.db', state: 'locked', detail: '' },
  run: { pid: 1, url: 'http://127.0.0.1:18789', alive: true },
  gateway: up(),
  providers: [openai, ollama],
  telegram: [bot],
  whatsapp: [number],
  slack: [app],
  webhooks: [webhook],
  discord: [discordBot],
  email: [mailbox],
  ownServers: [homeserver],
  skills: [],
  plugins: [],
  tools,
  schedule,
  accounts: [account],
};
const down: GatewayFacts = { reach: 'none', url: 'http://127.0.0.1:18789' };
const refused: GatewayFacts = { reach: 'token_refused', url: 'http://127.0.0.1:18789' };
const channel = (detail: string) => ({
  id: 'telegram:main',
  type: 'telegram',
  account: 'main',
  paused: false,
  health: { state: 'degraded' as const, detail, lastReceiveAt: null, lastEventAt: null, identity: null },
});

test('a healthy installation has no finding', () => {
  assert.deepEqual(diagnose(healthy), []);
});

test('tasks that failed and were cleared since are nobody’s trouble, nor is a scheduler that is off without jobs', () => {
  assert.deepEqual(diagnose({ ...healthy, schedule: { ...schedule, failed: [failedTask] } }), []);
  const off = up({ schedule: { ...status.schedule, enabled: false } });
  assert.deepEqual(diagnose({ ...healthy, gateway: off, schedule: { ...schedule, jobs: 0 } }), []);
});

test('a machine before the first start is told only to start', () => {
  const fresh: Facts = {
    ...healthy,
    locale: null,
    timeZone: { wanted: null, used: 'UTC' },
    config: { ...config, file: null, mode: null, holdsSecrets: false },
    data: { ...data, exists: false },
    token: { file: '/d/token', state: 'missing', mode: null },
    database: { file: '/d/open-clanker.db', state: 'missing', detail: '' },
    run: null,
    gateway: down,
    schedule: null,
    providers: [],
    telegram: [],
  };
  assert.deepEqual(
    diagnose(fresh).map(({ code }) => code),
    ['gateway_down'],
  );
});

/** What is different from the healthy machine, and the one code that must be found. */
const faults: [string, Partial<Facts>, RegExp?][] = [
  ['node_too_old', { nodeVersion: '24.15.0' }, /Node 24\.15\.0.*Install Node 26/],
  ['people_open', { tools: { ...tools, files: { ...files, mode: 0o755 } } }, /chmod 700 '\/d\/people'/],
  ['people_not_writable', { tools: { ...tools, files: { ...files, usable: false } } }],
  ['quota_beyond_disk', { tools: { ...tools, files: { ...files, quota: 20e9 } } }, /20000 MB.*10000 MB/],
  [
    'no_sandbox',
    { tools: { ...tools, sandbox: { problem: 'bubblewrap is not installed.', fix: 'apt install bubblewrap' } } },
    /apt install/,
  ],
  ['config_missing', { config: { state: 'missing', detail: 'x.toml: there is no such file' } }, /x\.toml/],
  ['config_invalid', { config: { state: 'invalid', issues: ['config.toml:3:1: server.prot: unknown key'] } }, /3:1/],
  ['config_warning', { config: { ...config, warnings: ['OPEN_CLANKER_SERVR__PORT is not known'] } }],
  ['config_too_open', { config: { ...config, mode: 0o644 } }, /chmod 600/],
  ['data_not_writable', { data: { ...data, writable: false } }, /chmod u\+rwx '\/d'/],
  ['data_not_writable', { data: { ...data, exists: false, writable: false } }, /cannot be made/],
  ['data_not_writable', { data: { ...data, writable: false, readOnlyDisk: true } }, /is read-only.*Mount it/],
  ['data_not_a_directory', { data: { ...data, isDirectory: false } }],
  ['data_not_owned', { data: { ...data, owned: false } }, /Run as that user/],
  ['disk_full', { data: { ...data, freeBytes: 0 } }],
  ['disk_nearly_full', { data: { ...data, freeBytes: 150e6 } }, /150 MB/],
  ['database_unreadable', { database: { file: '/d/x.db', state: 'unreadable', detail: 'EACCES' } }],
  ['database_damaged', { database: { file: '/d/x.db', state: 'not_a_database', detail: 'header' } }, /backup/],
  ['database_newer', { database: { file: '/d/x.db', state: 'newer_schema', detail: 'schema 9' } }, /schema 9/],
  ['token_unreadable', { token: { file: '/d/token', state: 'unreadable', mode: 0o600 } }],
  ['token_missing', { token: { file: '/d/token', state: 'missing', mode: null }, gateway: refused }],
  ['token_too_open', { token: { file: '/d/token', state: 'ok', mode: 0o644 } }, /tokens rotate/],
  ['port_in_use', { gateway: { reach: 'other', url: 'http://127.0.0.1:18789' } }, /--port/],
  ['certificate_untrusted', { gateway: { reach: 'untrusted', url: 'https://127.0.0.1:18789' } }, /NODE_EXTRA_CA_CERTS/],
  ['token_refused', { gateway: refused }, /OPEN_CLANKER_DATA/],
  ['bind_without_tls', { config: { ...config, server: { ...server, host: '0.0.0.0', loopback: false } } }, /clear/],
  ['config_rejected', { gateway: up({ configError: 'line 3' }) }, /line 3/],
  ['uncertain_sends', { gateway: up({ queues: { ...status.queues, uncertain: 1 } }) }, /One reply may or may not.*why/],
  ['dead_letters', { gateway: up({ queues: { ...status.queues, dead: 2 } }) }, /2 messages.*dead list/],
  [
    'scheduler_off',
    { gateway: up({ schedule: { ...status.schedule, jobs: 9, enabled: false } }) },
    /There is a job, and none runs.*scheduler\.enabled = true/,
  ],
  [
    'job_crashed',
    { schedule: { ...schedule, crashed: [{ id: 'job_1', name: 'big page' }] } },
    /"big page" \(job_1\).*jobs resume job_1/,
  ],
  [
    'tasks_failed',
    { gateway: someFailed, schedule: { ...schedule, failed: [failedTask, failedTask, failedTask, failedTask] } },
    /4 tasks failed in the last day: "news" \(task_1\): The model failed\..*and 1 more.*tasks retry/,
  ],
  [
    'webhook_unknown',
    { schedule: { ...schedule, lackWebhook: [{ id: 'job_1', name: 'ping', webhook: 'ops' }] } },
    /"ping" \(job_1\).*\[webhooks\.out\.ops\]/,
  ],
  ['gateway_warning', { gateway: up({ warnings: ['One reply may not have arrived.'] }) }],
  [
    'sender_refused',
    {
      gateway: up({
        refused: [
          {
            channel: 'telegram:main',
            sender: '7',
            display: 'Ann',
            conversation: '7',
            count: 3,
            lastAt: 0,
            allowLine: 'allowed_user_ids = [7]',
          },
        ],
      }),
    },
    /Ann \(7\).*allowed_user_ids = \[7\]/,
  ],
  ['price_unknown', { providers: [{ ...openai, unpriced: true }] }, /providers\.openai\.prices/],
  ['clock_off', { providers: [{ ...openai, clockOffMs: 300_000 }] }, /300 s behind/],
  ['time_zone_unknown', { timeZone: { wanted: 'Europe/Berlim', used: 'UTC' } }, /Berlim/],
  ['locale_not_utf8', { locale: 'de_DE.ISO-8859-1' }],
  [
    'base_url_too_long',
    { providers: [{ ...openai, baseUrl: 'http://h/v1/chat/completions' }] },
    /base_url = "http:\/\/h\/v1"/,
  ],
  ['base_url_too_long', { providers: [{ ...ollama, baseUrl: 'http://h:11434/v1' }] }, /base_url = "http:\/\/h:11434"/],
  ['provider_key_missing', { providers: [{ ...openai, hasKey: false, outcome: 'unauthorized' }] }],
  ['provider_key_refused', { providers: [{ ...openai, outcome: 'unauthorized', detail: 'HTTP 401' }] }, /HTTP 401/],
  ['model_unknown', { providers: [{ ...openai, outcome: 'no_such_model' }] }, /providers\.openai\.model/],
  ['model_unknown', { providers: [{ ...ollama, outcome: 'no_such_model' }] }, /ollama pull llama3\.2/],
  ['ollama_empty', { providers: [{ ...ollama, outcome: 'no_models' }] }, /ollama pull/],
  ['ollama_down', { providers: [{ ...ollama, outcome: 'unreachable', detail: 'ECONNREFUSED' }] }, /ollama serve/],
  ['base_url_wrong', { providers: [{ ...openai, outcome: 'wrong_path', detail: 'HTTP 404' }] }, /ends in \/v1/],
  ['provider_unreachable', { providers: [{ ...openai, outcome: 'unreachable', detail: 'ENOTFOUND' }] }],
  ['provider_rate_limited', { providers: [{ ...openai, outcome: 'rate_limited' }] }],
  ['provider_quota', { providers: [{ ...openai, outcome: 'quota' }] }, /credit/],
  ['provider_failing', { providers: [{ ...openai, outcome: 'failing', detail: 'HTTP 500' }] }],
  [
    'provider_down',
    {
      gateway: up({
        providers: [
          {
            id: 'openai',
            dialect: 'openai-chat',
            model: 'x',
            state: 'down',
            detail: 'no',
            cooldownUntil: 1,
            active: 0,
          },
        ],
      }),
    },
  ],
  ['only_demo', { gateway: up({ model: { name: 'demo/demo', source: 'built in' } }) }, /OPENAI_API_KEY/],
  ['telegram_token_refused', { telegram: [{ ...bot, outcome: 'unauthorized', detail: 'HTTP 401' }] }, /@BotFather/],
  ['telegram_unreachable', { telegram: [{ ...bot, outcome: 'unreachable', detail: 'ETIMEDOUT' }] }, /api_root/],
  ['telegram_failing', { telegram: [{ ...bot, outcome: 'failing', detail: 'HTTP 502' }] }],
  ['slack_token_refused', { slack: [{ ...app, outcome: 'unauthorized', detail: 'token_revoked' }] }, /xoxb-/],
  ['slack_unreachable', { slack: [{ ...app, outcome: 'unreachable', detail: 'ETIMEDOUT' }] }, /api_root/],
  ['slack_failing', { slack: [{ ...app, outcome: 'failing', detail: 'HTTP 502' }] }, /slack-status/],
  ['slack_cannot_receive', { slack: [{ ...app, receives: false }] }, /connections:write/],
  ['slack_no_host', { slack: [{ ...app, unreachable: true }] }, /server\.allowed_hosts/],
  ['slack_scopes_missing', { slack: [{ ...app, missingScopes: ['im:history'] }] }, /docs\/channels\/slack\.md/],
  ['telegram_webhook_set', { telegram: [{ ...bot, webhookUrl: 'https://old.example/hook' }] }, /deleteWebhook/],
  ['webhook_no_url', { webhooks: [{ ...webhook, url: null }] }, /channels\.webhook\.orders\.url/],
  [
    'whatsapp_token_refused',
    { whatsapp: [{ ...number, outcome: 'unauthorized', detail: 'HTTP 401' }] },
    /access_token/,
  ],
  ['whatsapp_no_such_number', { whatsapp: [{ ...number, outcome: 'no_such_number' }] }, /phone_number_id/],
  ['whatsapp_unreachable', { whatsapp: [{ ...number, outcome: 'unreachable' }] }, /api_root/],
  ['whatsapp_no_host', { whatsapp: [{ ...number, publicNames: 0 }] }, /server\.allowed_hosts/],
  [
    'telegram_webhook_fails',
    { telegram: [{ ...bot, mode: 'webhook', webhookUrl: 'https://x', webhookTrouble: 'Connection refused; 3 wait' }] },
    /pass \/hooks\/ on/,
  ],
  [
    'telegram_webhook_fails',
    { telegram: [{ ...bot, mode: 'webhook', webhookTrouble: 'Wrong response from the webhook: 421 Misdirected' }] },
    /allowed_hosts/,
  ],
  ['telegram_conflict', { gateway: up({ channels: [channel('Another program receives')] }) }, /bot of its own/],
  ['telegram_conflict', { gateway: up({ channels: [channel('409 Conflict')] }) }, /bot of its own/],
  ['channel_trouble', { gateway: up({ channels: [channel('no poll for 3 minutes')] }) }, /no poll for 3 minutes/],
  [
    'discord_token_refused',
    { discord: [{ ...discordBot, outcome: 'unauthorized', detail: 'HTTP 401' }] },
    /Reset Token/,
  ],
  ['discord_unreachable', { discord: [{ ...discordBot, outcome: 'unreachable', detail: 'ENOTFOUND' }] }, /ENOTFOUND/],
  ['discord_failing', { discord: [{ ...discordBot, outcome: 'failing', detail: 'HTTP 503' }] }, /discordstatus/],
  ['discord_no_message_content', { discord: [{ ...discordBot, readsMessages: false }] }, /900000000000000011\/bot/],
  ['discord_not_in_guild', { discord: [{ ...discordBot, guildMissing: true }] }, /client_id=900000000000000011/],
  [
    'email_login_refused',
    { email: [{ ...mailbox, imap: { outcome: 'unauthorized', detail: 'NO' } }] },
    /IMAP server.*app password/,
  ],
  ['email_untrusted', { email: [{ ...mailbox, smtp: { outcome: 'untrusted', detail: 'no' } }] }, /smtp_url/],
  ['email_unreachable', { email: [{ ...mailbox, smtp: { outcome: 'unreachable', detail: 'no' } }] }, /port 25/],
  ['email_failing', { email: [{ ...mailbox, smtp: { outcome: 'failing', detail: '554 no' } }] }, /554 no/],
  [
    'email_senders_unproved',
    {
      gateway: up({
        channels: [{ ...channel('It does not say whether senders are genuine.'), id: 'email:main', type: 'email' }],
      }),
    },
    /authserv_id/,
  ],
  ['matrix_token_refused', { ownServers: [{ ...homeserver, outcome: 'unauthorized' }] }, /access_token/],
  ['matrix_wrong_place', { ownServers: [{ ...homeserver, outcome: 'wrong_place' }] }, /where \/_matrix is served/],
  [
    'mattermost_unreachable',
    { ownServers: [{ ...homeserver, type: 'mattermost', outcome: 'unreachable' }] },
    /api_root/,
  ],
  ['signal_failing', { ownServers: [{ ...homeserver, type: 'signal', outcome: 'failing' }] }, /its own log/],
  [
    'channel_trouble',
    { gateway: up({ channels: [{ ...channel('The connection ended.'), id: 'matrix:main', type: 'matrix' }] }) },
    /The connection ended/,
  ],
  ['skill_broken', { skills: [{ folder: '/d/skills/x', reason: 'name is missing' }] }, /SKILLS\.md/],
  ['plugin_trouble', { plugins: [{ name: 'dice', problem: 'there is no folder' }] }, /\[plugins\.dice\]/],
  ['plugin_trouble', { gateway: up({ warnings: ['The plugin dice: it failed 2 times.'] }) }, /plugins list/],
  ['nobody_allowed', { accounts: [{ ...account, id: 'slack:main', listed: 0 }] }, /open-clanker status/],
  [
    'mcp_server_down',
    { gateway: up({ mcp: [mcpServer], warnings: ['MCP server web is not there.'] }) },
    /mcp\.servers\.web\.enabled/,
  ],
  ['pairing_waits', { gateway: up({ waiting: 2 }) }, /open-clanker pairing list/],
  ['telegram_privacy_mode', { telegram: [{ ...bot, allowedGroups: 1 }] }, /\/setprivacy/],
];
for (const [index, [code, changes, words]] of faults.entries()) {
  test(`fault ${index + 1}, ${code}, is found alone and explained with its fix`, () => {
    const findings = diagnose({ ...healthy, ...changes });
    assert.deepEqual(
      findings.map((finding) => finding.code),
      [code],
    );
    const [finding] = findings;
    assert(finding !== undefined && finding.problem !== '' && finding.fix !== '');
    if (words !== undefined) assert.match(`${finding.problem} ${finding.fix}`, words);
  });
}

test('what goes wrong without a running gateway is found too', () => {
  const stopped: Facts = { ...healthy, gateway: down, run: null, database: { ...healthy.database, state: 'ok' } };
  const codes = (changes: Partial<Facts>): string[] => diagnose({ ...stopped, ...changes }).map(({ code }) => code);
  assert.deepEqual(codes({}), ['gateway_down']);
  assert.deepEqual(codes({ database: healthy.database }), ['database_locked', 'gateway_down']);
  assert.deepEqual(codes({ run: { pid: 9, url: 'u', alive: false } }), ['gateway_down', 'run_file_stale']);
  assert.deepEqual(codes({ run: { pid: 9, url: 'u', alive: true } }), ['gateway_silent']);
  assert.deepEqual(codes({ providers: [] }), ['gateway_down', 'only_demo']);
});

test('a warning that a check explains better is not told twice', () => {
  const gateway = up({
    model: { name: 'demo/demo', source: 'nothing else' },
    channels: [channel('409 Conflict')],
    configError: 'line 3',
    warnings: ['The demo model answers.', 'telegram:main: 409 Conflict', 'Rejected: line 3'],
  });
  assert.deepEqual(
    diagnose({ ...healthy, gateway }).map(({ code }) => code),
    ['config_rejected', 'only_demo', 'telegram_conflict'],
  );
});

test('what the platform itself says is not told again in the words of the gateway', () => {
  const lost = [channel('Telegram cannot be reached'), { ...channel('Discord cannot be reached'), id: 'discord:main' }];
  const facts: Facts = {
    ...healthy,
    gateway: up({ channels: lost }),
    telegram: [{ ...bot, outcome: 'unreachable' }],
    discord: [{ ...discordBot, outcome: 'unreachable' }],
  };
  assert.deepEqual(
    diagnose(facts)
      .map(({ code }) => code)
      .toSorted(),
    ['discord_unreachable', 'telegram_unreachable'],
  );
});

test('one server with a wrong clock does not accuse this machine', () => {
  const facts = { ...healthy, providers: [{ ...openai, clockOffMs: 9e6 }, ollama] };
  assert.deepEqual(diagnose(facts), []);
});

test('docs/TROUBLESHOOTING.md explains every code', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/TROUBLESHOOTING.md'), 'utf8');
  const codes = [
    ...faults.map(([code]) => code),
    'gateway_down',
    'gateway_silent',
    'run_file_stale',
    'database_locked',
  ];
  for (const code of codes) assert(page.includes(`\`${code}\``), code);
});

test('at least twenty different problems are known', () => {
  assert(new Set(faults.map(([code]) => code)).size >= 20);
});
