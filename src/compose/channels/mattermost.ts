import type { Build } from './build.ts';

export const mattermost: Build<'mattermost'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createMattermostChannel } = await import('../../adapters/channels/mattermost/index.ts');
    return createMattermostChannel();
  },
});
