import * as z from 'zod/mini';
import { baseUrl, secret, secretFile, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const anyId = (id: string): string | null => (id === '' ? 'it is empty' : null);

export const slack = channelKind({
  about: 'A Slack app.',
  further: 'A further app; `main` is the one of the plain table.',
  required: ['bot_token'],
  missing: 'the bot token (xoxb-…) from the OAuth page of the app',
  fields: {
    bot_token: z.optional(secret('The bot token (xoxb-…).', { example: '"${SLACK_BOT_TOKEN}"' })),
    bot_token_file: z.optional(secretFile('bot_token')),
    app_token: z.optional(
      secret('The app-level token (xapp-…), for Socket Mode.', { example: '"${SLACK_APP_TOKEN}"' }),
    ),
    app_token_file: z.optional(secretFile('app_token')),
    signing_secret: z.optional(
      secret('The signing secret, for events over HTTP at /hooks/slack/<account>.', {
        example: '"${SLACK_SIGNING_SECRET}"',
      }),
    ),
    signing_secret_file: z.optional(secretFile('signing_secret')),
    api_root: withDefault(baseUrl('The Web API.'), 'https://slack.com/api'),
    ...commonFields({
      credentials: 'a token',
      user: { example: '"U024BE7LH"', problem: anyId },
      chat: { example: '"C024BE91L"', problem: anyId },
    }),
  },
});
