import type { Build } from './build.ts';

export const signal: Build<'signal'> = (account, options, { http, random }) => {
  const { api_root, number, allowed_user_ids, allowed_chat_ids } = options;
  return {
    // By which id a person is known depends on the lists.
    restartOn: [api_root, number, allowed_user_ids, allowed_chat_ids],
    create: async () => {
      const { createSignalChannel } = await import('../../adapters/channels/signal/index.ts');
      const listed = new Set([...allowed_user_ids, ...allowed_chat_ids]);
      return createSignalChannel({ account, apiRoot: api_root, number, listed, http, random });
    },
  };
};
