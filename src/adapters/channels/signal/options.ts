import * as z from 'zod/mini';
import { baseUrl, text } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const numberForm = 'a phone number with its country, such as "+491701234567"';

const numberProblem = (number: string): string | null =>
  /^\+[1-9]\d{4,14}$/.test(number) ? null : `it is not ${numberForm}`;

const isPerson = (id: string): boolean =>
  numberProblem(id) === null || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);

const userProblem = (id: string): string | null =>
  isPerson(id) ? null : 'a person on Signal is a number such as +491701234567 or an account id (a UUID)';

const chatProblem = (id: string): string | null =>
  isPerson(id) || /^[A-Za-z0-9+/]{20,86}={0,2}$/.test(id)
    ? null
    : 'a chat on Signal is a number, an account id, or the id of a group (signal-cli listGroups)';

export const signal = channelKind({
  about: 'A Signal number, through a signal-cli daemon.',
  further: 'A further number; `main` is the one of the plain table.',
  required: ['api_root', 'number'],
  missing: 'where the signal-cli daemon listens',
  fields: () => ({
    api_root: z.optional(
      baseUrl('The HTTP interface of `signal-cli daemon --http`.', { example: '"http://127.0.0.1:8080"' }),
    ),
    number: z.optional(
      text('The registered number.', numberForm, { example: '"+491701234567"', check: numberProblem }),
    ),
    ...commonFields({
      credentials: 'a daemon and a number',
      user: { example: '"+491709876543"', problem: userProblem },
      chat: { example: '"EdSqI90cS0UomDpgUXOlCoObWvQOXlH5G3Z2d3f4ayE="', problem: chatProblem },
    }),
  }),
});
