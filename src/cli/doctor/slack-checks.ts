/** Checks of the Slack apps: what is configured, and what Slack says of the tokens. */
import { perAccount } from './per-account.ts';

const perApp = perAccount(({ slack }) => slack);

export const botToken = perApp(({ id, outcome, detail }) => {
  switch (outcome) {
    case 'unauthorized':
      return {
        code: 'slack_token_refused',
        problem: `Slack refused the bot_token of ${id} (${detail}).`,
        fix: 'Install the app to the workspace and copy the token that begins with xoxb- from its page "OAuth & Permissions".',
      };
    case 'unreachable':
      return {
        code: 'slack_unreachable',
        problem: `Slack cannot be reached for ${id} (${detail}).`,
        fix: 'Check the network and a firewall, and api_root if you set it.',
      };
    case 'failing':
      return {
        code: 'slack_failing',
        problem: `Slack answers ${id} with an error (${detail}).`,
        fix: 'Wait, and look at https://slack-status.com; if it stays, check api_root.',
      };
    default:
      return null;
  }
});

export const noWayIn = perApp(({ id, receives }) => {
  if (receives) return null;
  return {
    code: 'slack_cannot_receive',
    problem: `${id} can send, but nothing can reach it: there is neither app_token nor signing_secret.`,
    fix: 'Make an app-level token with connections:write (page "Basic Information") and set app_token.',
  };
});

export const noHost = perApp(({ id, unreachable }) => {
  if (!unreachable) return null;
  return {
    code: 'slack_no_host',
    problem: `Slack cannot call ${id}: no public host name is served here, so its requests are refused (421).`,
    fix: 'Put the host name of the request URL into server.allowed_hosts, and the proxy in front into server.trusted_proxies; or set app_token, which needs neither.',
  };
});

export const scopes = perApp(({ id, missingScopes }) => {
  if (missingScopes.length === 0) return null;
  return {
    code: 'slack_scopes_missing',
    problem: `The bot token of ${id} lacks ${missingScopes.join(', ')}.`,
    fix: 'Add them on the page "OAuth & Permissions" of the app, or paste the manifest of docs/channels/slack.md, and install the app again.',
  };
});
