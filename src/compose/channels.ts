import type { AccessPolicy } from '../app/access/authorize.ts';
import type { ChannelPlan } from '../app/channels/manager.ts';
import type { ChannelType, ConfiguredChannel } from '../config/channels.ts';
import type { Config } from '../config/schema.ts';
import type { Build, BuildDeps } from './channels/build.ts';
import { discord } from './channels/discord.ts';
import { email } from './channels/email.ts';
import { matrix } from './channels/matrix.ts';
import { mattermost } from './channels/mattermost.ts';
import { signal } from './channels/signal.ts';
import { slack } from './channels/slack.ts';
import { telegram } from './channels/telegram.ts';
import { webhook } from './channels/webhook.ts';
import { whatsapp } from './channels/whatsapp.ts';
import { fingerprint } from './fingerprint.ts';

const builders: { [T in ChannelType]: Build<T> } = {
  telegram,
  discord,
  slack,
  webhook,
  matrix,
  email,
  whatsapp,
  signal,
  mattermost,
};

/** Channels of this version and of the plugins; their names are reserved as beginnings of session keys. */
export const channelTypesOf = ({ plugins }: Config): string[] => [...Object.keys(builders), ...Object.keys(plugins)];

/** The accounts of a configuration that are to run. */
export const channelPlans = (config: Config, deps: BuildDeps): ChannelPlan[] =>
  (Object.keys(builders) as ChannelType[]).flatMap((type) => plansOf(type, config, deps));

function plansOf(type: ChannelType, config: Config, deps: BuildDeps): ChannelPlan[] {
  // A builder and the accounts of its own type fit together, which the compiler cannot see over the union.
  const build = builders[type] as Build<never>;
  const accounts: [string, ConfiguredChannel<ChannelType>][] = Object.entries(config.channels[type].accounts);
  return accounts
    .filter(([, { enabled }]) => enabled)
    .map(([account, options]) => {
      const { restartOn, create } = build(account, options as never, deps);
      return { id: `${type}:${account}`, fingerprint: fingerprint(restartOn), stream: options.stream, create };
    });
}

type Listed = Pick<
  ConfiguredChannel<ChannelType>,
  'access' | 'allowed_user_ids' | 'allowed_chat_ids' | 'groups' | 'group_policy'
>;

const policyOf = ({ access, allowed_user_ids, allowed_chat_ids, groups, group_policy }: Listed): AccessPolicy => ({
  access,
  users: new Set(allowed_user_ids),
  chats: new Set(allowed_chat_ids),
  groups: new Map(Object.entries(groups ?? {})),
  groupPolicy: group_policy,
});

const nobody: AccessPolicy = { users: new Set(), chats: new Set() };

/** Who may talk on which account; made once per configuration. */
export function accessPolicies(config: Config): (channel: string, account: string) => AccessPolicy {
  const policies = new Map<string, AccessPolicy>();
  for (const [type, { accounts }] of Object.entries(config.channels)) {
    for (const [account, options] of Object.entries(accounts)) policies.set(`${type}:${account}`, policyOf(options));
  }
  for (const [name, { channel }] of Object.entries(config.plugins)) {
    if (channel !== undefined)
      policies.set(`${name}:main`, policyOf({ ...channel, access: channel.access ?? 'allowlist' }));
  }
  return (channel, account) => policies.get(`${channel}:${account}`) ?? nobody;
}
