import * as z from 'zod/mini';
import { integer, secret, secretFile, text, withDefault } from '../../../core/fields.ts';
import { isMetadataHost } from '../../../core/host.ts';
import { channelKind, commonFields } from '../options.ts';
import { webhookSecretProblem } from '../webhook-secret.ts';

/** As the wire takes them, see inbound.ts. */
// oxlint-disable-next-line no-control-regex -- control characters are what this refuses
export const webhookIdForm = /^(?=.*\S)[^\u0000-\u001f\u007f]{1,200}$/;
const idProblem = (id: string): string | null =>
  webhookIdForm.test(id) ? null : 'it must have 1 to 200 characters, none of them a control character';

/** Why something cannot be posted there, in words; null when it can. */
export function webhookUrlProblem(written: string): string | null {
  const url = URL.parse(written);
  if (url === null) return 'it is not a URL with a host and a port from 1 to 65535';
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `only http and https are possible, not ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'a user name or password does not belong into a URL';
  if (url.hash !== '') return 'what follows "#" is never sent; leave it out';
  if (isMetadataHost(url.hostname)) return 'link-local and cloud metadata addresses are never called';
  return null;
}

const secretForm = '"whsec_" and the base64 of 16 bytes or more (`echo "whsec_$(openssl rand -base64 32)"` makes one)';

/** What Standard Webhooks are signed with; `variable` names the environment's in the example. */
export const webhookSecret = (about: string, variable: string) =>
  secret(about, { check: webhookSecretProblem, form: secretForm, example: `"\${${variable}}"` });

/** Every webhook has a name: `[channels.webhook.NAME]`. */
export const webhook = channelKind({
  about: 'Signed webhooks, for everything that has no channel of its own.',
  further: 'One webhook; it receives at `/hooks/NAME`.',
  required: ['secret'],
  missing: secretForm,
  fields: () => ({
    secret: z.optional(webhookSecret('The secret that both sides sign with (Standard Webhooks).', 'WEBHOOK_SECRET')),
    secret_file: z.optional(secretFile('secret')),
    previous_secret: z.optional(
      webhookSecret(
        'The secret before this one: it is still accepted, and answers are signed with both.',
        'WEBHOOK_PREVIOUS_SECRET',
      ),
    ),
    previous_secret_file: z.optional(secretFile('previous_secret')),
    url: z.optional(
      text(
        'Where answers are posted; without it nothing can be answered. It may be on this machine or a private network.',
        'an http or https URL',
        { check: webhookUrlProblem, example: '"https://example.org/answers"' },
      ),
    ),
    max_length: withDefault(integer('Characters of one answer; a longer one is posted in parts.', 100, 32_768), 32_768),
    ...commonFields({
      credentials: 'a secret',
      proven: true,
      user: { example: '"anna"', problem: idProblem },
      chat: { example: '"support"', problem: idProblem },
    }),
  }),
});
