import * as z from 'zod/mini';
import { baseUrl, text } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const anyId = (id: string): string | null => (id === '' ? 'it is empty' : null);

export const signal = channelKind({
  about: 'A Signal number, through a signal-cli daemon.',
  further: 'A further number; `main` is the one of the plain table.',
  required: ['api_root', 'number'],
  missing: 'where the signal-cli daemon listens',
  fields: {
    api_root: z.optional(
      baseUrl('The HTTP interface of `signal-cli daemon --http`.', { example: '"http://127.0.0.1:8080"' }),
    ),
    number: z.optional(
      text('The registered number.', 'a phone number such as "+491701234567"', { example: '"+491701234567"' }),
    ),
    ...commonFields({
      credentials: 'a daemon and a number',
      user: { example: '"+491701234567"', problem: anyId },
      chat: { example: '"+491701234567"', problem: anyId },
    }),
  },
});
