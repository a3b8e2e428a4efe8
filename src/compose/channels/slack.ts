import type { Build } from './build.ts';

export const slack: Build<'slack'> = (account, options, { http, random, commands }) => {
  const { bot_token, app_token, signing_secret, api_root } = options;
  const names = commands.map(({ name }) => name);
  return {
    restartOn: [bot_token, app_token, signing_secret, api_root],
    create: async () => {
      const { createSlackChannel } = await import('../../adapters/channels/slack/index.ts');
      return createSlackChannel({
        account,
        botToken: bot_token,
        appToken: app_token,
        signingSecret: signing_secret,
        apiRoot: api_root,
        http,
        random,
        commands: names,
      });
    },
  };
};
