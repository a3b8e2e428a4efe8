import type { Build } from './build.ts';

export const mattermost: Build<'mattermost'> = (account, { bot_token, api_root }, { http, random }) => ({
  restartOn: [bot_token, api_root],
  create: async () => {
    const { createMattermostChannel } = await import('../../adapters/channels/mattermost/index.ts');
    return createMattermostChannel({ account, apiRoot: api_root, token: bot_token, http, random });
  },
});
