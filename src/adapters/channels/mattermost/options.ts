import * as z from 'zod/mini';
import { baseUrl, secret, secretFile } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const idProblem = (id: string): string | null =>
  /^[a-z0-9]{26}$/.test(id) ? null : 'a Mattermost id has 26 lower-case letters and digits; names are not taken';

export const mattermost = channelKind({
  about: 'A Mattermost bot.',
  further: 'A further bot; `main` is the one of the plain table.',
  required: ['bot_token', 'api_root'],
  missing: 'the access token of the bot account',
  fields: () => ({
    bot_token: z.optional(secret('The access token of the bot account.', { example: '"${MATTERMOST_BOT_TOKEN}"' })),
    bot_token_file: z.optional(secretFile('bot_token')),
    api_root: z.optional(baseUrl('The address of the server.', { example: '"https://chat.example.org"' })),
    ...commonFields({
      credentials: 'a token',
      user: { example: '"4xp9fdt77pncbef59f4k1qe83o"', problem: idProblem },
      chat: { example: '"ue7y4a1prtnqjh6cn9x5dzqk3w"', problem: idProblem },
    }),
  }),
});
