import type { Build } from './build.ts';

export const whatsapp: Build<'whatsapp'> = (account, options) => ({
  restartOn: [account, options],
  create: async () => {
    const { createWhatsAppChannel } = await import('../../adapters/channels/whatsapp/index.ts');
    return createWhatsAppChannel();
  },
});
