import type { Build } from './build.ts';

export const email: Build<'email'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createEmailChannel } = await import('../../adapters/channels/email/index.ts');
    return createEmailChannel();
  },
});
