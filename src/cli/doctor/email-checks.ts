/** Checks of mailboxes: what their two servers say, and what the gateway heard from them. */
import type { Check, EmailFacts, Finding } from './facts.ts';

const passwords =
  'Check user and password; where two-factor login is on (Gmail, iCloud, Yahoo, Outlook) make an app password.';

export const mailServers: Check = ({ email }) =>
  email
    .filter(({ enabled }) => enabled)
    .flatMap((mailbox) => [...serverFindings(mailbox, 'imap'), ...serverFindings(mailbox, 'smtp')]);

function serverFindings(mailbox: EmailFacts, kind: 'imap' | 'smtp'): Finding[] {
  const { outcome, detail } = mailbox[kind];
  const server = `The ${kind.toUpperCase()} server of ${mailbox.id}`;
  switch (outcome) {
    case 'unauthorized':
      return [{ code: 'email_login_refused', problem: `${server} refused the login (${detail}).`, fix: passwords }];
    case 'untrusted':
      return [
        {
          code: 'email_untrusted',
          problem: `${server} cannot be talked to under TLS (${detail}).`,
          fix: `The certificate must be valid for the name in ${kind}_url; name an authority of your own by NODE_EXTRA_CA_CERTS.`,
        },
      ];
    case 'unreachable':
      return [
        {
          code: 'email_unreachable',
          problem: `${server} cannot be reached (${detail}).`,
          fix: `Check ${kind}_url and its port, and a firewall; many networks block port 25.`,
        },
      ];
    case 'failing':
      return [
        { code: 'email_failing', problem: `${server} fails (${detail}).`, fix: 'Wait; if it stays, ask its operator.' },
      ];
    default:
      return [];
  }
}

/** The gateway noticed it from the mail that came. */
export const provenSenders: Check = ({ email, gateway }) => {
  if (gateway.reach !== 'up') return null;
  const { channels } = gateway.status;
  return email.flatMap(({ id }): Finding[] => {
    const detail = channels.find((channel) => channel.id === id)?.health.detail ?? '';
    if (!/whether senders are genuine/.test(detail)) return [];
    return [
      {
        code: 'email_senders_unproved',
        problem: `The mail server of ${id} does not say whether senders are genuine, so a forged one is believed.`,
        fix: 'Have it check SPF, DKIM and DMARC, then set authserv_id to the name it gives itself.',
      },
    ];
  });
};
