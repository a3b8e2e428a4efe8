import type { Build } from './build.ts';

export const webhook: Build<'webhook'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createWebhookChannel } = await import('../../adapters/channels/webhook/index.ts');
    return createWebhookChannel();
  },
});
