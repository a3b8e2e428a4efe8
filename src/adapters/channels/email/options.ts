import * as z from 'zod/mini';
import { duration, flag, secret, secretFile, text, withDefault } from '../../../core/fields.ts';
import { channelKind, commonFields } from '../options.ts';
import { addressProblem, plainAddress } from './address.ts';
import { endpointProblem } from './endpoint.ts';

export { endpointOf as mailEndpoint } from './endpoint.ts';

export const email = channelKind({
  about: 'A mailbox that is read by IMAP and answered by SMTP.',
  further: 'A further mailbox; `main` is the one of the plain table.',
  required: ['address', 'imap_url', 'smtp_url', 'password'],
  missing: 'the address of the mailbox',
  fields: () => ({
    address: z.optional(
      text('The address that answers are sent from.', 'an e-mail address', {
        example: '"bot@example.org"',
        check: addressProblem,
      }),
    ),
    imap_url: z.optional(
      text(
        'The server that mail is read from. `imap` is upgraded by STARTTLS; without TLS only this machine is talked to.',
        'a URL such as "imaps://imap.example.org"',
        { example: '"imaps://imap.example.org"', check: (url) => endpointProblem('imap', url) },
      ),
    ),
    smtp_url: z.optional(
      text(
        'The server that mail is sent by. `smtp` is upgraded by STARTTLS; without TLS only this machine is talked to.',
        'a URL such as "smtps://smtp.example.org"',
        { example: '"smtps://smtp.example.org"', check: (url) => endpointProblem('smtp', url) },
      ),
    ),
    user: z.optional(
      text('The name to log in with, at both servers.', 'a text', { computed: 'the address', example: '"bot"' }),
    ),
    password: z.optional(
      secret('The password of the mailbox; with two-factor login an app password.', {
        example: '"${EMAIL_PASSWORD}"',
      }),
    ),
    password_file: z.optional(secretFile('password')),
    folder: withDefault(text('The folder that mail arrives in.', 'the name of a folder'), 'INBOX'),
    sent_folder: z.optional(
      text(
        'Where the server itself keeps what it sends, such as "[Gmail]/Sent Mail". An answer whose fate is unknown is looked up there; leave it away when the server keeps nothing by itself.',
        'the name of a folder',
        { example: '"[Gmail]/Sent Mail"' },
      ),
    ),
    poll_interval: withDefault(
      duration('How often the mailbox is looked at, besides being told of new mail at once.', '10s', '1h'),
      '1m',
    ),
    require_authentication: withDefault(
      flag(
        'Turn away mail whose sender the receiving server does not vouch for (Authentication-Results). Of a server that writes no such header every sender is believed.',
      ),
      true,
    ),
    authserv_id: z.optional(
      text(
        'The name of the receiving server in Authentication-Results. With it only its word counts, and mail without it is turned away.',
        'a name such as "mx.google.com"',
        { example: '"mx.example.org"' },
      ),
    ),
    ...commonFields({
      credentials: 'an address',
      user: { example: '"anna@example.org"', problem: idProblem },
      chat: { example: '"anna@example.org"', problem: idProblem },
    }),
  }),
});

/** Ids are compared as they stand, and senders are told in lower case. */
function idProblem(id: string): string | null {
  const plain = plainAddress(id);
  if (plain !== null && plain !== id) return `it must be written "${plain}"`;
  return addressProblem(id);
}
