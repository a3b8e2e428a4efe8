/** Checks of the channels that are called at `/hooks`: webhooks and WhatsApp. */
import type { Check, Facts, Finding } from './facts.ts';

export const webhookAnswers: Check = ({ webhooks }) =>
  webhooks
    .filter(({ enabled, url }) => enabled && url === null)
    .map(({ id, name }) => ({
      code: 'webhook_no_url',
      problem: `What comes in at ${id} cannot be answered: it has no url.`,
      fix: `Set channels.webhook.${name}.url to where answers are to be posted.`,
    }));

export const whatsAppNumber: Check = ({ whatsapp }) =>
  whatsapp
    .filter(({ enabled }) => enabled)
    .flatMap(({ id, outcome, detail }): Finding[] => {
      switch (outcome) {
        case 'unauthorized':
          return [
            {
              code: 'whatsapp_token_refused',
              problem: `Meta refused the access token of ${id} (${detail}).`,
              fix: 'Make a new one for the system user (Business settings, System users, never expiring) and set access_token.',
            },
          ];
        case 'no_such_number':
          return [
            {
              code: 'whatsapp_no_such_number',
              problem: `Meta does not show the number of ${id} to this token (${detail}).`,
              fix: 'Set phone_number_id to the id under the number on the API Setup page, and give the system user the app and the account.',
            },
          ];
        case 'unreachable':
        case 'failing':
          return [
            {
              code: 'whatsapp_unreachable',
              problem: `Meta does not answer for ${id} as it should (${detail}).`,
              fix: 'Check the network and api_root; if Meta has trouble, wait: nothing is lost meanwhile.',
            },
          ];
        default:
          return [];
      }
    });

export const whatsAppReach: Check = ({ whatsapp }) =>
  whatsapp
    .filter(({ enabled, publicNames }) => enabled && publicNames === 0)
    .map(({ id }) => ({
      code: 'whatsapp_no_host',
      problem: `Meta cannot call ${id}: no public host name is served here, so its requests are refused (421).`,
      fix: 'Put the host name of the callback URL into server.allowed_hosts, and the proxy in front into server.trusted_proxies.',
    }));

/** What the gateway says of them, in its own words; what another check says better is left to it. */
export const hookTrouble: Check = ({ gateway, whatsapp, webhooks }) => {
  const told = new Set([
    ...webhooks.filter(({ url }) => url === null).map(({ id }) => id),
    ...whatsapp.filter(({ outcome }) => outcome === 'unauthorized').map(({ id }) => id),
  ]);
  return [...whatsapp, ...webhooks]
    .filter(({ id, enabled }) => enabled && !told.has(id))
    .flatMap(({ id }): Finding[] => {
      const detail = detailOf(gateway, id);
      if (detail === '') return [];
      const fix = 'Compare the secrets of both sides; the log has the details.';
      return [{ code: 'channel_trouble', problem: `${id} is in trouble: ${detail}`, fix }];
    });
};

const detailOf = (gateway: Facts['gateway'], id: string): string =>
  gateway.reach === 'up' ? (gateway.status.channels.find((known) => known.id === id)?.health.detail ?? '') : '';
