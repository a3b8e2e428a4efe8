import * as z from 'zod/mini';
import { secret, secretFile, text } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const anyId = (id: string): string | null => (id === '' ? 'it is empty' : null);

export const email = channelKind({
  about: 'A mailbox.',
  further: 'A further mailbox; `main` is the one of the plain table.',
  required: ['address', 'imap_url', 'smtp_url', 'password'],
  missing: 'the address of the mailbox',
  fields: {
    address: z.optional(
      text('The address that answers are sent from.', 'an e-mail address', { example: '"bot@example.org"' }),
    ),
    imap_url: z.optional(
      text('The server that mail is read from.', 'a URL such as "imaps://imap.example.org"', {
        example: '"imaps://imap.example.org"',
      }),
    ),
    smtp_url: z.optional(
      text('The server that mail is sent by.', 'a URL such as "smtps://smtp.example.org"', {
        example: '"smtps://smtp.example.org"',
      }),
    ),
    user: z.optional(text('The name to log in with.', 'a text', { computed: 'the address', example: '"bot"' })),
    password: z.optional(
      secret('The password of the mailbox, or an app password.', { example: '"${EMAIL_PASSWORD}"' }),
    ),
    password_file: z.optional(secretFile('password')),
    ...commonFields({
      credentials: 'an address',
      user: { example: '"anna@example.org"', problem: anyId },
      chat: { example: '"anna@example.org"', problem: anyId },
    }),
  },
});
