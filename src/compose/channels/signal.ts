import type { Build } from './build.ts';

export const signal: Build<'signal'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createSignalChannel } = await import('../../adapters/channels/signal/index.ts');
    return createSignalChannel();
  },
});
