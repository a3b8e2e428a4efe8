import type { Build } from './build.ts';

export const discord: Build<'discord'> = (account, options, { http, random, commands }) => {
  const { bot_token, api_root, guild_id } = options;
  return {
    restartOn: [bot_token, api_root, guild_id],
    create: async () => {
      const { createDiscordChannel } = await import('../../adapters/channels/discord/index.ts');
      return createDiscordChannel({
        account,
        token: bot_token,
        apiRoot: api_root,
        http,
        random,
        commands,
        ...(guild_id === undefined ? {} : { guildId: guild_id }),
      });
    },
  };
};
