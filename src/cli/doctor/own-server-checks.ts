/** Checks of Matrix, Mattermost and Signal: channels whose server a person names, and often runs. */
import type { Check, Facts, Finding, OwnServerFacts } from './facts.ts';

interface Words {
  server: string;
  /** Where its address stands in the configuration. */
  address: string;
  refused: string;
  wrongPlace: string;
}

const words: Record<OwnServerFacts['type'], Words> = {
  matrix: {
    server: 'The homeserver',
    address: 'homeserver',
    refused: 'Log in again with the account of the bot and set access_token (docs/channels/matrix.md).',
    wrongPlace:
      'Set homeserver to where /_matrix is served: not the address of a web client, and often not the name in user ids.',
  },
  mattermost: {
    server: 'Mattermost',
    address: 'api_root',
    refused: 'Make a new token under Integrations, Bot Accounts, see that the bot is on, and set bot_token.',
    wrongPlace: 'Set api_root to the address that you open in the browser, without team and channel.',
  },
  signal: {
    server: 'signal-cli',
    address: 'api_root',
    refused: 'Register or link the number with signal-cli.',
    wrongPlace:
      'Start signal-cli with `daemon --http` and set api_root to it; wrappers of other projects speak otherwise.',
  },
};

/** One finding an account, for enabled accounts only. */
const perAccount =
  (judge: (account: OwnServerFacts, words: Words, facts: Facts) => Finding | null): Check =>
  (facts) =>
    facts.ownServers
      .filter(({ enabled }) => enabled)
      .flatMap((account) => judge(account, words[account.type], facts) ?? []);

export const answers = perAccount(({ id, type, outcome, detail }, { server, address, refused, wrongPlace }) => {
  switch (outcome) {
    case 'unauthorized':
      return {
        code: `${type}_token_refused`,
        problem: `${server} refused the token of ${id} (${detail}).`,
        fix: refused,
      };
    case 'wrong_place':
      return {
        code: `${type}_wrong_place`,
        problem: `What answers at the ${address} of ${id} is something else (${detail}).`,
        fix: wrongPlace,
      };
    case 'unreachable':
      return {
        code: `${type}_unreachable`,
        problem: `${server} cannot be reached for ${id} (${detail}).`,
        fix: `See that it runs, and check ${address}, the network and a firewall.`,
      };
    case 'failing':
      return {
        code: `${type}_failing`,
        problem: `${server} answers ${id} with an error (${detail}).`,
        fix: 'Look at its own log; the gateway goes on as soon as it is well again.',
      };
    default:
      return null;
  }
});

/** What the gateway saw and a question cannot: a connection that does not hold, a number that is not there. */
export const channelTrouble = perAccount(({ id, outcome }, _, { gateway }) => {
  if (gateway.reach !== 'up' || (outcome !== 'ok' && outcome !== 'not_asked')) return null;
  const health = gateway.status.channels.find((channel) => channel.id === id)?.health;
  if (health === undefined || !['degraded', 'fatal'].includes(health.state)) return null;
  return { code: 'channel_trouble', problem: `${id} is in trouble: ${health.detail}`, fix: 'The log has the details.' };
});
