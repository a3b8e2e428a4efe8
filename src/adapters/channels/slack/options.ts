import * as z from 'zod/mini';
import { baseUrl, secret, secretFile, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';

const learn = 'write to the bot, and `open-clanker status` shows the id';

const person = /^[UW][A-Z0-9]{2,40}$/;
const conversation = /^[CGD][A-Z0-9]{2,40}$/;

function userProblem(id: string): string | null {
  if (id.startsWith('@')) return `names can be changed by anybody and are not looked up; ${learn}`;
  if (conversation.test(id)) return 'that is a conversation; it belongs into allowed_chat_ids';
  return person.test(id) ? null : `it is not the id of a member, such as U024BE7LH; ${learn}`;
}

function chatProblem(id: string): string | null {
  if (id.startsWith('#')) return 'names of channels change; take the id at the end of "View channel details"';
  if (person.test(id)) return 'that is a person; it belongs into allowed_user_ids';
  return conversation.test(id) ? null : 'it is not the id of a conversation, such as C024BE91L';
}

/** Kinds of tokens: https://docs.slack.dev/authentication/tokens */
function tokenProblem(wanted: 'xoxb-' | 'xapp-'): (token: string) => string | null {
  const page = wanted === 'xoxb-' ? '"OAuth & Permissions"' : '"Basic Information", App-Level Tokens';
  const others: Record<string, string> = {
    'xoxb-': 'that is the bot token, which belongs into bot_token',
    'xapp-': 'that is the app-level token, which belongs into app_token',
    'xoxp-': 'that is the token of a person',
    'xoxe.': 'that is a token that expires; turn token rotation off',
  };
  return (token) => {
    const begin = token.slice(0, 5);
    if (begin === wanted || others[begin] === undefined) return null;
    return `${others[begin]}; the one for this key begins with ${wanted} (page ${page} of the app)`;
  };
}

export const slack = channelKind({
  about: 'A Slack app.',
  further: 'A further app; `main` is the one of the plain table.',
  required: ['bot_token'],
  missing: 'the bot token (xoxb-…) from the page "OAuth & Permissions" of the app',
  fields: () => ({
    bot_token: z.optional(
      secret('The bot token (xoxb-…).', {
        check: tokenProblem('xoxb-'),
        form: 'the token that begins with xoxb-',
        example: '"${SLACK_BOT_TOKEN}"',
      }),
    ),
    bot_token_file: z.optional(secretFile('bot_token')),
    app_token: z.optional(
      secret('The app-level token (xapp-…) with the scope connections:write, for Socket Mode.', {
        check: tokenProblem('xapp-'),
        form: 'the token that begins with xapp-',
        example: '"${SLACK_APP_TOKEN}"',
      }),
    ),
    app_token_file: z.optional(secretFile('app_token')),
    signing_secret: z.optional(
      secret('The signing secret, for events over HTTP at /hooks/slack/<account>. Not needed with Socket Mode.', {
        example: '"${SLACK_SIGNING_SECRET}"',
      }),
    ),
    signing_secret_file: z.optional(secretFile('signing_secret')),
    api_root: withDefault(baseUrl('The Web API; another one when a proxy stands before it.'), 'https://slack.com/api'),
    ...commonFields({
      credentials: 'a token',
      user: { example: '"U024BE7LH"', problem: userProblem },
      chat: { example: '"C024BE91L"', problem: chatProblem },
    }),
  }),
});
