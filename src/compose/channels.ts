import type { AccessPolicy } from '../app/access/authorize.ts';
import type { ChannelPlan } from '../app/channels/manager.ts';
import type { Command } from '../app/commands/registry.ts';
import type { Config } from '../config/schema.ts';
import type { HttpClient } from '../core/ports/http-client.ts';
import type { Random } from '../core/ports/system.ts';
import { fingerprint } from './fingerprint.ts';

/** Channels of this version; their names are reserved as beginnings of session keys. */
export const channelTypes: ReadonlySet<string> = new Set(['telegram']);

/** The accounts of a configuration that are to run. Each adapter is a chunk of its own, loaded when one does. */
export function channelPlans(
  config: Config,
  deps: { http: HttpClient; random: Random; commands: Command[] },
): ChannelPlan[] {
  return Object.entries(config.channels.telegram.accounts)
    .filter(([, { enabled }]) => enabled)
    .map(([account, { bot_token, api_root, poll_timeout, stream, allowed_chat_ids }]) => {
      const groups = allowed_chat_ids.some((id) => id.startsWith('-'));
      return {
        id: `telegram:${account}`,
        // Who may talk is asked for each message: a changed allow-list restarts nothing.
        fingerprint: fingerprint([bot_token, api_root, poll_timeout, groups]),
        stream,
        create: async () => {
          const { createTelegramChannel } = await import('../adapters/channels/telegram/index.ts');
          return createTelegramChannel({
            account,
            token: bot_token,
            apiRoot: api_root,
            pollTimeoutMs: poll_timeout,
            http: deps.http,
            random: deps.random,
            groups,
            commands: deps.commands.map(({ name, summary }) => ({ command: name, description: summary })),
          });
        },
      };
    });
}

const nobody: AccessPolicy = { users: new Set(), chats: new Set() };

/** Who may talk on which account; made once per configuration. */
export function accessPolicies(config: Config): (channel: string, account: string) => AccessPolicy {
  const policies = new Map<string, AccessPolicy>();
  for (const [account, { allowed_user_ids, allowed_chat_ids }] of Object.entries(config.channels.telegram.accounts)) {
    policies.set(`telegram:${account}`, { users: new Set(allowed_user_ids), chats: new Set(allowed_chat_ids) });
  }
  return (channel, account) => policies.get(`${channel}:${account}`) ?? nobody;
}
