import type { Build } from './build.ts';

export const whatsapp: Build<'whatsapp'> = (account, options, { http }) => {
  const { access_token, app_secret, verify_token, phone_number_id, api_root } = options;
  return {
    restartOn: [access_token, app_secret, verify_token, phone_number_id, api_root],
    create: async () => {
      const { createWhatsAppChannel } = await import('../../adapters/channels/whatsapp/index.ts');
      return createWhatsAppChannel({
        account,
        accessToken: access_token,
        appSecret: app_secret,
        verifyToken: verify_token,
        number: phone_number_id,
        apiRoot: api_root,
        http,
      });
    },
  };
};
