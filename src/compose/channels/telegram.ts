import type { Build } from './build.ts';

export const telegram: Build<'telegram'> = (account, options, { http, random, commands }) => {
  const { bot_token, api_root, poll_timeout, allowed_chat_ids } = options;
  const groups = allowed_chat_ids.some((id) => id.startsWith('-'));
  return {
    restartOn: [bot_token, api_root, poll_timeout, groups],
    create: async () => {
      const { createTelegramChannel } = await import('../../adapters/channels/telegram/index.ts');
      return createTelegramChannel({
        account,
        token: bot_token,
        apiRoot: api_root,
        pollTimeoutMs: poll_timeout,
        http,
        random,
        groups,
        commands: commands.map(({ name, summary }) => ({ command: name, description: summary })),
      });
    },
  };
};
