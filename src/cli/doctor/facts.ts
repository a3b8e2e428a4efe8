/**
 * What the doctor knows when it judges. Gatherers fill it, checks read it: a check never looks at the world itself.
 * Times are milliseconds since the epoch, sizes bytes.
 */
import type { Dialect } from '../../core/ports/provider.ts';
import type { GatewayStatus } from '../../core/ports/gateway.ts';

export interface Facts {
  now: number;
  /** `26.10.0` */
  nodeVersion: string;
  /** What LC_ALL, LC_CTYPE or LANG say, or null. */
  locale: string | null;
  /** `$TZ`, and the zone that the runtime made of it. */
  timeZone: { wanted: string | null; used: string };
  config: ConfigFacts;
  data: DataFacts;
  token: TokenFacts;
  database: DatabaseFacts;
  run: { pid: number; url: string; alive: boolean } | null;
  gateway: GatewayFacts;
  providers: ProviderFacts[];
  telegram: TelegramFacts[];
  discord: DiscordFacts[];
  whatsapp: WhatsAppFacts[];
  slack: SlackFacts[];
  webhooks: WebhookFacts[];
  email: EmailFacts[];
  ownServers: OwnServerFacts[];
  /** Folders that look like skills and cannot be one. */
  skills: { folder: string; reason: string }[];
  /** Those that will not be loaded, and why. */
  plugins: { name: string; problem: string }[];
  tools: ToolFacts;
  /** What the running gateway has of jobs and tasks; null without one. */
  schedule: ScheduleFacts | null;
  /** Every configured account of every channel. */
  accounts: AccountFacts[];
}

export type ConfigFacts =
  | { state: 'missing'; detail: string }
  | { state: 'invalid'; issues: string[] }
  | {
      state: 'ok';
      /** Null when the defaults are used. */
      file: string | null;
      /** Permission bits of the file. */
      mode: number | null;
      holdsSecrets: boolean;
      warnings: string[];
      server: { host: string; port: number; tls: boolean; loopback: boolean };
      /** `providers.default`, or null when the first that is there is taken. */
      defaultProvider: string | null;
    };

export interface DataFacts {
  dir: string;
  exists: boolean;
  isDirectory: boolean;
  writable: boolean;
  /** Nothing on it can be written by anybody. */
  readOnlyDisk: boolean;
  /** False when it belongs to another user. */
  owned: boolean;
  /** Of its file system; null where the system does not tell. */
  freeBytes: number | null;
  totalBytes: number | null;
}

export interface TokenFacts {
  file: string;
  state: 'ok' | 'missing' | 'unreadable';
  mode: number | null;
}

export interface DatabaseFacts {
  file: string;
  state: 'missing' | 'ok' | 'unreadable' | 'not_a_database' | 'newer_schema' | 'locked';
  detail: string;
}

export interface ToolFacts {
  /** Where people's files are; `mode` null before the first of them. Null: there are none by configuration. */
  files: { folder: string; mode: number | null; usable: boolean; quota: number } | null;
  /** Why programs cannot be run although they should. */
  sandbox: { problem: string; fix: string } | null;
}

export interface ScheduleFacts {
  /** Jobs of people that are not over. */
  jobs: number;
  /** Jobs that rest because what they did ended the process. */
  crashed: { id: string; name: string }[];
  /** Tasks that failed for good in the last day, newest first. */
  failed: { id: string; name: string; reason: string }[];
  /** Jobs that post to a webhook which is not configured. */
  lackWebhook: { id: string; name: string; webhook: string }[];
}

/** What answers where the gateway should be. `other` speaks, but is no gateway. */
export type GatewayFacts =
  | { reach: 'none' | 'other' | 'untrusted' | 'token_refused'; url: string }
  | { reach: 'up'; url: string; status: GatewayStatus };

export type ProviderOutcome =
  | 'ok'
  | 'not_asked'
  | 'unauthorized'
  | 'no_such_model'
  | 'no_models'
  | 'wrong_path'
  | 'unreachable'
  | 'rate_limited'
  | 'quota'
  | 'failing';

export interface ProviderFacts {
  name: string;
  dialect: Dialect;
  baseUrl: string;
  model: string | null;
  hasKey: boolean;
  /** True for a server on this machine or network, which may need no key. */
  local: boolean;
  /** A limit in money holds, and nobody knows what its model costs. */
  unpriced: boolean;
  outcome: ProviderOutcome;
  detail: string;
  /** How far its clock is from ours, positive when ours is behind; null when it did not say. */
  clockOffMs: number | null;
}

export type TelegramOutcome = 'ok' | 'not_asked' | 'unauthorized' | 'unreachable' | 'failing';

export interface TelegramFacts {
  /** `telegram:main` */
  id: string;
  enabled: boolean;
  outcome: TelegramOutcome;
  detail: string;
  /** `@name` of the bot, once known. */
  username: string | null;
  mode: 'long_polling' | 'webhook';
  /** Where Telegram delivers, as it says itself. */
  webhookUrl: string | null;
  /** What went wrong last while updates wait to be delivered. */
  webhookTrouble: string | null;
  /** Telegram's "privacy mode" is off: the bot sees all messages of its groups. */
  readsAllGroupMessages: boolean;
  allowedGroups: number;
  clockOffMs: number | null;
}

export type WhatsAppOutcome = 'ok' | 'not_asked' | 'unauthorized' | 'no_such_number' | 'unreachable' | 'failing';

export interface WhatsAppFacts {
  /** `whatsapp:main` */
  id: string;
  enabled: boolean;
  /** Host names that are served besides those of this machine. */
  publicNames: number;
  outcome: WhatsAppOutcome;
  detail: string;
  clockOffMs: number | null;
}

export type SlackOutcome = 'ok' | 'not_asked' | 'unauthorized' | 'unreachable' | 'failing';

export interface SlackFacts {
  /** `slack:main` */
  id: string;
  enabled: boolean;
  /** There is a token for Socket Mode, or a secret for events over HTTP. */
  receives: boolean;
  /** Events come over HTTP, and no host name but those of this machine is served. */
  unreachable: boolean;
  outcome: SlackOutcome;
  detail: string;
  /** What the bot token lacks of what the channel uses. */
  missingScopes: string[];
  clockOffMs: number | null;
}

export interface WebhookFacts {
  /** `webhook:orders` */
  id: string;
  /** `orders` */
  name: string;
  enabled: boolean;
  /** Where answers are posted. */
  url: string | null;
}

/** `untrusted`: it cannot be talked to under TLS. */
export type MailServerOutcome = 'ok' | 'not_asked' | 'unauthorized' | 'untrusted' | 'unreachable' | 'failing';

export interface EmailFacts {
  /** `email:main` */
  id: string;
  enabled: boolean;
  imap: { outcome: MailServerOutcome; detail: string };
  smtp: { outcome: MailServerOutcome; detail: string };
}

/** An account on a server whose address a person wrote down. */
export interface OwnServerFacts {
  /** `matrix:main` */
  id: string;
  type: 'matrix' | 'mattermost' | 'signal';
  enabled: boolean;
  /** `wrong_place`: something answers there that is no such server. */
  outcome: 'ok' | 'not_asked' | 'unauthorized' | 'wrong_place' | 'unreachable' | 'failing';
  detail: string;
}

export interface AccountFacts {
  /** `telegram:main` */
  id: string;
  enabled: boolean;
  access: 'allowlist' | 'pairing' | 'open';
  /** People and chats in its lists. */
  listed: number;
}

export interface DiscordFacts {
  /** `discord:main` */
  id: string;
  enabled: boolean;
  outcome: 'ok' | 'not_asked' | 'unauthorized' | 'unreachable' | 'failing';
  detail: string;
  /** Id of the application the bot belongs to, once known. */
  application: string | null;
  /** The "Message Content Intent" is on; null when Discord does not tell. */
  readsMessages: boolean | null;
  /** `guild_id` is set and the bot is not there. */
  guildMissing: boolean;
  clockOffMs: number | null;
}

/** One thing that is wrong and what to do, each one sentence. `code` is stable for programs. */
export interface Finding {
  code: string;
  problem: string;
  fix: string;
}

/** Null when all is well. */
export type Check = (facts: Facts) => Finding | Finding[] | null;
