import * as z from 'zod/mini';
import { baseUrl, choice, duration, flagOr, secret, secretFile, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const learn = 'write to the bot, and `open-clanker status` shows the id';

/** Of people and chats alike: a group or channel in whose name is written is the sender itself. */
function idProblem(id: string): string | null {
  if (id.startsWith('@')) return `a bot cannot look up who a name belongs to, and names change hands; ${learn}`;
  return /^-?[1-9]\d{0,15}$/.test(id) ? null : `it is not a Telegram id; ${learn}`;
}

/** As BotFather hands it out: https://core.telegram.org/bots/api#authorizing-your-bot */
const tokenProblem = (token: string): string | null =>
  /^\d{1,20}:[A-Za-z0-9_-]{3,}$/.test(token) ? null : 'a token from @BotFather looks like 123456:ABC-DEF...';

/** https://core.telegram.org/bots/api#setwebhook */
const webhookSecretProblem = (secret: string): string | null =>
  /^[A-Za-z0-9_-]{1,256}$/.test(secret) ? null : 'Telegram takes 1 to 256 characters A-Z a-z 0-9 _ - there';

export const telegram = channelKind({
  about: 'A Telegram bot.',
  further: 'A further bot; `main` is the one of the plain table.',
  required: ['bot_token'],
  missing: 'the token from @BotFather',
  fields: () => ({
    bot_token: z.optional(
      secret('The token from @BotFather.', {
        check: tokenProblem,
        form: 'the token from @BotFather',
        example: '"${TELEGRAM_BOT_TOKEN}"',
      }),
    ),
    bot_token_file: z.optional(secretFile('bot_token')),
    mode: withDefault(
      choice('How messages are received: by asking Telegram, or by being called at `webhook_url`.', [
        'long_polling',
        'webhook',
      ]),
      'long_polling',
    ),
    webhook_url: z.optional(
      baseUrl(
        'For `mode = "webhook"`: where Telegram reaches this gateway, by https on port 443, 80, 88 or 8443. Without a path it is the one of this account, `/hooks/telegram/main`.',
        { example: '"https://bot.example.org"' },
      ),
    ),
    webhook_secret: z.optional(
      secret('What Telegram must show at the webhook.', {
        check: webhookSecretProblem,
        form: '1 to 256 characters A-Z a-z 0-9 _ -',
        computed: 'made from the token',
        example: '"${TELEGRAM_WEBHOOK_SECRET}"',
      }),
    ),
    webhook_secret_file: z.optional(secretFile('webhook_secret')),
    ...commonFields({
      credentials: 'a token',
      user: { example: '42, "43"', problem: idProblem },
      chat: { example: '-1001234567890, "42"', problem: idProblem },
    }),
    stream: withDefault(
      flagOr(
        'Show an answer while it is written, by editing one message; `"draft"` shows it in private chats as a draft that the answer then takes the place of.',
        ['draft'],
      ),
      true,
    ),
    poll_timeout: withDefault(
      duration('How long one request waits for news; Telegram holds it open.', '1s', '50s'),
      '30s',
    ),
    api_root: withDefault(
      baseUrl('The Bot API server; another one when you run it yourself.'),
      'https://api.telegram.org',
    ),
  }),
});
