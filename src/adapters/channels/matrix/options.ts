import * as z from 'zod/mini';
import { baseUrl, secret, secretFile } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const anyId = (id: string): string | null => (id === '' ? 'it is empty' : null);

export const matrix = channelKind({
  about: 'A Matrix account.',
  further: 'A further account; `main` is the one of the plain table.',
  required: ['access_token', 'homeserver'],
  missing: 'the access token of the account',
  fields: {
    homeserver: z.optional(baseUrl('The homeserver.', { example: '"https://matrix.example.org"' })),
    access_token: z.optional(secret('The access token of the account.', { example: '"${MATRIX_ACCESS_TOKEN}"' })),
    access_token_file: z.optional(secretFile('access_token')),
    ...commonFields({
      credentials: 'an access token',
      user: { example: '"@anna:example.org"', problem: anyId },
      chat: { example: '"!room:example.org"', problem: anyId },
    }),
  },
});
