import * as z from 'zod/mini';
import { baseUrl, secret, secretFile, text, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const anyId = (id: string): string | null => (id === '' ? 'it is empty' : null);

export const whatsapp = channelKind({
  about: 'A number on the WhatsApp Cloud API.',
  further: 'A further number; `main` is the one of the plain table.',
  required: ['access_token', 'phone_number_id', 'app_secret', 'verify_token'],
  missing: 'the access token of a system user',
  fields: {
    access_token: z.optional(secret('The access token of a system user.', { example: '"${WHATSAPP_ACCESS_TOKEN}"' })),
    access_token_file: z.optional(secretFile('access_token')),
    phone_number_id: z.optional(
      text('The id of the number (not the number).', 'an id', { check: anyId, example: '"106540352242922"' }),
    ),
    app_secret: z.optional(
      secret('The app secret; it signs what comes to /hooks/whatsapp/<account>.', {
        example: '"${WHATSAPP_APP_SECRET}"',
      }),
    ),
    app_secret_file: z.optional(secretFile('app_secret')),
    verify_token: z.optional(
      secret('Any text; put the same one into the dashboard of Meta.', { example: '"${WHATSAPP_VERIFY_TOKEN}"' }),
    ),
    verify_token_file: z.optional(secretFile('verify_token')),
    api_root: withDefault(baseUrl('The Graph API with its version.'), 'https://graph.facebook.com/v23.0'),
    ...commonFields({
      credentials: 'an access token',
      user: { example: '"491701234567"', problem: anyId },
      chat: { example: '"491701234567"', problem: anyId },
    }),
  },
});
