/** The channels of this version and their accounts. Adding one is one line here and one in src/compose/channels.ts. */
import { discord } from '../adapters/channels/discord/options.ts';
import { email } from '../adapters/channels/email/options.ts';
import { matrix } from '../adapters/channels/matrix/options.ts';
import { mattermost } from '../adapters/channels/mattermost/options.ts';
import { signal } from '../adapters/channels/signal/options.ts';
import { slack } from '../adapters/channels/slack/options.ts';
import { telegram } from '../adapters/channels/telegram/options.ts';
import { webhook } from '../adapters/channels/webhook/options.ts';
import { whatsapp } from '../adapters/channels/whatsapp/options.ts';
import type { AccessMode, Configured } from '../adapters/channels/options.ts';
import { named, table, withDefault } from '../core/fields.ts';
import type { Problem } from './problem.ts';

export const channelKinds = { telegram, discord, slack, webhook, matrix, email, whatsapp, signal, mattermost };

export type ChannelType = keyof typeof channelKinds;
export type ConfiguredChannel<T extends ChannelType> = Configured<(typeof channelKinds)[T]>;
export type ConfiguredChannels = { [T in ChannelType]: { accounts: Record<string, ConfiguredChannel<T>> } };

export const channelsTable = () =>
  table('Chat platforms.', {
    telegram: withDefault(telegram.tables().table, {}),
    discord: withDefault(discord.tables().table, {}),
    slack: withDefault(slack.tables().table, {}),
    webhook: withDefault(named(webhook.about, webhook.tables().account), {}),
    matrix: withDefault(matrix.tables().table, {}),
    email: withDefault(email.tables().table, {}),
    whatsapp: withDefault(whatsapp.tables().table, {}),
    signal: withDefault(signal.tables().table, {}),
    mattermost: withDefault(mattermost.tables().table, {}),
  });

/** Under `/hooks` these are something else. */
const reservedHooks = ['wake', 'agent'];

type Written = Record<string, unknown> & {
  enabled?: boolean;
  access?: AccessMode;
  allowed_user_ids?: string[];
  allowed_chat_ids?: string[];
};

/** The accounts that have what they need; `main` is the one of the plain table. */
export function configuredChannels(written: Record<ChannelType, object>): {
  channels: ConfiguredChannels;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const accountsOf = (type: ChannelType): Record<string, unknown> => {
    const { required, missing } = channelKinds[type];
    const accounts: Record<string, unknown> = {};
    for (const { name, path, account } of writtenAccounts(type, written[type], problems)) {
      const absent = required.filter((key) => account[key] === undefined);
      const [first] = absent.filter((key) => account[`${key}_file`] === undefined);
      if (absent.length === 0)
        accounts[name] = { ...account, enabled: account.enabled ?? true, access: accessOf(type, account) };
      else if (
        first !== undefined &&
        (account.enabled === true || name !== 'main' || absent.length < required.length)
      ) {
        const form = first === required[0] ? `; it takes ${missing}` : '';
        const orFile = `${first}_file` in channelKinds[type].fields() ? ` (or ${first}_file)` : '';
        problems.push({ path: [...path, first], message: `it is missing${form}${orFile}` });
      }
    }
    return accounts;
  };
  const types = Object.keys(channelKinds) as ChannelType[];
  const channels = Object.fromEntries(types.map((type) => [type, { accounts: accountsOf(type) }]));
  return { channels: channels as ConfiguredChannels, problems };
}

/**
 * What stands in the plain table of a platform and has no effect, as what it cannot be without is missing. An empty
 * table, or one that is switched off, is meant so.
 */
export function withoutEffect(written: Record<string, unknown>, channels: ConfiguredChannels): string[] {
  const types = (Object.keys(channelKinds) as ChannelType[]).filter((type) => type !== 'webhook');
  return types.flatMap((type) => {
    const { accounts: _, ...main } = (written[type] ?? {}) as Written;
    if (Object.hasOwn(channels[type].accounts, 'main') || main.enabled === false) return [];
    if (Object.values(main).every((value) => String(value) === '')) return [];
    const { required, missing } = channelKinds[type];
    return [`[channels.${type}] has no effect: ${required.join(', ')} is missing; it takes ${missing}`];
  });
}

/** The secret of a webhook proves its caller; whoever lists people or chats there means them and nobody else. */
function accessOf(type: ChannelType, { access, allowed_user_ids = [], allowed_chat_ids = [] }: Written): AccessMode {
  const open = type === 'webhook' && allowed_user_ids.length + allowed_chat_ids.length === 0;
  return access ?? (open ? 'open' : 'allowlist');
}

function writtenAccounts(
  type: ChannelType,
  section: object,
  problems: Problem[],
): { name: string; path: string[]; account: Written }[] {
  const path = ['channels', type];
  const at = (from: string[], tables: object): { name: string; path: string[]; account: Written }[] =>
    Object.entries(tables).map(([name, account]) => ({ name, path: [...from, name], account: account as Written }));
  if (type === 'webhook') {
    for (const name of reservedHooks.filter((each) => Object.hasOwn(section, each))) {
      problems.push({ path: [...path, name], message: `"${name}" is no name for a webhook; choose another` });
    }
    return at(path, section);
  }
  const { accounts, ...main } = section as { accounts: object };
  if (Object.hasOwn(accounts, 'main')) {
    problems.push({
      path: [...path, 'accounts', 'main'],
      message: `"main" is the account of [channels.${type}] itself; choose another name`,
    });
  }
  return [{ name: 'main', path, account: main }, ...at([...path, 'accounts'], accounts)];
}
