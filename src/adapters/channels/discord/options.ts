import * as z from 'zod/mini';
import { baseUrl, secret, secretFile, text, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const learn = 'turn on Developer Mode (Settings, Advanced), right-click, Copy ID';

/** Names change hands; ids do not. */
const idProblem = (id: string): string | null =>
  /^\d{15,20}$/.test(id) ? null : `a Discord id has 17 to 20 digits; ${learn}`;

const tokenProblem = (token: string): string | null =>
  token.startsWith('Bot') ? 'the word "Bot" is not part of the token' : null;

export const discord = channelKind({
  about: 'A Discord bot.',
  further: 'A further bot; `main` is the one of the plain table.',
  required: ['bot_token'],
  missing: 'the bot token from the Developer Portal',
  fields: () => ({
    bot_token: z.optional(
      secret('The bot token: Developer Portal, page "Bot", "Reset Token".', {
        check: tokenProblem,
        form: 'the bot token from the Developer Portal',
        example: '"${DISCORD_BOT_TOKEN}"',
      }),
    ),
    bot_token_file: z.optional(secretFile('bot_token')),
    guild_id: z.optional(
      text('The only server (guild) that is listened to; its menu has the commands at once.', 'the id of a guild', {
        check: idProblem,
        example: '"41771983423143936"',
      }),
    ),
    api_root: withDefault(baseUrl('The REST API.'), 'https://discord.com/api'),
    ...commonFields({
      credentials: 'a token',
      user: { example: '"80351110224678912"', problem: idProblem },
      chat: { example: '"41771983423143937"', problem: idProblem },
    }),
  }),
});
