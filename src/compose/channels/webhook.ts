import { systemClock as clock } from '../../adapters/system/index.ts';
import type { Build } from './build.ts';

export const webhook: Build<'webhook'> = (account, options, { http }) => {
  const { secret, previous_secret, url = null, max_length } = options;
  return {
    restartOn: [secret, previous_secret, url, max_length],
    create: async () => {
      const { createWebhookChannel } = await import('../../adapters/channels/webhook/index.ts');
      const secrets = previous_secret === undefined ? [secret] : [secret, previous_secret];
      return createWebhookChannel({ account, secrets, url, maxLength: max_length, http, clock });
    },
  };
};
