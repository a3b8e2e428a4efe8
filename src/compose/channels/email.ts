import { endpointOf } from '../../adapters/channels/email/endpoint.ts';
import { systemClock } from '../../adapters/system/index.ts';
import type { Build } from './build.ts';

export const email: Build<'email'> = (account, options, { random }) => {
  const { address, imap_url, smtp_url, password, folder, sent_folder, poll_interval } = options;
  const { user = address, require_authentication, authserv_id } = options;
  return {
    restartOn: [
      address,
      imap_url,
      smtp_url,
      user,
      password,
      folder,
      sent_folder,
      poll_interval,
      require_authentication,
      authserv_id,
    ],
    create: async () => {
      const { createEmailChannel } = await import('../../adapters/channels/email/index.ts');
      return createEmailChannel({
        account,
        address: address.trim().toLowerCase(),
        imap: endpointOf(imap_url),
        smtp: endpointOf(smtp_url),
        user,
        password,
        folder,
        sentFolder: sent_folder ?? null,
        requireAuthentication: require_authentication,
        authservId: authserv_id ?? null,
        pollMs: poll_interval,
        random,
        clock: systemClock,
      });
    },
  };
};
