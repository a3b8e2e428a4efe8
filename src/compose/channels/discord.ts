import type { Build } from './build.ts';

export const discord: Build<'discord'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createDiscordChannel } = await import('../../adapters/channels/discord/index.ts');
    return createDiscordChannel();
  },
});
