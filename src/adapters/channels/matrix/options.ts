import * as z from 'zod/mini';
import { baseUrl, secret, secretFile } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const userProblem = (id: string): string | null =>
  /^@[^\s:]+:[^\s]+$/.test(id) ? null : 'a Matrix user id looks like @anna:example.org';

function roomProblem(id: string): string | null {
  if (id.startsWith('#')) return 'a #name can be given to another room; use the id that begins with "!"';
  return /^![^\s]+$/.test(id) ? null : 'a Matrix room id looks like !abc123:example.org';
}

export const matrix = channelKind({
  about: 'A Matrix account.',
  further: 'A further account; `main` is the one of the plain table.',
  required: ['access_token', 'homeserver'],
  missing: 'the access token of the account',
  fields: () => ({
    homeserver: z.optional(
      baseUrl('The address of the homeserver: where `/_matrix` is served.', {
        example: '"https://matrix.example.org"',
      }),
    ),
    access_token: z.optional(
      secret('The access token of the account, of a session without encryption.', {
        example: '"${MATRIX_ACCESS_TOKEN}"',
      }),
    ),
    access_token_file: z.optional(secretFile('access_token')),
    ...commonFields({
      credentials: 'an access token',
      user: { example: '"@anna:example.org"', problem: userProblem },
      chat: { example: '"!room:example.org"', problem: roomProblem },
    }),
  }),
});
