/** Where results of tasks are posted to. */
import * as z from 'zod/mini';
import { webhookSecret, webhookUrlProblem } from '../adapters/channels/webhook/options.ts';
import { duration, named, secretFile, table, text, withDefault } from '../core/fields.ts';

const outgoing = () =>
  table('One receiver: what jobs and tasks post there is signed (Standard Webhooks).', {
    url: text(
      'Where it is posted. It may be on this machine or a private network; redirects are not followed.',
      'an http or https URL',
      { check: webhookUrlProblem, example: '"https://example.org/clanker"' },
    ),
    secret: z.optional(webhookSecret('The secret it is signed with. It is needed.', 'OPS_WEBHOOK_SECRET')),
    secret_file: z.optional(secretFile('secret')),
    timeout: withDefault(duration('How long one attempt may take.', '1s', '2m'), '30s'),
  });

export const webhooksTable = () =>
  table('Webhooks that results are posted to.', {
    out: withDefault(named('Receivers by name: `webhook:NAME` is where a result goes.', outgoing()), {}),
  });
