import * as z from 'zod/mini';
import { baseUrl, secret, secretFile } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const anyId = (id: string): string | null => (id === '' ? 'it is empty' : null);

/** Every webhook has a name: `[channels.webhook.NAME]`. */
export const webhook = channelKind({
  about: 'Signed webhooks, for everything that has no channel of its own.',
  further: 'One webhook; it receives at `/hooks/NAME`.',
  required: ['secret'],
  missing: 'the shared secret ("whsec_" and base64)',
  fields: {
    secret: z.optional(secret('The shared secret.', { form: '"whsec_" and base64', example: '"${WEBHOOK_SECRET}"' })),
    secret_file: z.optional(secretFile('secret')),
    url: z.optional(baseUrl('Where answers are posted.', { example: '"https://example.org/answers"' })),
    ...commonFields({
      credentials: 'a secret',
      access: 'open',
      user: { example: '"anna"', problem: anyId },
      chat: { example: '"support"', problem: anyId },
    }),
  },
});
