import * as z from 'zod/mini';
import {
  baseUrl,
  choice,
  duration,
  flag,
  idList,
  named,
  secret,
  secretFile,
  table,
  withDefault,
} from '../../../core/fields.ts';

const learn = 'send /whoami to the bot, its answer names the id';

function idProblem(id: string): string | null {
  if (id.startsWith('@')) return `a bot cannot look up who a name belongs to, and names change hands; ${learn}`;
  return /^-?[1-9]\d{0,15}$/.test(id) ? null : `it is not a Telegram id; ${learn}`;
}

function userProblem(id: string): string | null {
  return idProblem(id) ?? (id.startsWith('-') ? 'a negative id is a group; it belongs into allowed_chat_ids' : null);
}

/** As BotFather hands it out: https://core.telegram.org/bots/api#authorizing-your-bot */
const tokenProblem = (token: string): string | null =>
  /^\d{1,20}:[A-Za-z0-9_-]{3,}$/.test(token) ? null : 'a token from @BotFather looks like 123456:ABC-DEF...';

const account = {
  enabled: z.optional(flag('Whether this bot runs.', { computed: 'true once there is a token', example: 'true' })),
  bot_token: z.optional(
    secret('The token from @BotFather.', {
      check: tokenProblem,
      form: 'the token from @BotFather',
      example: '"${TELEGRAM_BOT_TOKEN}"',
    }),
  ),
  bot_token_file: z.optional(secretFile('bot_token')),
  mode: withDefault(choice('How messages are received.', ['long_polling']), 'long_polling'),
  allowed_chat_ids: withDefault(
    idList(
      'Chats that are answered; groups must stand here. An empty list admits none.',
      'a list of chat ids such as [-1001234567890, "42"]',
      idProblem,
    ),
    [],
  ),
  allowed_user_ids: withDefault(
    idList(
      'People who are answered in direct messages, and the only ones heard in groups when not empty.',
      'a list of user ids such as [42, "43"]',
      userProblem,
    ),
    [],
  ),
  access: withDefault(choice('Who may talk to the bot.', ['allowlist']), 'allowlist'),
  stream: withDefault(flag('Show an answer while it is written, by editing one message.'), true),
  poll_timeout: withDefault(
    duration('How long one request waits for news; Telegram holds it open.', '1s', '50s'),
    '30s',
  ),
  api_root: withDefault(
    baseUrl('The Bot API server; another one when you run it yourself.'),
    'https://api.telegram.org',
  ),
};

const telegramAccount = table('A further bot; `main` is the one of the plain table.', account);

/** One bot. Ids are texts. */
export type TelegramOptions = z.output<typeof telegramAccount>;

export const telegramOptions = table('A Telegram bot.', {
  ...account,
  accounts: withDefault(named('Further bots.', telegramAccount), {}),
});
