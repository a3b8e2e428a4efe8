import * as z from 'zod/mini';
import { baseUrl, secret, secretFile, text, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

/** A number in international form, or the id that stands for a person who shows no number. */
const idProblem = (id: string): string | null =>
  /^[1-9]\d{4,19}$/.test(id) || /^[A-Z]{2}\.[A-Za-z0-9.]{1,140}$/.test(id)
    ? null
    : 'write the number in international form, digits only, such as "491701234567"';

export const whatsapp = channelKind({
  about: 'A number on the WhatsApp Cloud API.',
  further: 'A further number; `main` is the one of the plain table.',
  required: ['access_token', 'phone_number_id', 'app_secret', 'verify_token'],
  missing: 'the access token of a system user',
  fields: () => ({
    access_token: z.optional(
      secret('The access token of a system user with the permission whatsapp_business_messaging.', {
        example: '"${WHATSAPP_ACCESS_TOKEN}"',
      }),
    ),
    access_token_file: z.optional(secretFile('access_token')),
    phone_number_id: z.optional(
      text('The id of the number (not the number), from the API Setup page of the app.', 'an id of digits', {
        check: (id) => (/^\d{5,20}$/.test(id) ? null : 'it is the id of digits under the number, not the number'),
        example: '"106540352242922"',
      }),
    ),
    app_secret: z.optional(
      secret('The app secret (App settings, Basic); it signs what comes to `/hooks/whatsapp/<account>`.', {
        example: '"${WHATSAPP_APP_SECRET}"',
      }),
    ),
    app_secret_file: z.optional(secretFile('app_secret')),
    verify_token: z.optional(
      secret('Any text of your own; the same stands beside the callback URL in the dashboard of Meta.', {
        example: '"${WHATSAPP_VERIFY_TOKEN}"',
      }),
    ),
    verify_token_file: z.optional(secretFile('verify_token')),
    api_root: withDefault(baseUrl('The Graph API with its version.'), 'https://graph.facebook.com/v23.0'),
    ...commonFields({
      credentials: 'an access token',
      user: { example: '"491701234567"', problem: idProblem },
      chat: { example: '"491701234567"', problem: idProblem },
    }),
  }),
});
