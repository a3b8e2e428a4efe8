import * as z from 'zod/mini';
import { duration, table } from '../core/fields.ts';

const kept = (what: string) =>
  z.optional(
    duration(`How long what came by ${what} is kept.`, '1d', '3650d', { computed: 'as `default`', example: '"90d"' }),
  );

/** Of channels that a plugin brings, `default` counts. */
export const retentionTable = () =>
  table('How long messages are kept, with their runs and files; counted for each by itself.', {
    default: z.optional(
      duration('How long what came by any other way is kept.', '1d', '3650d', {
        computed: 'for ever',
        example: '"365d"',
      }),
    ),
    api: kept('HTTP, WebSocket and the terminal'),
    telegram: kept('Telegram'),
    discord: kept('Discord'),
    slack: kept('Slack'),
    webhook: kept('webhooks'),
    matrix: kept('Matrix'),
    email: kept('e-mail'),
    whatsapp: kept('WhatsApp'),
    signal: kept('Signal'),
    mattermost: kept('Mattermost'),
  });
