import type { Build } from './build.ts';

export const slack: Build<'slack'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createSlackChannel } = await import('../../adapters/channels/slack/index.ts');
    return createSlackChannel();
  },
});
