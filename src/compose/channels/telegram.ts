import type { Build } from './build.ts';

export const telegram: Build<'telegram'> = (account, options, { http, random, commands }) => {
  const { bot_token, api_root, poll_timeout, allowed_chat_ids, mode, webhook_url, webhook_secret } = options;
  const groups = allowed_chat_ids.some((id) => id.startsWith('-'));
  const webhook =
    mode === 'webhook' && webhook_url !== undefined
      ? { url: webhook_url, ...(webhook_secret === undefined ? {} : { secret: webhook_secret }) }
      : undefined;
  return {
    restartOn: [bot_token, api_root, poll_timeout, groups, webhook],
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
        ...(webhook === undefined ? {} : { webhook }),
        commands: commands.map(({ name, summary, translations }) => ({
          command: name,
          description: summary,
          translations,
        })),
      });
    },
  };
};
